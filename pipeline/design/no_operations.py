"""Vertices that hand on what they are given are gone.

Reason: at inference a Dropout does nothing, and exporters leave behind (or leave out) a Cast
to the type that is there already, a pool over windows of one place (an adaptive pool at the
very size it makes), a Concat of one part.
Requires: nothing. Ensures: no vertex whose one output is its first operand, to the last bit.
"""

from __future__ import annotations

from collections.abc import Callable

from pipeline.design.rewriter import Rewriter, Rule
from pipeline.graph.network import Shape, Vertex

Test = Callable[[Vertex, Shape], bool]
CROP = "tf_crop_and_resize"
WINDOWS_OF_ONE = ("kernel_shape", "strides")


def always(vertex: Vertex, shape: Shape) -> bool:
    """What it does, it does in training only."""
    return True


def is_unpadded_place(vertex: Vertex, shape: Shape) -> bool:
    """A pool whose windows are one place each, side by side."""
    ones = (1,) * (len(shape) - 2)
    return all(vertex.get(name) == ones for name in WINDOWS_OF_ONE)


def is_one_place(vertex: Vertex, shape: Shape) -> bool:
    """A global pool of one place."""
    return set(shape[2:]) == {1}


def keeps_every_place(vertex: Vertex, shape: Shape) -> bool:
    """A Slice that steps forward through everything."""
    return set(vertex.get("steps") or ()) == {1}  # type: ignore[arg-type]


def does_not_crop(vertex: Vertex, shape: Shape) -> bool:
    """A Resize to the size that is there samples every place where it is."""
    return vertex.get("coordinate_transformation_mode") != CROP


def is_in_order(vertex: Vertex, shape: Shape) -> bool:
    """A Transpose that leaves all axes where they are."""
    return vertex.get("perm") == tuple(range(len(shape)))


def has_no_limits(vertex: Vertex, shape: Shape) -> bool:
    """A Clip that lets everything pass."""
    return not vertex.attributes


def is_alone(vertex: Vertex, shape: Shape) -> bool:
    """One operand, and no weight or constant beside it."""
    return not [name for name, _ in vertex.attributes if name != "axis"]


def reduces_ones(vertex: Vertex, shape: Shape) -> bool:
    """A reduction over axes of one place that are kept."""
    axes = vertex.get("axes")
    return isinstance(axes, tuple) and all(shape[axis] == 1 for axis in axes)  # type: ignore[index]


TESTS: dict[str, Test] = {
    "Dropout": always,
    "Identity": always,
    "Cast": always,  # to the type that is there: types are compared for all
    "Expand": always,
    "Tile": always,
    "Reshape": always,
    "Split": always,
    "Pad": always,
    "AveragePool": is_unpadded_place,
    "MaxPool": is_unpadded_place,
    "GlobalAveragePool": is_one_place,
    "GlobalMaxPool": is_one_place,
    "Slice": keeps_every_place,
    "Resize": does_not_crop,
    "Transpose": is_in_order,
    "Clip": has_no_limits,
    **dict.fromkeys(("Concat", "Sum", "Max", "Min", "Mean"), is_alone),
    **dict.fromkeys(("ReduceMean", "ReduceSum", "ReduceMax", "ReduceMin"), reduces_ones),
}


def remove_no_operation(rewriter: Rewriter, index: int) -> bool:
    """``y = f(x)`` with y = x -> x."""
    vertex, outputs = rewriter.vertices[index], rewriter.outputs[index]
    if len(vertex.operands) != 1 or vertex.operands[0].position or len(outputs) != 1:
        return False
    given = rewriter.tensor(vertex.operands[0])
    if outputs[0] != given or not TESTS[vertex.operator](vertex, given.shape):
        return False
    rewriter.bypass(index, vertex.operands[0])
    return True


RULES = (Rule("no operation", tuple(TESTS), remove_no_operation),)

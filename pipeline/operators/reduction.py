"""Reductions over axes, and ArgMax."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from pipeline.errors import UnsupportedOperator
from pipeline.graph.network import Shape
from pipeline.operators.axes import Filled, fill_axis, plain, reduced_axes
from pipeline.operators.registry import Example, Operator, Shapes, Values, register

Reduce = Callable[[Any, tuple[int, ...], bool], Any]


def fill_reduction(values: Values, first: Shape, parameters: Shapes) -> Filled:
    """Axes counted from the front, in order, all when none are named."""
    if values["noop_with_empty_axes"] and values.get("axes") is None:
        return {}
    return plain("axes", reduced_axes(values, len(first))) | {"noop_with_empty_axes": None}


def usual_axes(shape: Shape) -> Values:
    """The spatial axes; the last one where there are none."""
    return {"axes": tuple(range(2, len(shape))) or (len(shape) - 1,)}


def register_reduction(name: str, reduce: Reduce, paper: bool = False, **traits: Any) -> None:
    """One reduction; ``reduce`` takes the layer, the axes and whether they stay as ones."""

    def build(layer: Any) -> Any:
        if layer.has_edge(1) or layer.get("axes") is None:
            raise UnsupportedOperator("data_dependent", f"{name}: axes known only at run time")
        return reduce(layer, layer["axes"], bool(layer["keepdims"]))

    examples = (
        Example(((1, 4, 5, 6),), constants={"axes": [2, 3]}),
        Example(((1, 4, 5, 6),), {"keepdims": 0}, constants={"axes": [-1, 2]}),
        Example(((1, 4, 5, 6),), {"keepdims": 0}, constants={"axes": [1]}),
        Example(((2, 3, 4),)),
    )
    register(
        Operator(
            name=name,
            paper=paper,
            fill=fill_reduction,
            structural=("axes",),
            usual=usual_axes,
            choices={"keepdims": (0, 1)},
            build=build,
            examples=examples,
            **traits,
        )
    )


def by_method(method: str) -> Reduce:
    """``x.method(axes, keepdim=...)``."""
    return lambda layer, axes, keep: layer.method(method, layer.x, axes, keepdim=keep)


def by_norm(order: int) -> Reduce:
    """The 1- or 2-norm."""
    return lambda layer, axes, keep: layer.call(
        layer.torch.linalg.vector_norm, layer.x, order, axes, keepdim=keep
    )


def multiply(layer: Any, axes: tuple[int, ...], keep: bool) -> Any:
    """torch.prod takes one axis at a time."""
    y = layer.x
    for axis in axes[::-1]:
        y = layer.method("prod", y, axis, keepdim=keep)
    return y


def build_arg_max(layer: Any) -> Any:
    """torch.argmax; the last of equal maxima is the first of the flipped ones."""
    axis, keep = layer["axis"], bool(layer["keepdims"])
    if not layer["select_last_index"]:
        return layer.call(layer.torch.argmax, layer.x, axis, keepdim=keep)
    flipped = layer.method("flip", layer.x, axis)
    first = layer.call(layer.torch.argmax, flipped, axis, keepdim=keep)
    return layer.call(layer.torch.sub, layer.shape[axis] - 1, first)


register_reduction("ReduceMean", by_method("mean"), paper=True)
register_reduction("ReduceSum", by_method("sum"))
register_reduction("ReduceMax", by_method("amax"))
register_reduction("ReduceMin", by_method("amin"))
register_reduction("ReduceL1", by_norm(1))
register_reduction("ReduceL2", by_norm(2))
register_reduction("ReduceProd", multiply, delicate=True)  # of many factors
register(
    Operator(
        name="ArgMax",
        fill=fill_axis,
        differentiable=False,
        choices={"keepdims": (0, 1), "select_last_index": (0, 1)},
        build=build_arg_max,
        examples=(
            Example(((1, 8),), {"axis": 1}),
            Example(((1, 4, 5, 6),), {"axis": -3, "keepdims": 0}),
            Example(((1, 4, 5),), {"axis": -1, "select_last_index": 1}),
        ),
    )
)

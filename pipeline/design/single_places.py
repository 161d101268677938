"""Maps of one place are rows: a Reshape between them goes before what treats both alike.

Reason: after a global pool a library writes its head, or a gate, with Conv of 1 x 1 and then
flattens, another flattens first and writes Gemm; so does the Conv of 7 x 7 that stands for a
Gemm of a flattened 7 x 7 map.
Requires: a Reshape of (n, channels, 1, 1) to (n, channels) or back, which alone reads what it
reshapes. Ensures: none after an activation, a BatchNormalization or a linear layer with
weights of its own: it stands before, and the linear layer is Gemm of rows, Conv of maps.
"""

from __future__ import annotations

from typing import Any

from pipeline.design.linear import PLAIN
from pipeline.design.reshapes import reshape
from pipeline.design.rewriter import Rewriter, Rule, vertex_of
from pipeline.graph.network import Shape, Value, Vertex
from pipeline.operators.registry import operator_of

IMAGE = 4  # axes of a map


def go_before(rewriter: Rewriter, index: int) -> bool:
    """``reshape(relu(x))`` -> ``relu(reshape(x))``; of a Conv -> Gemm, of a Gemm -> Conv."""
    source = rewriter.vertices[index].operands[0]
    given, made = rewriter.tensor(source).shape, rewriter.outputs[index][0].shape
    layer = rewriter.only(source.source)
    if layer is None or len(layer.operands) != 1 or not is_of_one_place(given, made):
        return False
    x = layer.operands[0]
    shape = rewriter.tensor(x).shape
    if is_placewise(layer):
        target, moved = made, (layer.operator, dict(layer.attributes))
    elif layer.operator == "Conv" and covers_its_map(layer, shape):
        target, moved = (shape[0], rows_of(shape)), ("Gemm", gemm_values(layer))
    elif layer.operator == "Gemm" and layer.get("bias") is not None:
        target, moved = (*shape, 1, 1), ("Conv", conv_values(layer))
    else:
        return False
    reshaped = reshape(rewriter, x, target)
    if reshaped is None:
        return False
    operator, values = moved
    before = rewriter.insert(reshaped, target)
    rewriter.replace(index, vertex_of(operator, values, before))
    return True


def is_of_one_place(given: Shape, made: Shape) -> bool:
    """Whether one of two shapes is a map of 1 x 1 and the other its channels."""
    short, long = sorted((given, made), key=len)
    return len(short) == 2 and len(long) == IMAGE and long == (*short, 1, 1)


def is_placewise(layer: Vertex) -> bool:
    """Whether it treats every place alike, by numbers if by anything."""
    operator = operator_of(layer.operator)
    by_numbers = not any(isinstance(value, tuple) for _, value in layer.attributes)
    is_elementwise = operator is not None and operator.elementwise and by_numbers
    return is_elementwise or layer.operator == "BatchNormalization"


def covers_its_map(layer: Vertex, shape: Shape) -> bool:
    """Whether a Conv has one window, which is the whole map, and weights of its own."""
    is_whole = layer.get("kernel_shape") == shape[2:] and not any(layer.get("pads"))  # type: ignore[arg-type]
    return is_whole and layer.get("group") == 1 and layer.get("bias") is not None


def rows_of(shape: Shape) -> int:
    """Numbers of one image."""
    _, channels, height, width = shape
    return channels * height * width


def gemm_values(layer: Vertex) -> dict[str, Value]:
    """The attributes of the Gemm that a Conv of its whole map is."""
    out: Any = layer.get("out_channels")
    bias: Any = layer.get("bias")
    return PLAIN | {"out_features": out, "bias": bias}


def conv_values(layer: Vertex) -> dict[str, Value]:
    """The attributes of the Conv of 1 x 1 that a Gemm is."""
    out: Any = layer.get("out_features")
    bias: Any = layer.get("bias")
    ones = dict.fromkeys(("kernel_shape", "strides", "dilations"), (1, 1))
    return {**ones, "pads": (0,) * 4, "group": 1, "out_channels": out, "bias": bias}


RULES = (Rule("maps of one place", ("Reshape",), go_before),)

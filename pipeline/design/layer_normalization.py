"""LayerNormalization, whole or in parts, is whole.

Reason: ONNX has it from opset 17 on; below, it is a chain of nine
(https://onnx.ai/onnx/operators/onnx__LayerNormalization.html).
Requires: the rules of arithmetic; a scale of its own, of the shape that is normalised.
Ensures: no LayerNormalization in parts, and none with its shift apart.
"""

from __future__ import annotations

from pipeline.design.arithmetic import number
from pipeline.design.rewriter import Rewriter, Rule, same, vertex_of
from pipeline.graph.network import Operand, Value, Vertex
from pipeline.operators.operands import PARAMETER

LAYER = "LayerNormalization"
SPATIAL = 2  # the first axis of those that a global pool averages over


def from_parts(rewriter: Rewriter, index: int) -> bool:
    """``(x - mean(x)) / sqrt(mean((x - mean(x)) ** 2) + e) * w`` -> LayerNormalization."""
    vertex = rewriter.vertices[index]
    scale = parameter(vertex)
    if scale is None:
        return False
    quotient = rewriter.vertices[vertex.operands[0].source]
    if quotient.operator != "Div" or len(quotient.operands) != 2:
        return False
    centred, deviation = quotient.operands
    epsilon = epsilon_of(rewriter, deviation, centred)
    difference = rewriter.vertices[centred.source]
    if epsilon is None or difference.operator != "Sub" or len(difference.operands) != 2:
        return False
    x, mean = difference.operands
    shape = rewriter.tensor(x).shape
    axis = len(shape) - len(scale)
    if shape[axis:] != scale or not is_mean(rewriter, mean, x, axis):
        return False
    if not is_mean(rewriter, variance_of(rewriter, deviation), None, axis):
        return False
    values: dict[str, Value] = {"axis": axis, "epsilon": epsilon, "bias": 0}
    rewriter.replace(index, vertex_of(LAYER, values, x))
    return True


def parameter(vertex: Vertex) -> tuple[int, ...] | None:
    """The shape of the weight at the right, where there is nothing else."""
    shape = vertex.get("B" + PARAMETER)
    alone = len(vertex.operands) == len(vertex.attributes) == 1
    return shape if alone and isinstance(shape, tuple) else None  # type: ignore[return-value]


def epsilon_of(rewriter: Rewriter, deviation: Operand, centred: Operand) -> float | None:
    """e of ``sqrt(mean(centred ** 2) + e)``; None for anything else."""
    root = rewriter.vertices[deviation.source]
    if root.operator != "Sqrt":
        return None
    shifted = rewriter.vertices[root.operands[0].source]
    epsilon = number(shifted) if shifted.operator == "Add" else None
    mean = rewriter.vertices[shifted.operands[0].source]
    square = rewriter.vertices[mean.operands[0].source] if mean.operands else mean
    is_square = square.operator == "Pow" and square.get("Y") == 2.0
    return epsilon if is_square and same(square.operands[0], centred) else None


def variance_of(rewriter: Rewriter, deviation: Operand) -> Operand:
    """``mean(...)`` of ``sqrt(mean(...) + e)``."""
    shifted = rewriter.vertices[deviation.source].operands[0]
    return rewriter.vertices[shifted.source].operands[0]


def is_mean(rewriter: Rewriter, operand: Operand, x: Operand | None, axis: int) -> bool:
    """Whether it is the mean (of x) over all axes from ``axis`` on, which are kept."""
    vertex = rewriter.vertices[operand.source]
    if vertex.operator == "GlobalAveragePool":
        return axis == SPATIAL and (x is None or same(vertex.operands[0], x))
    if vertex.operator != "ReduceMean" or not vertex.get("keepdims"):
        return False
    rank = len(rewriter.tensor(vertex.operands[0]).shape)
    over = vertex.get("axes") == tuple(range(axis, rank))
    return over and (x is None or same(vertex.operands[0], x))


def take_shift(rewriter: Rewriter, index: int) -> bool:
    """``layer_normalization(x) + b`` -> LayerNormalization with a shift."""
    vertex = rewriter.vertices[index]
    shift = parameter(vertex)
    source = vertex.operands[0].source
    layer = rewriter.only(source, LAYER)
    if shift is None or layer is None or layer.get("bias") != 0:
        return False
    axis = layer.get("axis")
    assert isinstance(axis, int)
    if rewriter.outputs[source][0].shape[axis:] != shift:
        return False
    values = dict(layer.attributes) | {"bias": 1}
    rewriter.replace(source, vertex_of(LAYER, values, *layer.operands))
    rewriter.bypass(index, vertex.operands[0])
    return True


RULES = (
    Rule("LayerNormalization", ("Mul",), from_parts),
    Rule("shift of LayerNormalization", ("Add",), take_shift),
)

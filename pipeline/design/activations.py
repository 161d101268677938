"""Relu, Relu6, HardSigmoid, HardSwish and Mish, whole or in parts, are whole.

Reason: below some opset they are chains of arithmetic, and a library that wrote its own
exports that chain at any opset. SiLU, which ONNX has no operator for at opset 20, stays
``x * sigmoid(x)``.
Requires: the rules of arithmetic. Ensures: none of these functions in parts.
"""

from __future__ import annotations

from math import isclose

from pipeline.design.arithmetic import number
from pipeline.design.products import factors
from pipeline.design.rewriter import Rewriter, Rule, same, vertex_of
from pipeline.graph.network import Operand, Vertex

SIXTH = 0.1666666716337204  # 1/6 as a float32, which torch's slope is
GATES = {"alpha": SIXTH, "beta": 0.5}
CLOSE = 1e-5


def to_relu(rewriter: Rewriter, index: int) -> bool:
    """``clip(x, 0)``, ``max(x, 0)`` -> Relu."""
    vertex = rewriter.vertices[index]
    limits = {name: value for name, value in vertex.attributes if value != float("inf")}
    if len(vertex.operands) != 1 or len(limits) != 1 or next(iter(limits.values())) != 0.0:
        return False
    if not set(limits) <= {"min", "data_0_0", "data_0_1"}:
        return False
    rewriter.replace(index, vertex_of("Relu", {}, vertex.operands[0]))
    return True


def hard_sigmoid(rewriter: Rewriter, index: int) -> bool:
    """``relu6(x + 3) / 6`` -> HardSigmoid."""
    sixth = number(rewriter.vertices[index])
    operand = shifted_relu6(rewriter, rewriter.vertices[index].operands[0])
    if sixth is None or not isclose(sixth, SIXTH, rel_tol=CLOSE) or operand is None:
        return False
    rewriter.replace(index, vertex_of("HardSigmoid", GATES, operand))
    return True


def shifted_relu6(rewriter: Rewriter, operand: Operand) -> Operand | None:
    """x of ``relu6(x + 3)``."""
    clip = rewriter.vertices[operand.source]
    if clip.operator != "Clip" or (clip.get("min"), clip.get("max")) != (0.0, 6.0):
        return None
    shift = rewriter.vertices[clip.operands[0].source]
    is_shift = shift.operator == "Add" and number(shift) == 3.0
    return shift.operands[0] if is_shift else None


def hard_swish(rewriter: Rewriter, index: int) -> bool:
    """``x * hard_sigmoid(x)``, ``x * relu6(x + 3) / 6`` -> HardSwish."""
    constant, operands = factors(rewriter, index)
    if len(operands) != 2:
        return False
    for x, gate in (operands, operands[::-1]):
        vertex = rewriter.vertices[gate.source]
        if constant == 1.0 and is_hard_sigmoid(vertex):
            inner: Operand | None = vertex.operands[0]
        elif isclose(constant, SIXTH, rel_tol=CLOSE):
            inner = shifted_relu6(rewriter, gate)
        else:
            continue
        if inner is not None and same(inner, x):
            rewriter.replace(index, vertex_of("HardSwish", {}, x))
            return True
    return False


def is_hard_sigmoid(vertex: Vertex) -> bool:
    """With torch's slope."""
    alpha, beta = vertex.get("alpha"), vertex.get("beta")
    if vertex.operator != "HardSigmoid" or not isinstance(alpha, float):
        return False
    return isclose(alpha, SIXTH, rel_tol=CLOSE) and beta == 0.5


def mish(rewriter: Rewriter, index: int) -> bool:
    """``x * tanh(softplus(x))`` -> Mish."""
    constant, operands = factors(rewriter, index)
    if constant != 1.0 or len(operands) != 2:
        return False
    for x, gate in (operands, operands[::-1]):
        tanh = rewriter.vertices[gate.source]
        if tanh.operator != "Tanh":
            continue
        softplus = rewriter.vertices[tanh.operands[0].source]
        if softplus.operator == "Softplus" and same(softplus.operands[0], x):
            rewriter.replace(index, vertex_of("Mish", {}, x))
            return True
    return False


RULES = (
    Rule("Relu", ("Clip", "Max"), to_relu),
    Rule("HardSigmoid", ("Mul",), hard_sigmoid),
    Rule("HardSwish", ("Mul",), hard_swish),
    Rule("Mish", ("Mul",), mish),
)

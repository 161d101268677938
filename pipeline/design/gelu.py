"""Gelu, whole or in parts, is whole.

Reason: ONNX has Gelu from opset 20 on; below it, and with the exporter that decomposes, it is
a chain of five (https://onnx.ai/onnx/operators/onnx__Gelu.html).
Requires: the rules of arithmetic. Ensures: no Gelu by Erf or by Tanh in parts.
"""

from __future__ import annotations

from math import isclose, pi, sqrt

from pipeline.design.arithmetic import number
from pipeline.design.products import factors
from pipeline.design.rewriter import Rewriter, Rule, same, vertex_of
from pipeline.graph.network import Operand

CLOSE = 1e-5
CUBE = 0.044715


def gelu(rewriter: Rewriter, index: int) -> bool:
    """``x * (1 + erf(x / sqrt(2))) / 2``, or with tanh -> Gelu."""
    constant, operands = factors(rewriter, index)
    if not isclose(constant, 0.5, rel_tol=CLOSE) or len(operands) != 2:
        return False
    for x, gate in (operands, operands[::-1]):
        one_more = rewriter.vertices[gate.source]
        if one_more.operator != "Add" or number(one_more) != 1.0:
            continue
        bend = rewriter.vertices[one_more.operands[0].source]
        if bend.operator == "Erf" and is_scaled(rewriter, bend.operands[0], sqrt(0.5), x):
            rewriter.replace(index, vertex_of("Gelu", {"approximate": "none"}, x))
            return True
        if bend.operator == "Tanh" and is_cubic(rewriter, bend.operands[0], x):
            rewriter.replace(index, vertex_of("Gelu", {"approximate": "tanh"}, x))
            return True
    return False


def is_scaled(rewriter: Rewriter, operand: Operand, by: float, x: Operand) -> bool:
    """Whether it is ``x * by``."""
    vertex = rewriter.vertices[operand.source]
    value = number(vertex) if vertex.operator == "Mul" else None
    near = value is not None and isclose(value, by, rel_tol=CLOSE)
    return near and same(vertex.operands[0], x)


def is_cubic(rewriter: Rewriter, operand: Operand, x: Operand) -> bool:
    """Whether it is ``sqrt(2 / pi) * (x + 0.044715 * x ** 3)``."""
    scaled = rewriter.vertices[operand.source]
    value = number(scaled) if scaled.operator == "Mul" else None
    if value is None or not isclose(value, sqrt(2 / pi), rel_tol=CLOSE):
        return False
    total = rewriter.vertices[scaled.operands[0].source]
    if total.operator != "Add" or len(total.operands) != 2:
        return False
    for plain, cubed in (total.operands, total.operands[::-1]):
        if not same(plain, x):
            continue
        factor = rewriter.vertices[cubed.source]
        is_factor = factor.operator == "Mul" and isclose(
            number(factor) or 0.0, CUBE, rel_tol=CLOSE
        )
        return is_factor and is_third_power(rewriter, factor.operands[0], x)
    return False


def is_third_power(rewriter: Rewriter, operand: Operand, x: Operand) -> bool:
    """Whether it is ``x ** 3``."""
    vertex = rewriter.vertices[operand.source]
    return vertex.operator == "Pow" and vertex.get("Y") == 3.0 and same(vertex.operands[0], x)


RULES = (Rule("Gelu", ("Mul",), gelu),)

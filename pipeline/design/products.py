"""A product as its factors: what rules for activations written as products look at."""

from __future__ import annotations

from pipeline.design.arithmetic import number
from pipeline.design.rewriter import Rewriter
from pipeline.graph.network import Operand

MOST_FACTORS = 4


def factors(rewriter: Rewriter, index: int) -> tuple[float, list[Operand]]:
    """The number and the operands whose product a Mul is: through Muls that only it reads."""
    found: list[Operand] = []
    waiting = _operands(rewriter, index)
    if waiting is None:
        return 1.0, []
    constant, open_operands = waiting
    while open_operands and len(found) < MOST_FACTORS:
        operand = open_operands.pop()
        inner = None
        if rewriter.only(operand.source, "Mul"):
            inner = _operands(rewriter, operand.source)
        if inner is None:
            found.append(operand)
        else:
            constant *= inner[0]
            open_operands += inner[1]
    return constant, found + open_operands


def _operands(rewriter: Rewriter, index: int) -> tuple[float, list[Operand]] | None:
    vertex = rewriter.vertices[index]
    if vertex.operator != "Mul":
        return None
    if len(vertex.operands) == 2:
        return 1.0, list(vertex.operands)
    value = number(vertex)
    return None if value is None else (value, list(vertex.operands))

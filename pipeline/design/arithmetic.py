"""Arithmetic with numbers and weights is Add and Mul, the number or weight at the right.

Reason: ``0.5 * x``, ``x * 0.5`` and ``x / 2`` are one thing, and so are a weight that is
subtracted and its negative that is added.
Requires: real numbers in the usual precision.
Ensures: no Neg; no Sub or Div whose right side is a number or a weight; an Add or Mul of one
operand has it at position 0; numbers that follow one another are one, and none adds 0 or
multiplies by 1; Sum is Add; x * x and x * x * x are powers.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from pipeline.design.rewriter import Rewriter, Rule, is_float, same, vertex_of
from pipeline.graph.network import Operand, Value, Vertex
from pipeline.operators.operands import PARAMETER, SHAPE
from pipeline.operators.trained import is_written

INVERSE = {"Sub": "Add", "Div": "Mul"}
NEUTRAL = {"Add": 0.0, "Mul": 1.0}
DIGITS = 6  # decimal places that a quotient or product of two float32 is good for


def number(vertex: Vertex) -> float | None:
    """The scalar at the right of a vertex that has one operand, at the left."""
    value = vertex.get("B")
    alone = len(vertex.operands) == 1 and not vertex.operands[0].position
    return value if alone and isinstance(value, float) else None


def computed(value: float) -> float:
    """A number that was computed, to the digits that are sure, as the float32 that it is; a
    fraction that would look trained with these (1/6) as it is."""
    found = float(np.float32(f"{value:.{DIGITS}g}"))
    return found if is_written(found) else float(np.float32(value))


def put_at_right(rewriter: Rewriter, index: int) -> bool:
    """``c + x`` -> ``x + c``; and c without axes of size 1 ahead of its own."""
    vertex = rewriter.vertices[index]
    operand = vertex.operands[0]
    rank = len(rewriter.tensor(operand).shape)
    if len(vertex.operands) != 1 or len(rewriter.outputs[index][0].shape) != rank:
        return False  # c may add axes
    values = {"B" + name[1:]: v for name, v in vertex.attributes}
    for name in ("B" + PARAMETER, "B" + SHAPE):
        if name in values:
            values[name] = without_leading_ones(values[name])
    if len(values.get("B" + SHAPE, ())) == 1:  # type: ignore[arg-type]
        values.pop("B" + SHAPE)  # a constant of one axis has the shape of its values
    constant = values.get("B")
    if isinstance(constant, tuple) and len(constant) == 1 and rank:
        values["B"] = constant[0]
    turned = vertex_of(vertex.operator, values, operand)
    if turned == vertex:
        return False
    rewriter.replace(index, turned)
    return True


def without_leading_ones(shape: Value) -> Value:
    """(1, 64, 1, 1) -> (64, 1, 1), which broadcasts alike."""
    assert isinstance(shape, tuple)
    while len(shape) > 1 and shape[0] == 1:
        shape = shape[1:]
    return shape


def invert(rewriter: Rewriter, index: int) -> bool:
    """``x - c`` -> ``x + -c``, ``x / c`` -> ``x * (1 / c)``; the same of a weight."""
    vertex = rewriter.vertices[index]
    if len(vertex.operands) != 1 or vertex.operands[0].position:
        return False
    if not is_float(rewriter.tensor(vertex.operands[0])):
        return False
    values: dict[str, Any] = dict(vertex.attributes)
    value = values.get("B")
    if value is not None:
        if not isinstance(value, float) or (vertex.operator == "Div" and not value):
            return False
        values["B"] = -value if vertex.operator == "Sub" else computed(1 / value)
    rewriter.replace(index, vertex_of(INVERSE[vertex.operator], values, vertex.operands[0]))
    return True


def negate(rewriter: Rewriter, index: int) -> bool:
    """``-x`` -> ``x * -1``."""
    operand = rewriter.vertices[index].operands[0]
    if not is_float(rewriter.tensor(operand)):
        return False
    rewriter.replace(index, vertex_of("Mul", {"B": -1.0}, operand))
    return True


def join(rewriter: Rewriter, index: int) -> bool:
    """``(x * a) * b`` -> ``x * ab`` where nothing else reads ``x * a``; the same of sums."""
    vertex = rewriter.vertices[index]
    outer = number(vertex)
    source = vertex.operands[0].source
    if outer is None or rewriter.only(source, vertex.operator) is None:
        return False
    before = rewriter.vertices[source]
    inner = number(before)
    if inner is None:
        return False
    both = inner * outer if vertex.operator == "Mul" else inner + outer
    rewriter.replace(
        index, vertex_of(vertex.operator, {"B": computed(both)}, before.operands[0])
    )
    return True


def drop_neutral(rewriter: Rewriter, index: int) -> bool:
    """``x + 0``, ``x * 1`` -> x."""
    vertex = rewriter.vertices[index]
    if number(vertex) != NEUTRAL[vertex.operator] or list(dict(vertex.attributes)) != ["B"]:
        return False
    if rewriter.outputs[index][0] != rewriter.tensor(vertex.operands[0]):
        return False
    rewriter.bypass(index, vertex.operands[0])
    return True


def to_power(rewriter: Rewriter, index: int) -> bool:
    """``x * x`` -> ``x ** 2``, and ``x ** 2 * x`` -> ``x ** 3``."""
    vertex = rewriter.vertices[index]
    if len(vertex.operands) != 2:
        return False
    for x, power in (vertex.operands, vertex.operands[::-1]):
        exponent = 1.0 if same(x, power) else exponent_of(rewriter, power, x)
        if exponent in (1.0, 2.0):
            rewriter.replace(index, vertex_of("Pow", {"Y": exponent + 1}, x))
            return True
    return False


def exponent_of(rewriter: Rewriter, operand: Operand, x: Operand) -> Value | None:
    """n where the operand is ``x ** n``, and only one vertex reads it."""
    power = rewriter.only(operand.source, "Pow")
    return power.get("Y") if power and same(power.operands[0], x) else None


def spell_exponent(rewriter: Rewriter, index: int) -> bool:
    """``x ** 2`` -> ``x ** 2.0``; a square root -> Sqrt."""
    vertex = rewriter.vertices[index]
    exponent = vertex.get("Y")
    if not isinstance(exponent, int | float) or [n for n, _ in vertex.attributes] != ["Y"]:
        return False
    if not is_float(rewriter.tensor(vertex.operands[0])):
        return False
    powered = vertex_of("Pow", {"Y": float(exponent)}, vertex.operands[0])
    if exponent == 0.5:
        powered = vertex_of("Sqrt", {}, vertex.operands[0])
    if repr(powered) == repr(vertex):
        return False
    rewriter.replace(index, powered)
    return True


def add_one_by_one(rewriter: Rewriter, index: int) -> bool:
    """``sum(a, b, c)`` -> ``(a + b) + c``."""
    vertex = rewriter.vertices[index]
    if len(vertex.operands) < 2 or vertex.attributes:
        return False
    total: Operand = vertex.operands[0]
    for operand in vertex.operands[1:-1]:
        shapes = rewriter.tensor(total).shape, rewriter.tensor(operand).shape
        total = rewriter.insert(
            vertex_of("Add", {}, total, operand), np.broadcast_shapes(*shapes)
        )
    rewriter.replace(index, vertex_of("Add", {}, total, vertex.operands[-1]))
    return True


RULES = (
    Rule("numbers and weights at the right", ("Add", "Mul"), put_at_right),
    Rule("no subtraction, no division", ("Sub", "Div"), invert),
    Rule("no negative", ("Neg",), negate),
    Rule("one number", ("Add", "Mul"), join),
    Rule("no neutral number", ("Add", "Mul"), drop_neutral),
    Rule("powers", ("Mul",), to_power),
    Rule("exponents", ("Pow",), spell_exponent),
    Rule("sums", ("Sum",), add_one_by_one),
)

"""The rules that keep the values of a changed network finite."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from math import prod

import numpy as np

from pipeline.decode.repair.case import Adapter, Case, Change
from pipeline.decode.repair.graph import Plan
from pipeline.decode.repair.numbers import (
    CLIPPED,
    EXPONENT,
    FLOOR,
    LARGEST,
    LOST,
    OVERFLOWING,
    Bounds,
    constant_of,
    infinite_border,
    sees_beyond,
)
from pipeline.graph.network import Attributes, Shape, Vertex

POSITIVE: Attributes = (("min", CLIPPED),)
SMALL: Attributes = (("max", 8.0), ("min", -8.0))
MAX_FACTORS = 64
MAX_EXPONENT = 16
NORMAL = 4.0  # a scale that normalising would not lower by much
EPSILON = float(np.float32(1e-5))  # as a file gives it back


def keep_positive(case: Case, known: Sequence[Bounds], _: Bounds) -> Change | None:
    """Rule: roots, logarithms and denominators are of positive numbers: clipped from below
    where nothing says that they are."""
    for number, operand in enumerate(case.vertex.operands):
        if _must_be_positive(case, operand.position) and known[number].low < FLOOR:
            reason = f"{case.operator} of what may be 0 or less"
            return Change(case.vertex, reason, (Adapter(number, "Clip", POSITIVE),))
    return None


def _must_be_positive(case: Case, position: int) -> bool:
    if case.operator in ("Sqrt", "Log", "Reciprocal"):
        return True
    if case.operator == "Div":
        return position == 1
    if case.operator != "Pow" or position == 1:
        return False
    exponent = constant_of(case.vertex)
    return not (
        isinstance(exponent, int | float) and exponent >= 0 and float(exponent).is_integer()
    )


def keep_exponents_small(case: Case, known: Sequence[Bounds], _: Bounds) -> Change | None:
    """Rule: what stands in an exponent is clipped where it may be large."""
    for number, operand in enumerate(case.vertex.operands):
        is_exponent = case.operator == "Exp" or (
            case.operator == "Pow" and operand.position == 1
        )
        if is_exponent and known[number].scale > EXPONENT:
            reason = "an exponent that may be large"
            return Change(case.vertex, reason, (Adapter(number, "Clip", SMALL),))
    return None


def keep_operands_small(case: Case, known: Sequence[Bounds], after: Bounds) -> Change | None:
    """Rule: a layer that would overflow takes its largest operand normalised."""
    number = max(range(len(known)), key=lambda i: known[i].scale)
    if after.scale <= OVERFLOWING or known[number].scale <= NORMAL:
        return None
    shape = case.flows[number].shape
    adapter = Adapter(number, "LayerNormalization", _normalisation(shape))
    return Change(case.vertex, "values grow beyond float32", (adapter,))


def is_unsafe(case: Case, known: Sequence[Bounds], after: Bounds, limit: float = LOST) -> bool:
    """Whether values that are not finite are to be feared. ``limit``, of the scale: milder for
    a network that was not changed, since the estimate is one from above."""
    rules = (keep_positive, keep_exponents_small)
    return (
        after.scale > limit
        or any(b.infinite and not sees_beyond(case.vertex, b.infinite) for b in known)
        or why_not_finite(case) is not None
        or any(rule(case, known, after) is not None for rule in rules)
    )


def why_not_finite(case: Case) -> str | None:
    """Why no guard keeps an operator's values or gradients finite; None where one can."""
    if case.operator == "MeanVarianceNormalization":
        return "its gradient is none where nothing varies"
    if case.operator == "Gather" and len(case.flows) > 1:
        return "indices that are known at run time"
    if case.operator == "ReduceProd" and prod(case.shape) > MAX_FACTORS:
        return "a product of many factors"
    exponent = constant_of(case.vertex) if case.operator == "Pow" else None
    if exponent is not None and np.abs(exponent).max() > MAX_EXPONENT:
        return "a power far beyond any that networks take"
    weight = {"Div": "B.parameter", "Pow": "X.parameter"}.get(case.operator)
    if weight in case.values:
        return "a weight may be 0 or less"
    return None


def pad_with_numbers(plan: Plan) -> None:
    """Rule: a Pad of an infinite number stands before MaxPools alone, which see more than its
    border; another pads with 0."""
    users: dict[int, list[Vertex]] = {}
    for vertex in plan.vertices:
        for operand in vertex.operands:
            users.setdefault(operand.source, []).append(vertex)
    for index, vertex in enumerate(plan.vertices):
        border = infinite_border(vertex)
        if border and not all(sees_beyond(user, border) for user in users.get(index, ())):
            plan.log("pad_with_numbers", index, "infinite numbers go on")
            kept = tuple(pair for pair in vertex.attributes if pair[0] != "constant_value")
            plan.vertices[index] = replace(vertex, attributes=kept)


def normalise_growth(bounds: Bounds, shape: Shape) -> Vertex | None:
    """Rule: values that grow beyond reason are normalised: the LayerNormalization to put after
    a vertex; its operand is still to be set."""
    if bounds.scale <= LARGEST or len(shape) < 2:
        return None
    return Vertex("LayerNormalization", _normalisation(shape), ())


def _normalisation(shape: Shape) -> Attributes:
    axis = len(shape) - 1 if shape[-1:] > (1,) else min(1, len(shape) - 1)
    return (("axis", axis), ("bias", 1), ("epsilon", EPSILON))


GUARDS = (keep_positive, keep_exponents_small, keep_operands_small)

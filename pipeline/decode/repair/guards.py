"""The rules that keep the values of a changed network finite."""

from __future__ import annotations

from collections.abc import Sequence
from math import prod

import numpy as np

from pipeline.decode.repair.case import Adapter, Case, Change
from pipeline.decode.repair.numbers import (
    CLIPPED,
    EXPONENT,
    FLOOR,
    LARGEST,
    Bounds,
    constant_of,
)
from pipeline.graph.network import Attributes, Vertex

POSITIVE: Attributes = (("min", CLIPPED),)
SMALL: Attributes = (("max", 8.0), ("min", -8.0))
MAX_FACTORS = 64
EPSILON = float(np.float32(1e-5))  # as a file gives it back


def keep_positive(case: Case, known: Sequence[Bounds]) -> Change | None:
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


def keep_exponents_small(case: Case, known: Sequence[Bounds]) -> Change | None:
    """Rule: what stands in an exponent is clipped where it may be large."""
    for number, operand in enumerate(case.vertex.operands):
        is_exponent = case.operator == "Exp" or (
            case.operator == "Pow" and operand.position == 1
        )
        if is_exponent and known[number].scale > EXPONENT:
            reason = "an exponent that may be large"
            return Change(case.vertex, reason, (Adapter(number, "Clip", SMALL),))
    return None


def why_not_finite(case: Case) -> str | None:
    """Why no guard keeps an operator's values or gradients finite; None where one can."""
    if case.operator == "MeanVarianceNormalization":
        return "its gradient is none where nothing varies"
    if case.operator == "ReduceProd" and prod(case.shape) > MAX_FACTORS:
        return "a product of many factors"
    return None


def normalise_growth(bounds: Bounds, rank: int, last: int) -> Vertex | None:
    """Rule: values that grow beyond reason are normalised: the LayerNormalization to put after
    a vertex; its operand is still to be set."""
    if bounds.scale <= LARGEST or rank < 2:
        return None
    axis = rank - 1 if last > 1 else 1
    attributes: Attributes = (("axis", axis), ("bias", 1), ("epsilon", EPSILON))
    return Vertex("LayerNormalization", attributes, ())


GUARDS = (keep_positive, keep_exponents_small)

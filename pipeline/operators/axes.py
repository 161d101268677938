"""Axes, bounds and target shapes: their one spelling, whatever a file wrote."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pipeline.errors import UnsupportedOperator
from pipeline.graph.network import Shape, Value
from pipeline.operators.operands import DTYPE, SHAPE
from pipeline.operators.registry import Shapes, Values

Settled = dict[str, Value | None]


def settle_axis(values: Values, first: Shape, _: Shapes) -> Settled:
    """``axis`` counted from the front."""
    axis: Any = values["axis"]
    return {"axis": axis % len(first) if axis < 0 else axis}


def integers(values: Mapping[str, Any], name: str) -> tuple[int, ...] | None:
    """A constant operand or attribute as a tuple of ints; None when there is none."""
    value = values.get(name)
    if value is None:
        return None
    return tuple(int(v) for v in value) if isinstance(value, tuple) else (int(value),)


def known_integers(layer: Any, name: str) -> tuple[int, ...]:
    """The same of a layer being built. Raises UnsupportedOperator when they come from data."""
    value = integers(layer.attributes, name)
    if value is None:
        raise UnsupportedOperator(
            "data_dependent", f"{layer.operator}: {name} is known only at run time"
        )
    return value


def plain(name: str, value: Value) -> Settled:
    """An integer operand as int64 of one axis, the one spelling of int32 and scalar ones."""
    return {name: value, name + DTYPE: None, name + SHAPE: None}


def scalar(values: Values, name: str) -> Settled:
    """A scalar operand that a file may have written with one axis."""
    value = values.get(name)
    if isinstance(value, tuple) and len(value) == 1:
        return {name: value[0], name + SHAPE: None}
    return {}


def reduced_axes(values: Values, rank: int) -> tuple[int, ...]:
    """The axes a reduction goes over, in order; all of them when none are named."""
    named = integers(values, "axes")
    return tuple(sorted({axis % rank for axis in named})) if named else tuple(range(rank))

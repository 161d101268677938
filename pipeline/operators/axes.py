"""Axes, bounds and target shapes: their one spelling, whatever a file wrote."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from pipeline.errors import InvalidNetwork, UnsupportedOperator
from pipeline.graph.network import Shape, Value
from pipeline.operators.operands import DTYPE, SHAPE
from pipeline.operators.registry import Shapes, Values

Filled = dict[str, Value | None]


def fill_axis(values: Values, first: Shape, _: Shapes) -> Filled:
    """``axis`` counted from the front; shape inference refuses one beyond the last."""
    axis: Any = values["axis"]
    return {"axis": from_front((axis,), len(first))[0] if axis < 0 else axis}


def from_front(axes: Iterable[int], rank: int) -> tuple[int, ...]:
    """Axes counted from the front, in the order given. Raises ValueError for one that there is
    not, and for one named twice."""
    places = tuple(axis + rank if axis < 0 else axis for axis in axes)
    if not all(0 <= place < rank for place in places) or len(set(places)) < len(places):
        raise ValueError(f"axes {places} of {rank}")
    return places


def check_target(data: Shape, target: Sequence[int], batch: int, zero_keeps: bool) -> None:
    """Raises InvalidNetwork where a Reshape to ``target`` does not fit data of this shape, nor
    the same data at the batch size that the file was made for. ``zero_keeps``: 0 is the size
    that the axis has."""
    kept = len(data) if zero_keeps else 0
    sizes = [data[a] if size == 0 and a < kept else size for a, size in enumerate(target)]
    rest, open_sizes = math.prod(size for size in sizes if size != -1), sizes.count(-1)
    counts = {math.prod(data), math.prod(data) * batch}
    fits = any(c % rest == 0 if open_sizes else c == rest for c in counts) if rest else False
    if open_sizes > 1 or min(sizes, default=1) < -1 or not fits:
        raise InvalidNetwork("shapes", f"Reshape: {list(target)} does not fit {data}")


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


def plain(name: str, value: Value) -> Filled:
    """An integer operand as int64 of one axis, the one spelling of int32 and scalar ones."""
    return {name: value, name + DTYPE: None, name + SHAPE: None}


def scalar(values: Values, name: str) -> Filled:
    """A scalar operand that a file may have written with one axis."""
    value = values.get(name)
    if isinstance(value, tuple) and len(value) == 1:
        return {name: value[0], name + SHAPE: None}
    return {}


def reduced_axes(values: Values, rank: int) -> tuple[int, ...]:
    """The axes a reduction goes over, in order; all of them when none are named."""
    named = integers(values, "axes")
    return tuple(sorted(from_front(named, rank))) if named else tuple(range(rank))

"""What a rule sees and what it asks for."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

from pipeline.decode.repair.judge import Flow
from pipeline.graph.network import Attributes, Operand, Shape, Value, Vertex

Values = dict[str, Value]


@dataclass(frozen=True, slots=True)
class Case:
    """A vertex that does not run, and the tensors of its operands (at least one)."""

    vertex: Vertex
    flows: tuple[Flow, ...]

    @property
    def operator(self) -> str:
        return self.vertex.operator

    @property
    def values(self) -> Values:
        """Its attributes; a copy."""
        return dict(self.vertex.attributes)

    @property
    def shape(self) -> Shape:
        """Of the first operand, at batch size 1."""
        return self.flows[0].shape


@dataclass(frozen=True, slots=True)
class Adapter:
    """A vertex to put before one operand of the case. ``channels``: all it is for; better than
    by an adapter, the layer that makes the operand makes so many."""

    operand: int
    operator: str
    attributes: Attributes
    channels: int | None = None


@dataclass(frozen=True, slots=True)
class Change:
    """What a rule asks for: the vertex changed, adapters before its operands, and why."""

    vertex: Vertex
    reason: str
    adapters: tuple[Adapter, ...] = ()


Rule = Callable[[Case], Change | None]


def sorted_attributes(values: Values) -> Attributes:
    """Attributes as a vertex holds them."""
    return tuple(sorted(values.items()))


def with_values(case: Case, reason: str, **values: Value | None) -> Change | None:
    """The case with these attributes; None removes one. None when nothing changes."""
    merged: dict[str, Value | None] = {**case.values, **values}
    kept = {name: value for name, value in merged.items() if value is not None}
    attributes = sorted_attributes(kept)
    if repr(attributes) == repr(case.vertex.attributes):
        return None
    return Change(replace(case.vertex, attributes=attributes), reason)


def with_operands(case: Case, reason: str, *operands: Operand) -> Change | None:
    """The case with these operands; None when nothing changes."""
    if operands == case.vertex.operands:
        return None
    return Change(replace(case.vertex, operands=operands), reason)


def whole(value: object, low: int, high: int) -> int | None:
    """``value`` if it is an integer within bounds."""
    if isinstance(value, int) and not isinstance(value, bool) and low <= value <= high:
        return value
    return None


def ints(value: object) -> tuple[int, ...] | None:
    """``value`` if it is an integer or a tuple of them, as a tuple."""
    if isinstance(value, int):
        return (value,)
    if isinstance(value, tuple) and all(isinstance(v, int) for v in value):
        return value
    return None

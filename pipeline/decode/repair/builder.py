"""What the rules work with: a call they look at, a change they ask for, and the builder that
makes the network vertex by vertex."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field, replace

from pipeline.decode.repair.budget import Budget
from pipeline.decode.repair.check import NONSENSE, PairedShape, Verdict, check
from pipeline.decode.repair.graph import Draft, Edit
from pipeline.errors import ModelError
from pipeline.graph.network import Attributes, Operand, Shape, Value, Vertex
from pipeline.operators.registry import operator_of

Values = dict[str, Value]


@dataclass(frozen=True, slots=True)
class Call:
    """A vertex, and the tensors of its operands (at least one)."""

    vertex: Vertex
    tensors: tuple[PairedShape, ...]

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
        return self.tensors[0].shape

    def check(self) -> Verdict:
        return check(self.vertex, self.tensors, count_outputs(self.vertex))


@dataclass(frozen=True, slots=True)
class Adapter:
    """A vertex to put before one operand of the call. ``channels``: all it is for; better than
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


Fit = Callable[[Call], Change | None]


@dataclass
class Builder:
    """The network so far. ``origins``: which vertex of the draft each was; ``places``: where
    the first output of each of the draft's went; ``split``: those of them that kept all their
    outputs; ``lasting``: edits that are not taken back with the vertex they were made for."""

    draft: Draft
    vertices: list[Vertex] = field(default_factory=list)
    origins: list[int] = field(default_factory=list)
    outputs: list[tuple[PairedShape, ...]] = field(default_factory=list)
    places: dict[int, Operand] = field(default_factory=dict)
    split: set[int] = field(default_factory=set)
    users: Counter[int] = field(default_factory=Counter)
    budget: Budget = field(default_factory=Budget)
    edits: list[Edit] = field(default_factory=list)
    lasting: list[Edit] = field(default_factory=list)

    def __post_init__(self) -> None:
        for vertex in self.draft.vertices:
            self.users.update(operand.source for operand in vertex.operands)

    def log(self, rule: str, index: int, reason: str) -> None:
        self.edits.append(Edit(rule, max(0, self.draft.origins[index]), reason))

    def draft_index(self, operand: Operand) -> int:
        """The vertex of the draft that an operand's source was; 0 for an inserted one."""
        origin = self.origins[operand.source]
        return max(0, self.draft.origins[origin]) if origin >= 0 else 0

    def tensor(self, operand: Operand) -> PairedShape:
        return self.outputs[operand.source][operand.output]

    def call(self, vertex: Vertex) -> Call:
        """A vertex whose operands are in the network."""
        return Call(vertex, tuple(self.tensor(o) for o in vertex.operands))

    def append(self, vertex: Vertex, verdict: Verdict, origin: int) -> Operand:
        """Take a vertex that was checked; where its first output is."""
        self.vertices.append(vertex)
        self.origins.append(origin)
        self.outputs.append(verdict.outputs)
        self.budget.spend(verdict)
        return Operand(len(self.vertices) - 1)

    def forget(self, count: int) -> None:
        """Take back all but the first ``count`` vertices."""
        for column in (self.vertices, self.origins, self.outputs):
            del column[count:]


def count_outputs(vertex: Vertex) -> int:
    """How many outputs a vertex declares; 0 where its attributes do not say."""
    operator = operator_of(vertex.operator)
    if operator is None or operator.outputs is None:
        return 1
    try:
        return int(operator.outputs(dict(vertex.attributes)))
    except (ModelError, *NONSENSE):
        return 0


def sorted_attributes(values: Values) -> Attributes:
    """Attributes as a vertex holds them."""
    return tuple(sorted(values.items()))


def with_values(call: Call, reason: str, **values: Value | None) -> Change | None:
    """The call with these attributes; None removes one. None when nothing changes."""
    merged: dict[str, Value | None] = {**call.values, **values}
    kept = {name: value for name, value in merged.items() if value is not None}
    attributes = sorted_attributes(kept)
    if repr(attributes) == repr(call.vertex.attributes):
        return None
    return Change(replace(call.vertex, attributes=attributes), reason)


def with_operands(call: Call, reason: str, *operands: Operand) -> Change | None:
    """The call with these operands; None when nothing changes."""
    if operands == call.vertex.operands:
        return None
    return Change(replace(call.vertex, operands=operands), reason)


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

"""The rules on the graph: one source, one sink, edges that go forward, everything in between.

Each takes a draft and changes it in place; each is linear in vertices and edges.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from heapq import heappop, heappush

from pipeline.graph.network import INPUT, OUTPUT, Network, Operand, Vertex

DEFAULT_INPUT = Vertex(INPUT, (("dtype", "float32"), ("shape", (3, 224, 224))))
INSERTED = -1  # origin of a vertex that the draft did not have


@dataclass(frozen=True, slots=True)
class Edit:
    """One change: the rule that made it, the vertex of the draft it concerns, the reason."""

    rule: str
    vertex: int
    reason: str


@dataclass(frozen=True)
class Repaired:
    """A valid network, and what it took. ``origins``: which vertex of the draft each vertex
    of the network was, -1 for one that was put in."""

    network: Network
    edits: tuple[Edit, ...] = ()
    origins: tuple[int, ...] = ()


@dataclass
class Draft:
    """A draft being put in order: its vertices, which of those given each one was, the Input
    that one without gets; and once it has been tried out, what keeps its values finite:
    ``guards``, what stands before the operand of a vertex at a position, and ``refused``, the
    vertices that are bypassed, and why."""

    vertices: list[Vertex]
    origins: list[int]
    image: Vertex = DEFAULT_INPUT
    edits: list[Edit] = field(default_factory=list)
    guards: dict[tuple[int, int], list[str]] = field(default_factory=dict)
    refused: dict[int, str] = field(default_factory=dict)

    def log(self, rule: str, vertex: int, reason: str) -> None:
        """Note an edit of the vertex that stands at this place now."""
        self.edits.append(Edit(rule, max(0, self.origins[vertex]), reason))

    def rewire(self, vertex: int, operands: Sequence[Operand]) -> None:
        """Give a vertex other operands."""
        self.vertices[vertex] = replace(self.vertices[vertex], operands=tuple(operands))

    def reorder(self, order: Sequence[int]) -> None:
        """Keep these vertices in this order; operands that are not kept must have no users."""
        place = {old: new for new, old in enumerate(order)}
        kept = [self.vertices[old] for old in order]
        self.origins = [self.origins[old] for old in order]
        self.vertices = [
            replace(v, operands=tuple(replace(o, source=place[o.source]) for o in v.operands))
            for v in kept
        ]


def drop_edges_to_nowhere(draft: Draft) -> None:
    """Rule: an operand names a vertex that exists, and a slot that can."""
    for index, vertex in enumerate(draft.vertices):
        kept = [
            o for o in vertex.operands
            if 0 <= o.source < len(draft.vertices) and o.output >= 0
        ]  # fmt: skip
        if len(kept) < len(vertex.operands):
            draft.log("drop_edges_to_nowhere", index, "an operand names no vertex")
            draft.rewire(index, kept)


def keep_one_source(draft: Draft) -> None:
    """Rule: the first Input is the source; users of others take it instead."""
    sources = [i for i, v in enumerate(draft.vertices) if v.operator == INPUT]
    if not sources:
        sources = [len(draft.vertices)]
        draft.vertices.append(draft.image)
        draft.origins.append(INSERTED)
        draft.log("keep_one_source", sources[0], "there is no Input")
    first, *others = sources
    for other in others:
        draft.log("keep_one_source", other, "a second Input")
    if draft.vertices[first].operands:
        draft.log("keep_one_source", first, "an Input has no operands")
        draft.rewire(first, ())
    instead: dict[int, Operand | None] = {other: Operand(first) for other in others}
    _redirect(draft, instead)
    _remove(draft, first=first, gone=set(others))


def keep_one_sink(draft: Draft) -> None:
    """Rule: the last Output is the sink; users of any Output take its operand instead."""
    sinks = [i for i, v in enumerate(draft.vertices) if v.operator == OUTPUT]
    if not sinks:
        sinks = [len(draft.vertices)]
        last = Operand(len(draft.vertices) - 1)
        draft.vertices.append(Vertex(OUTPUT, (), (last,)))
        draft.origins.append(INSERTED)
        draft.log("keep_one_sink", len(draft.vertices) - 1, "there is no Output")
    *others, sink = sinks
    for other in others:
        draft.log("keep_one_sink", other, "a second Output")
    instead = {i: next(iter(draft.vertices[i].operands), None) for i in sinks}
    _redirect(draft, instead)
    _remove(draft, last=sink, gone=set(others))


def order_edges(draft: Draft) -> None:
    """Rule: operands come before their vertex. Vertices of a graph without cycles are sorted;
    in one with cycles every edge that runs backwards is cut."""
    order = _topological_order(draft.vertices)
    if order is None:
        for index, vertex in enumerate(draft.vertices):
            kept = [o for o in vertex.operands if o.source < index]
            if len(kept) < len(vertex.operands):
                draft.log(
                    "order_edges", index, "an operand comes later: the graph has a cycle"
                )
                draft.rewire(index, kept)
    elif order != list(range(len(order))):
        draft.reorder(order)


def reach_the_sink(draft: Draft) -> None:
    """Rule: every vertex reaches the Output. One that does not becomes an operand of the next
    that does, in the place of an operand that has other users, or else it goes."""
    users = Counter(o.source for v in draft.vertices for o in v.operands)
    above = len(draft.vertices) - 1
    needed = {0, above} | {o.source for o in draft.vertices[above].operands}
    for index in range(above - 1, 0, -1):
        if index not in needed and _reconnect(draft, index, above, users):
            needed.add(index)
        if index in needed:
            above = index
            needed.update(o.source for o in draft.vertices[index].operands)
        else:
            draft.log("reach_the_sink", index, "does not reach the Output")
            users.subtract(o.source for o in draft.vertices[index].operands)
    draft.reorder(sorted(needed))


def _reconnect(draft: Draft, index: int, target: int, users: Counter[int]) -> bool:
    operands = list(draft.vertices[target].operands)
    for number, operand in enumerate(operands):
        if users[operand.source] > 1 or operand.source == 0:
            draft.log("reach_the_sink", index, f"becomes an operand of vertex {target}")
            users[operand.source] -= 1
            users[index] += 1
            operands[number] = Operand(index, 0, operand.position)
            draft.rewire(target, operands)
            return True
    return False


def _redirect(draft: Draft, instead: dict[int, Operand | None]) -> None:
    """Whoever uses a vertex of ``instead`` uses what stands there; None: loses the operand."""
    for index, vertex in enumerate(draft.vertices):
        operands = []
        for operand in vertex.operands:
            target = _follow(operand, instead)
            if target is not None:
                operands.append(Operand(target.source, target.output, operand.position))
        if tuple(operands) != vertex.operands:
            draft.rewire(index, operands)


def _follow(operand: Operand, instead: dict[int, Operand | None]) -> Operand | None:
    target: Operand | None = operand
    for _ in range(len(instead) + 1):
        if target is None or target.source not in instead:
            return target
        target = instead[target.source]
    return None  # they stand for one another


def _remove(
    draft: Draft, gone: set[int], first: int | None = None, last: int | None = None
) -> None:
    middle = [
        i for i in range(len(draft.vertices)) if i not in gone and i not in (first, last)
    ]
    ends = ([] if first is None else [first], [] if last is None else [last])
    draft.reorder([*ends[0], *middle, *ends[1]])


def _topological_order(vertices: Sequence[Vertex]) -> list[int] | None:
    """The order closest to the given one in which operands come first; None for a cycle."""
    if all(o.source < i for i, v in enumerate(vertices) for o in v.operands):
        return list(range(len(vertices)))
    waiting = [len({o.source for o in v.operands}) for v in vertices]
    users: list[list[int]] = [[] for _ in vertices]
    for index, vertex in enumerate(vertices):
        for source in {o.source for o in vertex.operands}:
            users[source].append(index)
    ready = [i for i, count in enumerate(waiting) if not count]
    order = []
    while ready:
        order.append(heappop(ready))
        for user in users[order[-1]]:
            waiting[user] -= 1
            if not waiting[user]:
                heappush(ready, user)
    return order if len(order) == len(vertices) else None

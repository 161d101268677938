"""A vertex's operands <-> symbols.

Canonical order is the post-order of a walk from the sink, so it reads back like a stack
machine. Operands that the walk reached first through this vertex lie on top of the stack:
FRESH(n) takes the last n, which costs nothing but a count. Any other operand is named by its
distance in vertices: BACK(d). LIKE(d) is all operands of the vertex at distance d (DenseNet's
growing Concats); EVEN(n) n operands more, each as far from the one before as that from its own
(VovNet's evenly spaced ones, the outputs of one Split).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import islice

from pipeline.graph.network import Vertex
from pipeline.program.instruction import Kind, Symbol

MOST = 1024  # operands of a vertex that EVEN and LIKE name; later ones are named singly
LOOK_BACK = 64  # vertices of the same operator whose operands LIKE is tried on
PLAIN = 3  # symbols beyond which LIKE is tried

Source = tuple[int, int]  # vertex, output slot


class OperandWriter:
    """Operands of vertex after vertex -> symbols."""

    def __init__(self) -> None:
        self._stack: list[int] = []
        self._sources: list[list[Source]] = []
        self._peers: dict[str, list[int]] = {}

    def write(self, vertex: Vertex) -> tuple[Symbol, ...]:
        """The symbols of the next vertex in canonical order."""
        index = len(self._sources)
        sources = [(o.source, o.output) for o in vertex.operands]
        peers = self._peers.setdefault(vertex.operator, [])
        symbols = _spell(index, sources, self._stack)
        if len(symbols) > PLAIN and len(sources) <= MOST:
            symbols = self._spell_like(index, sources, peers) or symbols
        taken = sum(s.number for s in symbols if s.kind is Kind.FRESH)
        del self._stack[len(self._stack) - taken :]
        if len(sources) > 2:
            peers.append(index)
        self._stack.append(index)
        self._sources.append(sources)
        return tuple(symbols)

    def _spell_like(
        self, index: int, sources: Sequence[Source], peers: Sequence[int]
    ) -> list[Symbol] | None:
        for peer in reversed(peers[-LOOK_BACK:]):
            shared = len(self._sources[peer])
            if list(sources[:shared]) == self._sources[peer]:
                rest = _spell(index, sources[shared:], self._stack)
                return [Symbol(Kind.LIKE, index - peer), *rest]
        return None


class OperandReader:
    """Symbols -> operands; any symbols give some, each before its vertex."""

    def __init__(self) -> None:
        self._stack: list[int] = []
        self._sources: list[list[Source]] = []

    def copy(self) -> OperandReader:
        """Another one that has read the same."""
        other = OperandReader()
        other._stack, other._sources = self._stack[:], self._sources[:]
        return other

    @property
    def open(self) -> int:
        """How many vertices lie on the stack."""
        return len(self._stack)

    def read(self, symbols: Sequence[Symbol]) -> list[Source]:
        """(vertex, slot) of each operand of the next vertex."""
        index = len(self._sources)
        fresh = min(len(self._stack), sum(s.number for s in symbols if s.kind is Kind.FRESH))
        taken = iter(self._stack[len(self._stack) - fresh :])
        del self._stack[len(self._stack) - fresh :]
        sources: list[Source] = []
        for symbol in symbols:
            room = max(0, MOST - len(sources))
            back = min(max(0, index - symbol.number), index - 1)
            if symbol.kind is Kind.FRESH:
                sources += [(v, symbol.slot) for v in islice(taken, max(symbol.number, 0))]
            elif symbol.kind is Kind.EVEN and sources:
                sources += _continued(sources, min(symbol.number, room), index)
            elif symbol.kind is Kind.BACK and index:
                sources.append((back, symbol.slot))
            elif symbol.kind is Kind.LIKE and index:
                sources += self._sources[back][:room]
        self._stack.append(index)
        self._sources.append(sources)
        return sources


def _spell(index: int, sources: Sequence[Source], stack: Sequence[int]) -> list[Symbol]:
    symbols: list[Symbol] = []
    fresh = _fresh(sources, stack)
    place = 0
    while place < len(sources):
        source, slot = sources[place]
        is_fresh = source in fresh
        run = 0 if is_fresh else _count_even(sources, place, fresh)
        last = symbols[-1] if symbols else None
        if run > 1:
            symbols.append(Symbol(Kind.EVEN, run))
        elif not is_fresh:
            symbols.append(Symbol(Kind.BACK, index - source, slot))
        elif last and last.kind is Kind.FRESH and last.slot == slot:
            symbols[-1] = Symbol(Kind.FRESH, last.number + 1, slot)
        else:
            symbols.append(Symbol(Kind.FRESH, 1, slot))
        fresh.discard(source)
        place += max(run, 1)
    return symbols


def _count_even(sources: Sequence[Source], place: int, fresh: set[int]) -> int:
    """How many operands from ``place`` on, none of them fresh, go on in the step before."""
    if place < 2:
        return 0
    run = 0
    for source, slot in _steps(sources[place - 2 : place]):
        at = place + run
        if at >= min(len(sources), MOST) or sources[at] != (source, slot) or source in fresh:
            break
        run += 1
    return run


def _steps(sources: Sequence[Source]) -> Iterator[Source]:
    (vertex, slot), (before, slot_before) = sources[-1], sources[-2:][0]
    step, slot_step = vertex - before, slot - slot_before
    for n in range(1, MOST + 1):
        yield vertex + step * n, slot + slot_step * n


def _continued(sources: Sequence[Source], count: int, index: int) -> list[Source]:
    """``count`` operands that go on in the step of the last two."""
    steps = zip(range(count), _steps(sources), strict=False)
    return [(min(max(0, v), index - 1), max(0, s)) for _, (v, s) in steps]


def _fresh(sources: Sequence[Source], stack: Sequence[int]) -> set[int]:
    """The most vertices from the top of the stack that are operands in that very order."""
    first: dict[int, int] = {}
    for place, (source, _) in enumerate(sources):
        first.setdefault(source, place)
    found: set[int] = set()
    before = len(sources)
    for vertex in reversed(stack):
        place = first.get(vertex, before)
        if place >= before:
            break
        found.add(vertex)
        before = place
    return found

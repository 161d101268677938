"""A vertex's operands as a few symbols: the structure row that codecs compress.

Canonical order is the post-order of a walk from the sink, so it can be read back like a stack
machine. Operands that the walk reached first through this vertex lie on top of the stack:
FRESH(n) takes the last n, which costs nothing but a count. Any other operand is named by its
distance: BACK(d, slot). COPY(d), where a row begins, repeats all operands of the vertex at
distance d (DenseNet's growing Concats). A row is at most four symbols; what needs more is left
to the patch.
"""

from __future__ import annotations

from collections.abc import Sequence

from pipeline.compress.fields import Group
from pipeline.graph.network import Vertex

END, FRESH, BACK, COPY = range(4)
SYMBOLS = 4
SLOTS = (8, 4, 1, 1)  # output slots that each symbol can name
DIGITS = (3, 3, 2, 1)  # hexadecimal digits of each symbol's number
MOST = 1024  # operands of a vertex: bounds what rows that nobody wrote can ask for
LOOK_BACK = 64  # vertices of the same operator that COPY is tried on

# One latent dimension holds the kinds and slots, one each the first and the second number,
# one the other two: 4,096 combinations each, or fewer.
STRUCTURE = Group(
    "structure",
    cardinalities=(4, 4, 4, 4, 8, 4, *(16,) * 9),
    dimensions=4,
    blocks=((0, 1, 2, 3, 4, 5), (6, 7, 8), (9, 10, 11), (12, 13, 14)),
)

Source = tuple[int, int]  # vertex, output slot
Symbol = tuple[int, int, int]  # kind, number, slot
Row = tuple[int, ...]


def structure_rows(
    operators: Sequence[str], sources: Sequence[Sequence[Source]]
) -> list[Row | None]:
    """Operators and operands of every vertex, in canonical order -> a row each; None where
    one does not fit. Rows are spelled against the stack that their reader will have."""
    rows: list[Row | None] = []
    stack: list[int] = []
    by_operator: dict[str, list[int]] = {}
    for index, operands in enumerate(sources):
        peers = by_operator.setdefault(operators[index], [])
        symbols = _spell(index, operands, stack)
        if not _fits(symbols):
            symbols = _copy(index, operands, stack, sources, peers) or symbols
        fits = len(operands) <= MOST and _fits(symbols)
        rows.append(_to_row(symbols) if fits else None)
        if fits:
            taken = sum(number for kind, number, _ in symbols if kind == FRESH)
            del stack[len(stack) - taken :]
            if len(operands) > 2:
                peers.append(index)
        stack.append(index)
    return rows


def read_structure(rows: Sequence[Sequence[int]]) -> list[list[Source]]:
    """Rows -> operands of every vertex; any rows give some, each before its vertex."""
    stack: list[int] = []
    sources: list[list[Source]] = []
    for index, row in enumerate(rows):
        symbols = _from_row(row)
        fresh = sum(number for kind, number, _ in symbols if kind == FRESH)
        taken = iter(stack[max(0, len(stack) - fresh) :])
        del stack[max(0, len(stack) - fresh) :]
        operands: list[Source] = []
        for kind, number, slot in symbols:
            target = max(0, index - number)
            if kind == FRESH:
                operands += [(v, slot) for _, v in zip(range(number), taken, strict=False)]
            elif kind == BACK and index:
                operands.append((min(target, index - 1), slot))
            elif kind == COPY and number and index and not operands:
                operands += sources[target]
        sources.append(operands[:MOST])
        stack.append(index)
    return sources


def _spell(index: int, operands: Sequence[Source], stack: Sequence[int]) -> list[Symbol]:
    symbols: list[Symbol] = []
    fresh = _fresh(operands, stack)
    for source, slot in operands:
        if source not in fresh:
            symbols.append((BACK, index - source, slot))
        elif symbols and symbols[-1][0] == FRESH and symbols[-1][2] == slot == 0:
            symbols[-1] = (FRESH, symbols[-1][1] + 1, 0)
        else:
            symbols.append((FRESH, 1, slot))
        fresh.discard(source)
    return symbols


def _fresh(operands: Sequence[Source], stack: Sequence[int]) -> set[int]:
    """The most vertices from the top of the stack that are operands in that very order."""
    first: dict[int, int] = {}
    for place, (source, _) in enumerate(operands):
        first.setdefault(source, place)
    found: set[int] = set()
    before = len(operands)
    for vertex in reversed(stack):
        place = first.get(vertex, before)
        if place >= before:
            break
        found.add(vertex)
        before = place
    return found


def _copy(
    index: int,
    operands: Sequence[Source],
    stack: Sequence[int],
    sources: Sequence[Sequence[Source]],
    peers: Sequence[int],
) -> list[Symbol] | None:
    for peer in reversed(peers[-LOOK_BACK:]):
        shared = len(sources[peer])
        if list(operands[:shared]) == list(sources[peer]):
            return [(COPY, index - peer, 0), *_spell(index, operands[shared:], stack)]
    return None


def _fits(symbols: Sequence[Symbol]) -> bool:
    return len(symbols) <= SYMBOLS and all(
        number < 16**digits and slot < slots
        for (_, number, slot), digits, slots in zip(symbols, DIGITS, SLOTS, strict=False)
    )


def _to_row(symbols: Sequence[Symbol]) -> Row:
    padded = [*symbols, *[(END, 0, 0)] * (SYMBOLS - len(symbols))]
    kinds = [kind for kind, _, _ in padded]
    slots = [slot for _, _, slot in padded[:2]]
    digits = [
        number >> 4 * place & 15
        for (_, number, _), count in zip(padded, DIGITS, strict=True)
        for place in reversed(range(count))
    ]
    return (*kinds, *slots, *digits)


def _from_row(row: Sequence[int]) -> list[Symbol]:
    slots = (*row[4:6], 0, 0)
    digits = iter(row[6:])
    symbols = []
    for kind, slot, count in zip(row[:4], slots, DIGITS, strict=True):
        number = 0
        for _ in range(count):
            number = number << 4 | next(digits)
        symbols.append((kind, number, slot))
    ends = next((i for i, (kind, _, _) in enumerate(symbols) if kind == END), SYMBOLS)
    return symbols[:ends]


def sources_of(vertices: Sequence[Vertex]) -> list[list[Source]]:
    """The operands of every vertex as (vertex, output slot)."""
    return [[(o.source, o.output) for o in v.operands] for v in vertices]

"""A vertex's operands as a few symbols: the structure row that codecs compress.

Canonical order is the post-order of a walk from the sink, so it can be read back like a stack
machine. Operands that the walk reached first through this vertex lie on top of the stack:
FRESH(n) takes the last n, which costs nothing but a count. Any other operand is named by its
distance: BACK(d). MORE has one meaning where a row begins: all operands of the vertex at
distance d (DenseNet's growing Concats); later: n operands more, each as far from the one
before as that from its own (VovNet's evenly spaced ones, the outputs of one Split).

A row is at most six symbols, and their numbers in a code of nine hexadecimal digits; what
needs more is left to the patch.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from pipeline.compress.fields import Group
from pipeline.graph.network import Vertex

END, FRESH, BACK, MORE = range(4)
SYMBOLS, DIGITS = 6, 9
# A number's first digit says how many follow: (first digits, digits that follow).
WIDTHS = ((8, 0), (4, 1), (2, 2), (1, 3))
SLOT = 15  # before a number: the next digit is an output slot
SLOTS = 16
MOST = 1024  # operands of a vertex: bounds what rows that nobody wrote can ask for
LOOK_BACK = 64  # vertices of the same operator whose operands MORE is tried on

# One latent dimension holds the symbols, in 8,192 combinations; the others three digits each,
# in 4,096.
STRUCTURE = Group(
    "structure",
    cardinalities=(4, 4, 4, 4, 8, 4, *(16,) * DIGITS),
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
            symbols = _repeat(index, operands, stack, sources, peers) or symbols
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
            back = (min(max(0, index - number), index - 1), slot)
            if kind == FRESH:
                operands += [(v, slot) for _, v in zip(range(number), taken, strict=False)]
            elif kind == BACK and index:
                operands.append(back)
            elif kind == MORE and operands:
                operands += _continued(operands, number, index)
            elif kind == MORE and index:
                operands += sources[back[0]]
        sources.append(operands[:MOST])
        stack.append(index)
    return sources


def _continued(operands: Sequence[Source], count: int, index: int) -> list[Source]:
    """``count`` operands that go on in the step of the last two."""
    (vertex, slot), (before, slot_before) = operands[-1], operands[-2:][0]
    step, slot_step = vertex - before, slot - slot_before
    return [
        (
            min(max(0, vertex + step * n), index - 1),
            min(max(0, slot + slot_step * n), SLOTS - 1),
        )
        for n in range(1, min(count, MOST) + 1)
    ]


def _spell(index: int, operands: Sequence[Source], stack: Sequence[int]) -> list[Symbol]:
    symbols: list[Symbol] = []
    fresh = _fresh(operands, stack)
    place = 0
    while place < len(operands):
        source, slot = operands[place]
        is_fresh = source in fresh
        run = 0 if is_fresh else _count_even(operands, place, fresh)
        if run > 1:
            symbols.append((MORE, run, 0))
        elif not is_fresh:
            symbols.append((BACK, index - source, slot))
        elif symbols and symbols[-1][0] == FRESH and symbols[-1][2] == slot == 0:
            symbols[-1] = (FRESH, symbols[-1][1] + 1, 0)
        else:
            symbols.append((FRESH, 1, slot))
        fresh.discard(source)
        place += run if run > 1 else 1
    return symbols


def _count_even(operands: Sequence[Source], place: int, fresh: set[int]) -> int:
    """How many operands from ``place`` on, none of them fresh, go on in the step before."""
    if place < 2:
        return 0
    (last, slot), (before, slot_before) = operands[place - 1], operands[place - 2]
    run = 0
    for source, at in operands[place:]:
        run += 1
        even = (last + (last - before) * run, slot + (slot - slot_before) * run)
        if (source, at) != even or source in fresh:
            return run - 1
    return run


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


def _repeat(
    index: int,
    operands: Sequence[Source],
    stack: Sequence[int],
    sources: Sequence[Sequence[Source]],
    peers: Sequence[int],
) -> list[Symbol] | None:
    for peer in reversed(peers[-LOOK_BACK:]):
        shared = len(sources[peer])
        if list(operands[:shared]) == list(sources[peer]):
            return [(MORE, index - peer, 0), *_spell(index, operands[shared:], stack)]
    return None


def _fits(symbols: Sequence[Symbol]) -> bool:
    digits = _spell_numbers(symbols)
    return len(symbols) <= SYMBOLS and digits is not None and len(digits) <= DIGITS


def _to_row(symbols: Sequence[Symbol]) -> Row:
    kinds = [kind for kind, _, _ in symbols]
    digits = _spell_numbers(symbols) or []
    return (*kinds, *[END] * (SYMBOLS - len(kinds)), *digits, *[0] * (DIGITS - len(digits)))


def _from_row(row: Sequence[int]) -> list[Symbol]:
    digits = iter(row[SYMBOLS:])
    symbols: list[Symbol] = []
    for kind in row[:SYMBOLS]:
        read = _read_number(digits) if END < kind <= MORE else None
        if read is None:
            break
        symbols.append((kind, *read))
    return symbols


def _spell_numbers(symbols: Sequence[Symbol]) -> list[int] | None:
    """The digits of all numbers, which count from 1, and slots; None for one too large."""
    digits: list[int] = []
    for _, number, slot in symbols:
        spelled = _spell_number(number - 1)
        if spelled is None or not 0 <= slot < SLOTS:
            return None
        digits += [SLOT, slot, *spelled] if slot else spelled
    return digits


def _spell_number(number: int) -> list[int] | None:
    first = 0
    for firsts, width in WIDTHS:
        if number < firsts * 16**width:
            tail = [number >> 4 * place & 15 for place in reversed(range(width))]
            return [first + (number >> 4 * width), *tail]
        number -= firsts * 16**width
        first += firsts
    return None


def _read_number(digits: Iterator[int]) -> tuple[int, int] | None:
    """A number, counted from 1, and its slot; None where the digits end first."""
    slot, digit = 0, next(digits, None)
    while digit == SLOT:
        slot, digit = next(digits, 0), next(digits, None)
    if digit is None:
        return None
    before, first = 0, 0
    for firsts, width in WIDTHS:
        if digit < first + firsts:
            number = digit - first
            for _ in range(width):
                number = number << 4 | next(digits, 0)
            return before + number + 1, slot
        before += firsts * 16**width
        first += firsts
    return None


def sources_of(vertices: Sequence[Vertex]) -> list[list[Source]]:
    """The operands of every vertex as (vertex, output slot)."""
    return [[(o.source, o.output) for o in v.operands] for v in vertices]

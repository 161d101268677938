"""A program folded for people: lines of layers, blocks, loops of blocks.

A block lies between two cuts of the network, where one tensor alone flows; so a residual block
is one. Blocks and lines said again and again are a loop; a block said elsewhere has a name.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import islice

from pipeline.graph.network import OUTPUT, Network
from pipeline.program.cuts import cut_points
from pipeline.program.instruction import TOP, Instruction, Kind
from pipeline.program.phrase import phrase
from pipeline.program.spell import spell
from pipeline.program.widths import OUT

LONGEST_LINE = 6  # instructions
LONGEST_LOOP = 48  # items of a loop's body


@dataclass(frozen=True)
class Line:
    """A layer and what directly follows it: vertices ``start`` to ``stop``, in phrases."""

    phrases: tuple[str, ...]
    start: int
    stop: int

    @property
    def key(self) -> object:
        return self.phrases


@dataclass(frozen=True)
class Block:
    """Items that belong together, ``times`` times one after the other: vertices ``start`` to
    ``stop`` are all of them, the items those of the first time."""

    items: tuple[Item, ...]
    times: int
    start: int
    stop: int

    @cached_property
    def body(self) -> object:
        """Equal for blocks of the same items, however often they are said."""
        return tuple(item.key for item in self.items)

    @property
    def key(self) -> object:
        return self.times, self.body


Item = Line | Block


def fold(network: Network) -> tuple[Item, ...]:
    """A network -> its program folded: what is listed, in order, covers every vertex once."""
    return tuple(_loops(blocks(network)))


def blocks(network: Network) -> list[Item]:
    """Lines and, of several lines, blocks between two cuts; each once."""
    cuts = {*cut_points(network), len(network) - 1}
    found: list[Item] = []
    segment: list[Item] = []
    for line in _lines(spell(network), cuts):
        segment.append(line)
        if line.stop - 1 in cuts:
            found.append(_block(_loops(segment)))
            segment = []
    return found


def names(items: Sequence[Item]) -> dict[object, str]:
    """Names for the bodies of several lines that are said in more than one place."""
    counts = Counter(block.body for block in _blocks(items) if len(block.items) > 1)
    repeated = [body for body, count in counts.items() if count > 1]
    return {body: _letters(i) for i, body in enumerate(repeated)}


def _blocks(items: Sequence[Item]) -> Iterator[Block]:
    for item in items:
        if isinstance(item, Block):
            yield item
            yield from _blocks(item.items)


def _letters(number: int) -> str:
    """A, B, ..., Z, AA, AB, ..."""
    text = ""
    number += 1
    while number:
        number, digit = divmod(number - 1, 26)
        text = chr(ord("A") + digit) + text
    return text


def _lines(instructions: Sequence[Instruction], cuts: set[int]) -> Iterator[Line]:
    start = 0
    for index in range(1, len(instructions) + 1):
        if index < len(instructions) and _goes_on(instructions[index], index - start):
            continue
        said = islice(instructions, start, index)
        yield Line(tuple(map(phrase, said)), start, index)
        start = index


def _goes_on(instruction: Instruction, said: int) -> bool:
    """Whether an instruction stands in the line of the one before."""
    names = {name for name, _ in instruction.attributes}
    if (
        names & {"kernel_shape", *OUT}
        or instruction.operator == OUTPUT
        or said >= LONGEST_LINE
    ):
        return False
    if instruction.operator.startswith("Global"):
        return False
    return instruction.operands == TOP or all(
        s.number == 1 if s.kind is Kind.FRESH else s.kind is Kind.BACK and s.number <= said
        for s in instruction.operands
    )


def _block(items: Sequence[Item]) -> Item:
    if len(items) == 1:
        return items[0]
    return Block(tuple(items), 1, items[0].start, items[-1].stop)


def _loops(items: Sequence[Item]) -> list[Item]:
    """What is said several times in a row, as loops, the shortest bodies first."""
    found = list(items)
    for period in range(1, LONGEST_LOOP + 1):
        if 2 * period > len(found):
            break
        found = list(_loops_of(found, period))
    return found


def _loops_of(items: Sequence[Item], period: int) -> Iterator[Item]:
    ids: dict[object, int] = {}
    keys = [ids.setdefault(item.key, len(ids)) for item in items]
    place = 0
    while place < len(items):
        same = 0
        while (
            place + period + same < len(items)
            and keys[place + same] == keys[place + period + same]
        ):
            same += 1
        if same < period:
            yield items[place]
            place += 1
            continue
        times = same // period + 1
        end = place + times * period
        yield _again(items[place : place + period], times, items[end - 1].stop)
        place = end


def _again(body: Sequence[Item], times: int, stop: int) -> Block:
    first = body[0]
    if len(body) == 1 and isinstance(first, Block):
        return Block(first.items, times * first.times, first.start, stop)
    return Block(tuple(body), times, first.start, stop)

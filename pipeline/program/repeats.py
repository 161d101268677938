"""Instructions <-> lines with repeats.

A greedy parse, left to right: at each place the repeat that covers most, the nearest of equal
ones, else the instruction itself. A block said again is a repeat, a loop one whose ``times``
is its depth, and a loop of loops a repeat of what repeats have said. Linear in the number of
instructions: a bounded number of earlier places is tried at each.
"""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from itertools import pairwise

from pipeline.errors import InvalidNetwork
from pipeline.program.instruction import Instruction, Line, Repeat

TRIED = 64  # earlier places tried at each
LEAST = 2  # instructions that are worth a repeat
LARGEST = 1_000_000  # instructions of an expanded program


def parse(instructions: Sequence[Instruction]) -> list[Line]:
    """Instructions -> lines, of which :func:`expand` makes the same instructions."""
    ids: dict[Hashable, int] = {}
    words = [ids.setdefault(repr(i), len(ids)) for i in instructions]
    pairs = list(pairwise(words))
    earlier: dict[tuple[int, int], list[int]] = {}
    lines: list[Line] = []
    place = noted = 0
    while place < len(words):
        for at in range(noted, min(place, len(pairs))):
            earlier.setdefault(pairs[at], []).append(at)
        noted = max(noted, place)
        repeat = None
        if place < len(pairs):
            repeat = _longest(words, earlier.get(pairs[place], [])[-TRIED:], place)
        lines.append(repeat or instructions[place])
        place += repeat.covers if repeat else 1
    return lines


def _longest(words: Sequence[int], sources: Sequence[int], place: int) -> Repeat | None:
    """The repeat at ``place`` that covers most, of one of ``sources`` on."""
    best, covered = None, LEAST - 1
    for source in reversed(sources):
        if place + covered >= len(words):
            break
        if words[source + covered] == words[place + covered]:
            count = _same(words, source, place)
            if count > covered:
                best, covered = source, count
    if best is None:
        return None
    return Repeat(place - best, *divmod(covered, place - best))


def _same(words: Sequence[int], first: int, second: int) -> int:
    """How many words from both places on are the same."""
    count, step, left = 0, 8, len(words) - second
    while count < left:
        size = min(step, left - count)
        a, b = first + count, second + count
        if words[a : a + size] == words[b : b + size]:
            count, step = count + size, step * 2
        elif size == 1:
            break
        else:
            step = size // 2
    return count


def expand(lines: Sequence[Line]) -> list[Instruction]:
    """Lines -> instructions; a repeat of more than there is says all there is.

    Raises InvalidNetwork when they would be more than a million.
    """
    said: list[Instruction] = []
    for index, line in enumerate(lines):
        if isinstance(line, Instruction):
            said.append(line)
            continue
        length = min(max(line.length, 0), len(said))
        times, rest = max(line.times, 0), min(max(line.rest, 0), length)
        if len(said) + times * length + rest > LARGEST:
            raise InvalidNetwork("too_large", f"line {index}: more than {LARGEST} vertices")
        body = said[len(said) - length :]
        said += body * times + body[:rest]
    return said

"""What one would have to change in a network to have another, in the words of ``show``.

Blocks are compared first: the same block said more or fewer times is a change of depth. Where
blocks differ, their instructions are compared; a change that is made in several places is one
change, with its number. Names of vertices play no part.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Hashable, Iterator, Sequence
from dataclasses import dataclass
from itertools import chain

from rapidfuzz.distance import Indel

from pipeline.graph.network import Network
from pipeline.program.fold import Item, Line, blocks

Phrases = tuple[str, ...]


@dataclass(frozen=True)
class Change:
    """Instructions that go and instructions that come in their place, in ``times`` places,
    each behind an instruction of the operator ``after``."""

    after: str
    removed: Phrases
    added: Phrases
    times: int = 1


@dataclass(frozen=True)
class Depth:
    """The ``number``-th run of a block, 1 the first, is said ``after`` times instead of
    ``before``. ``block``: its lines."""

    block: tuple[Phrases, ...]
    number: int
    before: int
    after: int


@dataclass(frozen=True)
class _Run:
    block: tuple[Phrases, ...]
    times: int

    @property
    def phrases(self) -> list[str]:
        return list(chain.from_iterable(self.block)) * self.times


def diff(first: Network, second: Network) -> list[Change | Depth]:
    """What to change in the first network to have the second: depths in order, then all else;
    none where both are the same program."""
    a, b = list(_runs(blocks(first))), list(_runs(blocks(second)))
    depths: list[Change | Depth] = []
    changes: Counter[Change] = Counter()
    said = ""
    for same, left, right in _aligned([r.block for r in a], [r.block for r in b]):
        if same:
            pairs = zip(left, right, strict=True)
            depths += (_depth(a, i, b[j].times) for i, j in pairs if a[i] != b[j])
        else:
            old = list(chain.from_iterable(a[i].phrases for i in left))
            new = list(chain.from_iterable(b[j].phrases for j in right))
            changes.update(_changes(said, old, new))
        said = a[left.stop - 1].phrases[-1] if left.stop else said
    return [*depths, *(Change(c.after, c.removed, c.added, n) for c, n in changes.items())]


def _depth(runs: Sequence[_Run], index: int, after: int) -> Depth:
    run = runs[index]
    number = sum(other.block == run.block for other in runs[: index + 1])
    return Depth(run.block, number, run.times, after)


def _changes(before: str, old: Sequence[str], new: Sequence[str]) -> Iterator[Change]:
    for same, left, right in _aligned(old, new):
        if not same:
            said = old[left.start - 1] if left.start else before
            removed, added = old[left.start : left.stop], new[right.start : right.stop]
            yield Change(said.partition(" ")[0], tuple(removed), tuple(added))


def _aligned(
    first: Sequence[Hashable], second: Sequence[Hashable]
) -> Iterator[tuple[bool, range, range]]:
    """Stretches of both, in order: whether they are the same, and where they lie. What is the
    same is as much as can be."""
    ids: dict[Hashable, int] = {}
    a, b = ([ids.setdefault(x, len(ids)) for x in side] for side in (first, second))
    i = j = 0
    for left, right, size in Indel.opcodes(a, b).as_matching_blocks():
        if (i, j) != (left, right):
            yield False, range(i, left), range(j, right)
        i, j = left + size, right + size
        if size:
            yield True, range(left, i), range(right, j)


def _runs(items: Sequence[Item]) -> Iterator[_Run]:
    """Blocks one after the other, equal neighbours together."""
    found: list[_Run] = []
    for item in items:
        lines = tuple(_lines(item))
        if found and found[-1].block == lines:
            found[-1] = _Run(lines, found[-1].times + 1)
        else:
            found.append(_Run(lines, 1))
    yield from found


def _lines(item: Item) -> Iterator[Phrases]:
    if isinstance(item, Line):
        yield item.phrases
    else:
        for _ in range(item.times):
            yield from chain.from_iterable(map(_lines, item.items))

"""Which rows of a folded program read from which: what a picture draws as arrows.

Rows stand under one another, so that what a row reads from the row above it is a short arrow
and needs no lane; all else runs down one of the lanes beside the rows.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import chain, repeat

from pipeline.graph.network import Network, Vertex
from pipeline.program.instruction import Instruction, Kind
from pipeline.program.show import Row
from pipeline.program.spell import spell

MOST_OF_A_ROW = 16  # arrows into one row; the nearest ones are drawn
MOST_LANES = 12  # what finds none free shares the last


@dataclass(frozen=True)
class Arrow:
    """From one row to a later one. ``lane``: 0 is nearest to the rows, None where the rows are
    neighbours. ``alike``: the target reads all that the source reads (``like -7``)."""

    source: int
    target: int
    alike: bool = False
    lane: int | None = None


def arrows(network: Network, rows: Sequence[Row]) -> list[Arrow]:
    """The rows of a network's program -> its arrows, by target.

    What enters a block enters by its header, from the block's first row on; an arrow out of
    the later times of a loop starts at the same row of the first time, which alone is shown.
    """
    places = _places(network, rows)
    sources = _sources(network)
    found: list[Arrow] = []
    for index, row in enumerate(rows):
        headers = _headers(rows, index)
        seen: dict[tuple[int, bool], None] = {}
        for vertex in range(row.item.start, row.item.stop):
            for source, alike in sources[vertex]:
                if source >= row.item.start or (row.opens and source < row.item.start - 1):
                    continue
                entered = (h for h in headers if rows[h].item.start == source + 1)
                seen[next(entered, places[source]), alike] = None
        near = sorted(seen, key=lambda s: -s[0])[:MOST_OF_A_ROW]
        found += [Arrow(source, index, alike) for source, alike in near if source < index]
    return _in_lanes(found)


def _sources(network: Network) -> list[list[tuple[int, bool]]]:
    """What each vertex reads: a vertex, and whether that names its operands."""
    said = zip(network.vertices, spell(network), strict=True)
    return [list(_read(network, i, v, written)) for i, (v, written) in enumerate(said)]


def _read(
    network: Network, index: int, vertex: Vertex, written: Instruction
) -> Iterator[tuple[int, bool]]:
    first = written.operands[0] if written.operands else None
    shared = 0
    if first is not None and first.kind is Kind.LIKE:
        peer = index - first.number
        shared = len(network.vertices[peer].operands)
        yield peer, True
    yield from ((o.source, False) for o in vertex.operands[shared:])


def _places(network: Network, rows: Sequence[Row]) -> list[int]:
    """The row that shows each vertex."""
    places = [0] * len(network)
    for index, row in enumerate(rows):
        if not row.opens:
            start, stop = row.item.start, row.item.stop
            places[start:stop] = repeat(index, stop - start)
    for row in reversed(rows):  # what stands within a block before the block
        if row.opens:
            start, stop = row.item.start, row.item.stop
            length = (stop - start) // row.times
            once = places[start : start + length]
            places[start + length : stop] = chain.from_iterable(repeat(once, row.times - 1))
    return places


def _headers(rows: Sequence[Row], index: int) -> list[int]:
    """The blocks that a row stands in, the innermost first."""
    found: list[int] = []
    depth = rows[index].depth
    for above in range(index - 1, -1, -1):
        if not depth:
            break
        if rows[above].depth < depth and rows[above].opens:
            found.append(above)
            depth = rows[above].depth
    return found


def _in_lanes(found: Sequence[Arrow]) -> list[Arrow]:
    """The shortest nearest to the rows; arrows of one lane may touch, not overlap."""
    lanes: list[list[tuple[int, int]]] = []
    given: dict[Arrow, int] = {}
    for arrow in sorted(found, key=lambda a: (a.target - a.source, a.target)):
        if arrow.target - arrow.source == 1:
            continue
        span = (arrow.source, arrow.target)
        lane = next((i for i, taken in enumerate(lanes) if _is_free(taken, span)), len(lanes))
        if lane == MOST_LANES:
            lane -= 1
        elif lane == len(lanes):
            lanes.append([])
        lanes[lane].insert(bisect_left(lanes[lane], span), span)
        given[arrow] = lane
    return [Arrow(a.source, a.target, a.alike, given.get(a)) for a in found]


def _is_free(taken: Sequence[tuple[int, int]], span: tuple[int, int]) -> bool:
    """Whether a span overlaps none of a lane's, which are in order."""
    at = bisect_left(taken, span)
    before = at == 0 or taken[at - 1][1] <= span[0]
    return before and (at == len(taken) or taken[at][0] >= span[1])

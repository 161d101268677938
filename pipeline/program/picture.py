"""A network as a picture: its program, folded, as one SVG file that needs nothing else.

A row is a line of ``show``, a box a block with how often it is said; beside a row its output,
parameters and multiply-accumulates, of all times for a block. Short arrows lead from row to
row, violet ones beside the rows are operands from elsewhere; a dashed one leads from the
vertex whose operands are read again (``like -7``).
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from html import escape
from importlib.resources import files

from pipeline.errors import ModelError
from pipeline.graph.network import INPUT, OUTPUT, Network
from pipeline.program.arrows import Arrow, arrows
from pipeline.program.fold import Line, fold
from pipeline.program.show import COLUMNS, Costs, Row, rows, summary
from pipeline.program.widths import OUT

MOST_ROWS = 800  # what stands between the first and the last ones of a longer program is cut
LONGEST_PHRASE = 56  # letters; the rest is in its tooltip
LETTER, CHIP, GAP, PITCH = 7.25, 22, 6, 30  # pixels
LANE, INDENT, TOP, EDGE = 9, 10, 64, 12
COLUMN = 92
TIMES = "\u00d7"
NOT_IN_XML = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff]")


def draw(network: Network, title: str) -> str:
    """A network -> SVG, the same for the same network and title; whatever these say is text.

    What each row costs is left out where shapes disagree.
    """
    costs = _costs(network)
    shown = _cut(rows(fold(network)))
    found = arrows(network, shown)
    page = _Page.of(network, shown, found)
    parts = [
        *(page.box(i) for i, row in enumerate(shown) if row.opens),
        *map(page.arrow, found),
        *(page.row(i, costs.texts(row.item) if costs else ()) for i, row in enumerate(shown)),
    ]
    heads = zip(page.columns, COLUMNS, strict=True) if costs else ()
    return "\n".join([
        f'<svg xmlns="http://www.w3.org/2000/svg" class="program" width="{page.width}" '
        f'height="{page.height}" viewBox="0 0 {page.width} {page.height}">',
        f"<title>{_xml(title)}</title>",
        f"<style>{_style()}</style>",
        f'<text class="title" x="{EDGE}" y="24">{_xml(title)}</text>',
        f'<text class="quiet" x="{EDGE}" y="44">{_xml(summary(network, costs))}</text>',
        *(_note(x, TOP - 4, name) for x, name in heads),
        *parts,
        "</svg>\n",
    ])  # fmt: skip


def _costs(network: Network) -> Costs | None:
    try:
        return Costs.of(network)
    except ModelError:
        return None


def _cut(found: Sequence[Row]) -> list[Row]:
    """At most ``MOST_ROWS`` rows, the first and the last ones."""
    if len(found) <= MOST_ROWS:
        return list(found)
    half = (MOST_ROWS - 1) // 2
    first, last = found[half].item, found[-half - 1].item
    said = f"\u2026 {len(found) - 2 * half:,} lines more"
    return [*found[:half], Row(Line((said,), first.start, last.stop), 0), *found[-half:]]


@dataclass(frozen=True)
class _Page:
    """Where everything stands, in pixels. ``tops``: of each row; ``ends``: the bottom of what
    a row opens; ``left``: where rows begin, with boxes and lanes before it; ``columns``: right
    ends of the notes."""

    network: Network
    rows: Sequence[Row]
    tops: tuple[int, ...]
    ends: dict[int, int]
    left: int
    columns: tuple[int, ...]
    width: int
    height: int

    @classmethod
    def of(cls, network: Network, shown: Sequence[Row], found: Sequence[Arrow]) -> _Page:
        tops, ends = _heights(shown)
        deepest = max((row.depth for row in shown), default=0)
        lanes = max((a.lane + 1 for a in found if a.lane is not None), default=0)
        left = EDGE + INDENT * deepest + LANE * lanes + 2 * GAP
        longest = max((_length(row) for row in shown), default=0)
        columns = tuple(round(left + longest) + COLUMN * n + 2 * EDGE for n in (1, 2, 3))
        width = columns[-1] + INDENT * deepest + EDGE
        return cls(network, shown, tops, ends, left, columns, width, tops[-1] + PITCH + EDGE)

    def box(self, index: int) -> str:
        """The block that a row opens."""
        inset = INDENT * self.rows[index].depth + EDGE - GAP
        top, bottom = self.tops[index] - 3, self.ends[index]
        return (
            f'<rect class="box" x="{inset}" y="{top}" '
            f'width="{self.width - 2 * inset}" height="{bottom - top}" rx="7"/>'
        )

    def arrow(self, arrow: Arrow) -> str:
        """Down to the next row, or along its lane."""
        if arrow.lane is None:
            start, end = self._bottom(arrow), self.tops[arrow.target] - 1
            if self.rows[arrow.target].opens:
                end -= 2
            head = "m-3 -3.5l3 3.5l3 -3.5"
            return f'<path class="arrow" d="M{self.left + 16} {start}V{end}{head}"/>'
        out, into = (self.tops[i] + CHIP // 2 for i in (arrow.source, arrow.target))
        back = LANE * arrow.lane + 2 * GAP
        if self.rows[arrow.target].opens:
            return ""  # the arrows of the rows within say it
        alike = " alike" if arrow.alike else ""
        return (
            f'<path class="arrow lane{alike}" d="M{self.left - 1} {out + 5}h{5 - back}'
            f'q-5 0 -5 5V{into - 10}q0 5 5 5h{back - 6}m-4 -3l4 3l-4 3"/>'
        )

    def _bottom(self, arrow: Arrow) -> int:
        """Where the source ends, or the outermost of the blocks that end with it."""
        top, below = (self.tops[i] for i in (arrow.source, arrow.target))
        return max([top + CHIP, *(end for end in self.ends.values() if top < end < below)])

    def row(self, index: int, notes: Sequence[str]) -> str:
        """What a row says, beside it what it costs."""
        row = self.rows[index]
        top, beside = self.tops[index], zip(self.columns, notes, strict=False)
        opens = f' data-opens="{top + CHIP + 4} {self.ends[index]}"' if row.opens else ""
        return (
            f'<g class="line"{opens} transform="translate(0 {top})">'
            + "".join(self._chips(row))
            + "".join(_note(x, 15, note) for x, note in beside if note)
            + "</g>"
        )

    def _chips(self, row: Row) -> Iterator[str]:
        x = float(self.left)
        if not row.phrases:
            yield _chip(x, "again", _head(row), _head_length(row), row.header)
        for place, phrase in enumerate(row.phrases):
            kind = _kind(self.network, row.item.start + place)
            operator, space, rest = _short(phrase).partition(" ")
            said = f'<tspan class="op">{_xml(operator)}</tspan>{_xml(space + rest)}'
            yield _chip(x, kind, said, len(_short(phrase)), phrase)
            x += _chip_length(len(_short(phrase))) + GAP
        if row.phrases and row.times > 1:
            yield f'<text class="times" x="{x:g}" y="15">{TIMES} {row.times}</text>'


def _heights(shown: Sequence[Row]) -> tuple[tuple[int, ...], dict[int, int]]:
    """The top of each row and, of those that open a block, the bottom of it."""
    tops: list[int] = []
    ends: dict[int, int] = {}
    opened: list[int] = []
    y = TOP + 4
    for index, row in enumerate(shown):
        while opened and shown[opened[-1]].depth >= row.depth:
            ends[opened.pop()] = y - 2
            y += GAP
        tops.append(y)
        y += PITCH
        if row.opens:
            opened.append(index)
    while opened:
        ends[opened.pop()] = y - 2
        y += GAP
    return tuple(tops), ends


def _kind(network: Network, index: int) -> str:
    """How a vertex is coloured: by what it is to the network, not by its name."""
    vertex = network.vertices[index]
    names = {name for name, _ in vertex.attributes}
    if vertex.operator in (INPUT, OUTPUT):
        return "end"
    if names & {*OUT}:
        return "layer"
    if len(vertex.operands) > 1:
        return "join"
    return "window" if "kernel_shape" in names or "Pool" in vertex.operator else "plain"


def _chip(x: float, kind: str, said: str, letters: int, whole: str) -> str:
    width = f"{_chip_length(letters):g}"
    return (
        f'<g class="{kind}"><title>{_xml(whole)}</title>'
        f'<rect class="chip" x="{x:g}" width="{width}" height="{CHIP}" rx="5"/>'
        f'<text x="{x + 8:g}" y="15">{said}</text></g>'
    )


def _note(x: float, y: float, said: str) -> str:
    return f'<text class="note" x="{x:g}" y="{y:g}" text-anchor="end">{said}</text>'


def _head(row: Row) -> str:
    """A block's name and times, as they stand over it or in its place."""
    name = f'<tspan class="op">{_xml(row.name)}</tspan>' if row.name else ""
    times = f'<tspan class="times">{TIMES} {row.times}</tspan>' if row.times > 1 else ""
    return " ".join(part for part in (name, times) if part)


def _head_length(row: Row) -> int:
    times = len(f"{TIMES} {row.times}") if row.times > 1 else 0
    return len(row.name) + times + bool(row.name and times)


def _length(row: Row) -> float:
    """The pixels that a row's words take."""
    if not row.phrases:
        return _chip_length(_head_length(row))
    chips = sum(_chip_length(len(_short(phrase))) + GAP for phrase in row.phrases)
    return chips + (LETTER * len(f"{TIMES} {row.times}") if row.times > 1 else 0)


def _chip_length(letters: int) -> float:
    return LETTER * letters + 16


def _short(phrase: str) -> str:
    return phrase if len(phrase) <= LONGEST_PHRASE else phrase[: LONGEST_PHRASE - 1] + "\u2026"


def _xml(text: str) -> str:
    """Any text as XML may hold it."""
    return escape(NOT_IN_XML.sub("\ufffd", text), quote=True)


def _style() -> str:
    return files("pipeline.program").joinpath("picture.css").read_text(encoding="utf-8")

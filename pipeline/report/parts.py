"""What the page is made of: sections of tables, figures, drawings, lists, as plain values."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar


@dataclass(frozen=True)
class Text:
    """A paragraph."""

    kind: ClassVar[str] = "text"
    text: str


@dataclass(frozen=True)
class Missing:
    """What is left out, and the command that makes it."""

    kind: ClassVar[str] = "missing"
    what: str
    command: str


@dataclass(frozen=True)
class Facts:
    """A few large numbers, each with what it counts."""

    kind: ClassVar[str] = "facts"
    facts: tuple[tuple[str, str], ...]


@dataclass(frozen=True)
class Group:
    """Rows of a table under one heading; ``published``: somebody else's numbers."""

    heading: str
    rows: tuple[tuple[str, ...], ...]
    published: bool = False


@dataclass(frozen=True)
class Table:
    """A table. The first column names the row, the others are numbers unless in ``words``."""

    kind: ClassVar[str] = "table"
    caption: str
    columns: tuple[str, ...]
    groups: tuple[Group, ...]
    words: frozenset[str] = frozenset()
    note: str = ""


@dataclass(frozen=True)
class Figure:
    """A Vega-Lite specification, and in words what it shows."""

    kind: ClassVar[str] = "figure"
    name: str
    title: str
    caption: str
    spec: Mapping[str, Any]


@dataclass(frozen=True)
class Row:
    """Parts side by side where there is room, one under the other on a phone."""

    kind: ClassVar[str] = "row"
    parts: tuple[Any, ...]


@dataclass(frozen=True)
class Drawing:
    """An SVG made by this program, in a box that scrolls."""

    kind: ClassVar[str] = "drawing"
    title: str
    svg: str
    caption: str = ""


@dataclass(frozen=True)
class Step:
    """One step of a lineage: what, how much, which digest."""

    name: str
    lines: tuple[str, ...]
    digest: str = ""


@dataclass(frozen=True)
class Lineage:
    """Steps, each made from the one before."""

    kind: ClassVar[str] = "lineage"
    steps: tuple[tuple[Step, ...], ...]


@dataclass(frozen=True)
class Link:
    """A file of the project: what it is, where it is seen from the page, and its text."""

    text: str
    address: str
    note: str = ""
    source: str = ""


@dataclass(frozen=True)
class Links:
    """A list of links; one with a source can be unfolded."""

    kind: ClassVar[str] = "links"
    title: str
    links: tuple[Link, ...]


@dataclass(frozen=True)
class Section:
    """A headed part of the page."""

    name: str
    title: str
    lead: str
    parts: tuple[Any, ...] = field(default=())

"""One network in one picture: its program, its neighbours, its place on the map."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import altair as alt
import numpy as np
import vl_convert

from pipeline.atomic import write_atomically
from pipeline.errors import DataError
from pipeline.graph.network import Network
from pipeline.program.fold import fold
from pipeline.program.show import rows
from pipeline.report.dataset import project

LINES, LINE, INDENT = 27, 17, 16  # of a program: at most so many lines; pixels
FAMILIES, OTHERS = 8, "other families"
COLOURS = ["#1f5a94", "#c4601d", "#2f7d4f", "#8a4a9e", "#a8324a", "#7a6a12", "#197a86",
           "#5a5fc4", "#c9ccd1"]  # fmt: skip
Rows = Sequence[Mapping[str, Any]]


@dataclass(frozen=True)
class Subject:
    """The network that is drawn; ``smooth``: its vector's smooth part, d numbers."""

    name: str
    network: Network
    smooth: tuple[float, ...]


def write_picture(output: Path, subject: Subject, nearest: Rows, known: Rows) -> None:
    """Draw a network as OUT.png or OUT.svg.

    ``nearest``: rows of ``name``, ``family``, ``fingerprint``, ``similarity``; ``known``: rows
    of ``fingerprint``, ``family`` and ``smooth``, all of the dataset. Raises DataError for
    another ending.
    """
    if output.suffix not in (".png", ".svg"):
        raise DataError(f"{output}: name it .png or .svg")
    spec = draw_picture(subject, nearest, known)
    if output.suffix == ".png":
        write_atomically(output, vl_convert.vegalite_to_png(spec))
    else:
        write_atomically(output, vl_convert.vegalite_to_svg(spec).encode())


def draw_picture(subject: Subject, nearest: Rows, known: Rows) -> dict[str, Any]:
    """The Vega-Lite specification of the three panels."""
    rest = LINE * (LINES - len(nearest)) - 70
    program = _program(subject.network)
    right = alt.vconcat(_neighbours(nearest), _map(subject, nearest, known, rest))
    size = f"{subject.name}: {len(subject.network)} vertices"
    title = alt.Title(size, fontSize=16, offset=14)
    chart = alt.hconcat(program, right.resolve_scale(color="independent"), spacing=40)
    looks = {"view": {"stroke": None}, "background": "white", "padding": 16}
    return chart.properties(title=title, config=looks).to_dict()


def _program(network: Network) -> alt.Chart:
    """The first lines of ``nn2vec show``."""
    said = rows(fold(network))
    shown = said if len(said) <= LINES else said[: LINES - 1]
    lines = [{"line": i, "text": r.text, "x": INDENT * r.depth} for i, r in enumerate(shown)]
    if len(shown) < len(said):
        rest = f"… {len(said) - len(shown)} lines more"
        lines.append({"line": LINES - 1, "text": rest, "x": 0})
    title = alt.Title("its program", anchor="start")
    return (
        alt.Chart(alt.Data(values=lines), title=title, width=380, height=LINE * LINES)
        .mark_text(align="left", font="monospace", fontSize=12.5)
        .encode(
            x=alt.X("x:Q", axis=None, scale=alt.Scale(domain=[0, 380])),
            y=alt.Y("line:Q", axis=None, scale=alt.Scale(domain=[LINES, 0])),
            text="text:N",
        )
    )


def _neighbours(nearest: Rows) -> Any:
    """A bar a neighbour, the most similar first."""
    bars = [
        {
            "rank": i,
            "name": f"{row['name']} ({row['family']})",
            "similarity": row["similarity"],
        }
        for i, row in enumerate(nearest)
    ]
    title = alt.Title("its neighbours, and how alike", anchor="start")
    base = alt.Chart(alt.Data(values=bars), title=title).encode(
        y=alt.Y("rank:O", axis=None),
        x=alt.X("similarity:Q", axis=None, scale=alt.Scale(domain=[0, 1])),
    )
    words = base.mark_text(align="left", dx=6, fontSize=11)
    numbers = base.mark_text(align="left", color="#5b6066", dx=5, fontSize=11)
    layers = (
        base.mark_bar(color="#cfdeec"),
        words.encode(x=alt.value(0), text="name:N"),
        numbers.encode(text=alt.Text("similarity:Q", format=".2f")),
    )
    return alt.layer(*layers).properties(width=400, height=LINE * len(nearest))


def _map(subject: Subject, nearest: Rows, known: Rows, height: int) -> Any:
    """Smooth parts on their two main components: families in colour, the network named."""
    vectors = np.array([row["smooth"] for row in known] + [subject.smooth], np.float64)
    points, explained = project(vectors)
    most = [f for f, _ in Counter(row["family"] for row in known).most_common(FAMILIES)]
    near = {row["fingerprint"] for row in nearest}
    placed = [
        {
            "x": x,
            "y": y,
            "group": row["family"] if row["family"] in most else OTHERS,
            "near": row["fingerprint"] in near,
        }
        for row, (x, y) in zip(known, points[:-1].round(4).tolist(), strict=True)
    ]
    placed.sort(key=lambda row: row["group"] != OTHERS)  # the coloured ones lie on top
    x, y = points[-1].tolist()
    seen = f"{len(known):,} networks, two components, {sum(explained):.0%} of the variance"
    title = alt.Title(f"its map: {seen}", anchor="start")
    scale = alt.Scale(zero=False)
    across = alt.X("x:Q", axis=None, scale=scale)
    up = alt.Y("y:Q", axis=None, scale=scale)
    groups = alt.Color(
        "group:N",
        title=None,
        scale=alt.Scale(domain=[*most, OTHERS], range=COLOURS),
        legend=alt.Legend(orient="right"),
    )
    everyone = alt.Chart(alt.Data(values=placed)).encode(x=across, y=up)
    place = {"x": x, "y": y, "name": subject.name}
    own = alt.Chart(alt.Data(values=[place])).encode(x=across, y=up)
    label = own.encode(text="name:N")
    beside: dict[str, Any] = {"dx": -10, "align": "right", "fontWeight": "bold"}
    layers = (
        everyone.mark_circle(size=14, opacity=1).encode(color=groups),
        everyone.transform_filter("datum.near").mark_point(
            size=60, color="black", strokeWidth=1, opacity=1
        ),
        own.mark_point(size=90, shape="diamond", filled=True, color="black", opacity=1),
        label.mark_text(**beside, stroke="white", strokeWidth=4),  # a halo
        label.mark_text(**beside),
    )
    return alt.layer(*layers).properties(width=400, height=height, title=title)

"""Rows -> Vega-Lite specifications, by Altair. Colours and fonts are the page's (page.js)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import altair as alt

Rows = Sequence[dict[str, Any]]
Spec = dict[str, Any]
HEIGHT = 280
LINES: dict[str, Any] = {"symbolType": "stroke", "symbolOpacity": 1, "symbolStrokeWidth": 2.5}


def draw_curves(rows: Rows, title: str, *, log: bool = False, percent: bool = False) -> Spec:
    """Rows of ``epoch``, ``value``, ``series`` and, maybe, ``part`` (a dash pattern a part) or
    ``low`` and ``high`` (a band). A click on the legend leaves one series."""
    scale = alt.Scale(type="log") if log else alt.Scale(zero=False)
    axis = alt.Axis(format="%" if percent else "~r", title=title, tickCount=5)
    picked = alt.selection_point(fields=["series"], bind="legend")
    strong = alt.condition(picked, alt.value(1.0), alt.value(0.12))
    parts = any("part" in row for row in rows)
    shown = ["series:N", *(["part:N"] if parts else []), "epoch:Q"]
    chart = alt.Chart(_data(rows)).encode(
        x=alt.X("epoch:Q", title="epoch", axis=alt.Axis(tickMinStep=1)),
        color=alt.Color("series:N", title=None, legend=alt.Legend(**LINES)),
    )
    line = chart.mark_line(strokeWidth=1.6).encode(
        y=alt.Y("value:Q", scale=scale, axis=axis),
        opacity=strong,
        tooltip=[*shown, alt.Tooltip("value:Q", title=title, format=".4~g")],
        **({"strokeDash": alt.StrokeDash("part:N", title=None)} if parts else {}),
    )
    layers = [line.add_params(picked)]
    if any("low" in row for row in rows):
        band = chart.mark_area(opacity=0.15)
        layers.insert(0, band.encode(y=alt.Y("low:Q", scale=scale, axis=axis), y2="high:Q"))
    return _spec(alt.layer(*layers))


def draw_bars(rows: Rows, title: str, unit: str) -> Spec:
    """Rows of ``name`` and ``count``: horizontal bars, longest first, each with its count."""
    order = alt.EncodingSortField("count", order="descending")
    chart = alt.Chart(_data(rows)).encode(
        y=alt.Y("name:N", title=None, sort=order, axis=alt.Axis(labelLimit=150)),
        x=alt.X("count:Q", title=unit, axis=alt.Axis(tickMinStep=1, format=",d")),
        tooltip=[alt.Tooltip("name:N", title=title), alt.Tooltip("count:Q", format=",")],
    )
    return _spec(chart.mark_bar(height={"band": 0.7}), height=max(60, 19 * len(rows)))


def draw_sizes(rows: Rows) -> Spec:
    """Rows of ``bin``, ``start``, ``count``, ``kind``: how many networks of which size."""
    chart = alt.Chart(_data(rows)).mark_bar(width={"band": 0.9})
    return _spec(
        chart.encode(
            x=_bins("vertices"),
            y=alt.Y("sum(count):Q", title="networks", axis=alt.Axis(tickMinStep=1)),
            color=alt.Color("kind:N", title=None),
            tooltip=["bin:N", "kind:N", alt.Tooltip("sum(count):Q", title="networks")],
        )
    )


def draw_map(rows: Rows, families: Sequence[str], explained: Sequence[float]) -> Spec:
    """Rows of ``x``, ``y``, ``name``, ``family``, ``group``, ``vertices``: a point a network;
    ``families``: the groups that have a colour, largest first. Names on hover."""
    axes = [
        f"component {i + 1} ({share:.0%} of variance)" for i, share in enumerate(explained)
    ]
    picked = alt.selection_point(fields=["group"], bind="legend")
    hidden: dict[str, Any] = {"labels": False, "ticks": False, "grid": False}
    chart = alt.Chart(_data(rows)).mark_circle(size=34, stroke=None)
    return _spec(
        chart.encode(
            x=alt.X(
                "x:Q", title=axes[0], axis=alt.Axis(**hidden), scale=alt.Scale(zero=False)
            ),
            y=alt.Y(
                "y:Q", title=axes[1], axis=alt.Axis(**hidden), scale=alt.Scale(zero=False)
            ),
            color=alt.Color("group:N", title=None, sort=list(families)),
            opacity=alt.condition(picked, alt.value(0.8), alt.value(0.05)),
            tooltip=["name:N", "family:N", alt.Tooltip("vertices:Q", format=",")],
        ).add_params(picked),
        height=420,
    )


def draw_exactness(rows: Rows) -> Spec:
    """Rows of ``bin``, ``start``, ``codec``, ``share``, ``low``, ``high``, ``networks``."""
    chart = alt.Chart(_data(rows)).encode(
        x=_bins("vertices"),
        xOffset="codec:N",
        color=alt.Color("codec:N", title=None),
        tooltip=["codec:N", "bin:N", alt.Tooltip("share:Q", format=".1%"), "networks:Q"],
    )
    axis = alt.Axis(title="restored exactly from vectors alone", format="%")
    points = chart.mark_point(filled=True, size=60, opacity=1)
    points = points.encode(y=alt.Y("share:Q", axis=axis, scale=alt.Scale(domain=[0, 1])))
    bars = chart.mark_rule(strokeWidth=1.5, opacity=0.6)
    return _spec(alt.layer(bars.encode(y=alt.Y("low:Q", axis=axis), y2="high:Q"), points))


def draw_residuals(rows: Rows) -> Spec:
    """Rows of ``vertices``, ``bits``, ``name``, ``family``, ``kind``: a point a network."""
    chart = alt.Chart(_data(rows)).mark_circle(size=30, opacity=0.7)
    return _spec(
        chart.encode(
            x=alt.X("vertices:Q", scale=alt.Scale(type="log", nice=False), title="vertices"),
            y=alt.Y("bits:Q", title="residual, bits",
                    scale=alt.Scale(type="symlog", constant=10),
                    axis=alt.Axis(values=[0, 10, 100, 1000, 10_000, 100_000], format=",d")),
            color=alt.Color("kind:N", title=None),
            tooltip=["name:N", "family:N", alt.Tooltip("vertices:Q", format=","),
                     alt.Tooltip("bits:Q", title="residual, bits", format=",")],
        )
    )  # fmt: skip


def _bins(title: str) -> alt.X:
    order = alt.EncodingSortField("start", op="min", order="ascending")
    return alt.X(
        "bin:N", sort=order, title=title, axis=alt.Axis(labelAngle=-40, labelOverlap=False)
    )


def _data(rows: Rows) -> alt.Data:
    return alt.Data(values=list(rows))


def _spec(chart: Any, height: int = HEIGHT) -> Spec:
    """Its width is the box's, its look the page's."""
    sized = chart.properties(width="container", height=height)
    spec: Spec = sized.to_dict()
    spec.pop("config", None)
    return spec | {"autosize": {"type": "fit-x", "contains": "padding"}}

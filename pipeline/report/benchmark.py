"""Table 1 and Figure 1: codecs of the ENAS set, beside the published encoders."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from pipeline.report.figures import draw_curves
from pipeline.report.inputs import Inputs
from pipeline.report.numbers import NONE, count, percent, with_deviation
from pipeline.report.parts import Figure, Group, Missing, Row, Section, Table
from pipeline.report.published import ENCODERS, PublishedEncoder

POINTS = 120  # of a curve; more cannot be told apart at this size
COMMAND = "nn2vec evaluate enas6 --codec NAME -o results/enas6/NAME.json"
COLUMNS = (
    "model", "exact, strict", "exact, D-VAE's protocol", "valid", "valid after repair",
    "unique", "novel", "RMSE, std", "Pearson r", "dimensions a graph", "bits a graph",
    "epochs", "trained, graphs/s",
)  # fmt: skip
NOTE = (
    "Exact: share of the 1,902 test networks restored vertex by vertex; strict decodes the "
    "mean vector once, D-VAE's protocol samples ten decodes of it. Valid, unique, novel: of "
    "10,000 decodes of 1,000 vectors from the prior. RMSE and r: accuracy predicted from the "
    "vector by a sparse Gaussian process, mean ± standard deviation over seeds. The space "
    "itself has 30.5 bits a network. Published figures are their authors' own."
)


def describe_enas6(inputs: Inputs) -> Section:
    """Our codecs first, published rows after."""
    lead = (
        "The benchmark of the D-VAE authors: 19,020 networks of eight vertices and eight "
        "types. What is restored exactly, what is valid when drawn from nowhere, how smooth "
        "the space is."
    )
    ours = tuple(_row(name, result) for name, result in inputs.enas6.items())
    groups = [Group("Published by others", tuple(map(_published, ENCODERS)), True)]
    if ours:
        groups.insert(0, Group("This project", ours))
    caption = "Table 1. Restoring and drawing networks of the ENAS set"
    table = Table(caption, COLUMNS, tuple(groups), note=NOTE)
    if not ours:
        missing = Missing("This project's rows and Figure 1", COMMAND)
        return Section("enas6", "Eight vertices: the ENAS set", lead, (table, missing))
    return Section("enas6", "Eight vertices: the ENAS set", lead, (table, _curves(inputs)))


def _row(name: str, r: dict[str, Any]) -> tuple[str, ...]:
    latent, training = r.get("latent") or {}, r.get("training") or {}
    groups = latent.get("groups") or {}
    widths = " + ".join(str(d) for d in groups.values())
    total = latent.get("dimensions_per_graph")
    bits = latent.get("bits_per_graph")
    return (
        name,
        percent(r.get("accuracy_strict")),
        percent(r.get("accuracy_dvae_protocol")),
        percent(r.get("validity")),
        percent(r.get("validity_repaired")),
        percent(r.get("uniqueness")),
        percent(r.get("novelty")),
        with_deviation(r.get("rmse")),
        with_deviation(r.get("pearson_r")),
        f"{total} ({widths})" if len(groups) > 1 else str(total or NONE),
        NONE if bits is None else f"{bits:.1f}",
        count(training.get("epochs")),
        count(r.get("train_graphs_per_second")),
    )


def _published(e: PublishedEncoder) -> tuple[str, ...]:
    def share(value: float | None) -> str:
        return NONE if value is None else percent(value / 100)

    return (
        f"{e.name}, {e.where}",
        NONE,
        share(e.accuracy),
        share(e.validity),
        NONE,
        share(e.uniqueness),
        NONE,
        with_deviation(e.rmse),
        with_deviation(e.pearson_r),
        e.latent,
        NONE,
        count(e.epochs),
        NONE,
    )


def _curves(inputs: Inputs) -> Row:
    caption = "A uniform guess is 21.15 nats."
    points = list(_points(inputs, "reconstruction"))
    left = Figure("reconstruction", "Figure 1, left: reconstruction loss", caption,
                  draw_curves(points, "nats a graph", log=True))  # fmt: skip
    rows = list(_points(inputs, "divergence"))
    if not rows:
        return Row((left,))
    drawn = {row["series"] for row in rows}
    without = [n for n, r in inputs.enas6.items() if r.get("curve") and n not in drawn]
    caption = f"Without a divergence term: {', '.join(without)}." if without else ""
    right = Figure("divergence", "Figure 1, right: Kullback-Leibler divergence", caption,
                   draw_curves(rows, "nats a graph"))  # fmt: skip
    return Row((left, right))


def _points(inputs: Inputs, quantity: str) -> Iterator[dict[str, Any]]:
    """Points of a curve a codec and part; zeros (a codec without the term) are left out."""
    for name, result in inputs.enas6.items():
        curve = result.get("curve") or []
        step = max(1, -(-len(curve) // POINTS))
        for point in [*curve[:10], *curve[10:-1:step], *curve[-1:]]:
            for part in ("train", "test"):
                value = point.get(f"{part}_{quantity}")
                if value:
                    yield {
                        "epoch": point["epoch"],
                        "value": value,
                        "series": name,
                        "part": part,
                    }

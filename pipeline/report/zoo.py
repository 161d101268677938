"""How good the vectors of whole networks are: exactness, bits, noise, what lies between."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from pipeline.report.dataset import size_bin
from pipeline.report.figures import draw_exactness, draw_residuals
from pipeline.report.inputs import Inputs
from pipeline.report.numbers import count, number, percent, percent_of, wilson
from pipeline.report.parts import Figure, Group, Missing, Row, Section, Table, Text

COMMAND = "nn2vec evaluate zoo --codec NAME -o results/zoo/NAME.json"
TITLE = "Whole networks through their vectors"
LEAD = (
    "A codec keeps one vector a network. What the vector alone would get wrong is the "
    "residual: with it every network comes back exactly, and its bits say what was lost."
)
MEASURES = (
    "held-out networks", "numbers", "exact from the vector", "real ones exact",
    "exact with residual", "bits a vertex", "exact after noise of 0.1", "half-way valid",
    "drawn valid", "drawn new", "Spearman with edit distance", "decoded ones run",
)  # fmt: skip
NOTE = (
    "Measured on networks of groups that training never saw, from float16 vectors. In "
    "brackets: 95 % intervals (Wilson). Bits a vertex: the posterior's divergence and the "
    "bits of the vector's exact part and residual, in the median network. Noise: in posterior "
    "deviations. Half-way between two of a group, and drawn from N(0, I): valid before any "
    "repair."
)
HELD_OUT, TRAINED = "held-out groups", "groups seen in training"


def describe_zoo(inputs: Inputs) -> Section:
    """A column a codec, then by size."""
    parts: list[Any] = [_conversion(inputs)] if inputs.validation else []
    codecs = inputs.zoo | {f"{name}, this build": r for name, r in inputs.built.items()}
    if codecs:
        parts.append(_table(codecs))
    else:
        parts.append(Missing("The codecs' metrics", COMMAND))
    rows_by_network = list(_residuals(inputs))
    if rows_by_network:
        parts.append(_figures(inputs, rows_by_network))
    else:
        parts.append(Missing("Exactness and residuals by size", "nn2vec embed CODEC"))
    return Section("zoo", TITLE, LEAD, tuple(parts))


def _conversion(inputs: Inputs) -> Text:
    v = inputs.validation or {}
    restored = percent(v.get("exact"))
    return Text(
        f"Without a codec, {restored} of {count(v.get('networks'))} networks keep their "
        f"fingerprint from ONNX to the graph and back; {percent(v.get('runs'), 0)} of "
        f"{count(v.get('runs_measured'))} that were run, run."
    )


def _table(codecs: dict[str, dict[str, Any]]) -> Table:
    """A row a measure: many measures of few codecs fit a page, and a phone, that way round."""
    measured = zip(*map(_measures, codecs.values()), strict=True)
    rows = tuple((name, *row) for name, row in zip(MEASURES, measured, strict=True))
    return Table(
        "Codecs of whole networks", ("measured", *codecs), (Group("", rows),), note=NOTE
    )


def _measures(r: dict[str, Any]) -> tuple[str, ...]:
    """What MEASURES names, of one codec's results."""
    return (
        count(r.get("networks")),
        count(r.get("width")),
        *(_share(r, key) for key in ("exact", "exact_real", "exact_with_residual")),
        number(r.get("bits_per_vertex_median")),
        *(
            _share(r, key)
            for key in ("exact_noise_0.1", "halfway_valid", "prior_valid", "prior_new")
        ),
        number(r.get("distance_spearman")),
        _share(r, "runs"),
    )


def _share(r: dict[str, Any], key: str) -> str:
    found = r.get(key) or {}
    return percent_of(found.get("share"), found.get("cases"))


def _residuals(inputs: Inputs) -> Iterator[dict[str, Any]]:
    """A row a codec and network: its size and its residual. Held out or not is known where the
    codec was evaluated: its result names the groups."""
    if "residuals" not in inputs.tables or "networks" not in inputs.tables:
        return
    known = {n["fingerprint"]: n for n in inputs.tables["networks"].to_pylist()}
    held_out = {
        name: set(r.get("groups", ())) for name, r in (inputs.zoo | inputs.built).items()
    }
    for row in inputs.tables["residuals"].select(["codec", "fingerprint", "bits"]).to_pylist():
        network = known.get(row["fingerprint"])
        if network is None:
            continue
        groups = held_out.get(row["codec"])
        kind = HELD_OUT if groups and network["group"] in groups else TRAINED
        yield {
            "codec": row["codec"],
            "bits": row["bits"],
            "kind": kind if groups else "all groups",
            **{key: network[key] for key in ("name", "family", "vertices")},
        }


def _figures(inputs: Inputs, rows: list[dict[str, Any]]) -> Row:
    unseen = [row for row in rows if row["kind"] == HELD_OUT]
    which = f"{HELD_OUT} only" if unseen else "all groups"
    by_size = Figure("exactness", "Exact by size",
                     f"Share of networks without a residual, {which}; bars: 95 % intervals.",
                     draw_exactness(_by_size(unseen or rows)))  # fmt: skip
    codec = inputs.default_codec
    shown = [{k: v for k, v in row.items() if k != "codec"}
             for row in rows if row["codec"] == codec]  # fmt: skip
    residuals = Figure("residuals", "Residual by size",
                       f"Residual of every network, codec {codec}; zero: the vector suffices.",
                       draw_residuals(shown))  # fmt: skip
    return Row((by_size, residuals) if shown else (by_size,))


def _by_size(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    grouped: dict[tuple[str, tuple[int, str]], list[bool]] = {}
    for row in rows:
        key = row["codec"], size_bin(row["vertices"])
        grouped.setdefault(key, []).append(row["bits"] == 0)
    found = []
    for (codec, (start, name)), exact in sorted(grouped.items()):
        share = sum(exact) / len(exact)
        low, high = wilson(share, len(exact))
        found.append({"codec": codec, "bin": name, "start": start, "share": share,
                      "low": low, "high": high, "networks": len(exact)})  # fmt: skip
    return found

"""How well codecs restore whole networks: the metrics, exactness by size, the patches."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from pipeline.report.dataset import size_bin
from pipeline.report.figures import draw_exactness, draw_patches
from pipeline.report.inputs import Inputs
from pipeline.report.numbers import count, percent, percent_of, size, wilson
from pipeline.report.parts import Figure, Group, Missing, Row, Section, Table, Text

COMMAND = "nn2vec evaluate zoo --codec NAME -o results/zoo/NAME.json"
TITLE = "Whole networks through their vectors"
LEAD = (
    "A codec keeps a few numbers a vertex. What decoding these alone would get wrong is its "
    "patch: with it every network comes back exactly, and its size says what the vectors lost."
)
COLUMNS = (
    "codec", "networks", "exact from vectors", "exact with patch", "vertices exact",
    "operators", "attributes", "edges", "patch, median", "patch, 95th percentile", "no patch",
    "patches against zlib'd JSON", "decoded ones run", "drawn ones run",
    "nearest is of the family",
)  # fmt: skip
NOTE = (
    "Measured on networks of families that training never saw. In brackets: 95 % intervals "
    "(Wilson). Run: checked with full shape inference, run in ONNX Runtime and in torch, "
    "forward and backward, after repair. Drawn: from the prior, not from a network."
)
HELD_OUT, TRAINED = "held-out families", "families seen in training"


def describe_zoo(inputs: Inputs) -> Section:
    """One row a codec, then by size."""
    parts: list[Any] = [_conversion(inputs)] if inputs.validation else []
    found = {"This build": inputs.built, "The full zoo, as committed": inputs.zoo}
    groups = [Group(n, tuple(_row(c, r) for c, r in codecs.items()))
              for n, codecs in found.items() if codecs]  # fmt: skip
    if groups:
        parts.append(Table("Codecs of whole networks", COLUMNS, tuple(groups), note=NOTE))
    else:
        parts.append(Missing("The codecs' metrics", COMMAND))
    rows_by_network = list(_patches(inputs))
    if rows_by_network:
        parts.append(_figures(inputs, rows_by_network))
    else:
        parts.append(Missing("Exactness and patches by size", "nn2vec embed CODEC"))
    return Section("zoo", TITLE, LEAD, tuple(parts))


def _conversion(inputs: Inputs) -> Text:
    v = inputs.validation or {}
    restored = percent(v.get("exact"))
    return Text(
        f"Without a codec, {restored} of {count(v.get('networks'))} networks keep their "
        f"fingerprint from ONNX to the graph and back; {percent(v.get('runs'), 0)} of "
        f"{count(v.get('runs_measured'))} that were run, run."
    )


def _row(name: str, r: dict[str, Any]) -> tuple[str, ...]:
    n, own, patches = (
        r.get("networks"),
        r.get("json_zlib_bytes_total"),
        r.get("patch_bytes_total"),
    )
    ratio = percent(patches / own, 1) if own and patches is not None else percent(None)
    return (
        name,
        count(n),
        percent_of(r.get("exact_from_vectors"), n),
        percent_of(r.get("exact_with_patch"), n),
        percent(r.get("vertex_exact")),
        percent(r.get("operator_exact")),
        percent(r.get("attributes_exact")),
        percent(r.get("adjacency_exact")),
        size(r.get("patch_bytes_median")),
        size(r.get("patch_bytes_p95")),
        percent_of(r.get("patch_empty"), n),
        ratio,
        percent_of(r.get("runs"), r.get("runs_measured")),
        percent_of(r.get("prior_runs"), r.get("prior_networks")),
        percent_of(r.get("nearest_of_family"), r.get("neighbours_measured")),
    )


def _patches(inputs: Inputs) -> Iterator[dict[str, Any]]:
    """A row a codec and network: its size and its patch. Held out or not is known where the
    codec was evaluated: its result names the families."""
    if "patches" not in inputs.tables or "networks" not in inputs.tables:
        return
    known = {n["fingerprint"]: n for n in inputs.tables["networks"].to_pylist()}
    held_out = {
        name: set(r.get("families", ())) for name, r in (inputs.zoo | inputs.built).items()
    }
    for row in inputs.tables["patches"].select(["codec", "fingerprint", "bytes"]).to_pylist():
        network = known.get(row["fingerprint"])
        if network is None:
            continue
        families = held_out.get(row["codec"])
        kind = HELD_OUT if families and network["family"] in families else TRAINED
        yield {
            "codec": row["codec"],
            "bytes": row["bytes"],
            "kind": kind if families else "all families",
            **{key: network[key] for key in ("name", "family", "vertices")},
        }


def _figures(inputs: Inputs, rows: list[dict[str, Any]]) -> Row:
    unseen = [row for row in rows if row["kind"] == HELD_OUT]
    which = f"{HELD_OUT} only" if unseen else "all families"
    by_size = Figure("exactness", "Exact by size",
                     f"Share of networks with an empty patch, {which}; bars: 95 % intervals.",
                     draw_exactness(_by_size(unseen or rows)))  # fmt: skip
    codec = inputs.default_codec
    shown = [{k: v for k, v in row.items() if k != "codec"}
             for row in rows if row["codec"] == codec]  # fmt: skip
    patches = Figure("patches", "Patch by size",
                     f"Patch of every network, codec {codec}; zero means nothing was lost.",
                     draw_patches(shown))  # fmt: skip
    return Row((by_size, patches) if shown else (by_size,))


def _by_size(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    grouped: dict[tuple[str, tuple[int, str]], list[bool]] = {}
    for row in rows:
        key = row["codec"], size_bin(row["vertices"])
        grouped.setdefault(key, []).append(row["bytes"] == 0)
    found = []
    for (codec, (start, name)), exact in sorted(grouped.items()):
        share = sum(exact) / len(exact)
        low, high = wilson(share, len(exact))
        found.append({"codec": codec, "bin": name, "start": start, "share": share,
                      "low": low, "high": high, "networks": len(exact)})  # fmt: skip
    return found

"""What the dataset holds, what it refused, and the map of its vectors."""

from __future__ import annotations

from collections import Counter
from typing import Any

import numpy as np

from pipeline.registry.statistics import networks_by_source
from pipeline.report.figures import draw_bars, draw_map, draw_sizes
from pipeline.report.inputs import Inputs
from pipeline.report.numbers import NONE, count, percent, plural, size, span
from pipeline.report.parts import Facts, Figure, Group, Missing, Row, Section, Table, Text

TOP_OPERATORS, TOP_FAMILIES, COLOURS = 20, 15, 9
OTHERS = "all other families"


def describe_dataset(inputs: Inputs) -> Section:
    """Counts, sizes, operators, sources and families."""
    lead = (
        "Architectures as exact attributed graphs: every layer a vertex, every tensor an edge."
    )
    if "networks" not in inputs.tables:
        missing = Missing("The networks", "nn2vec harvest && nn2vec normalise")
        return Section("dataset", "The dataset", lead, (missing,))
    networks = inputs.tables["networks"].to_pylist()
    parts = [_facts(inputs, networks), Row((_sizes(networks), _operators(inputs)))]
    if "files" in inputs.tables:
        parts.append(_sources(inputs))
    return Section("dataset", "The dataset", lead, (*parts, _families(networks)))


def _facts(inputs: Inputs, networks: list[dict[str, Any]]) -> Facts:
    vertices = [n["vertices"] for n in networks]
    median = float(np.median(vertices)) if vertices else None
    facts = [
        ("distinct networks", count(len(networks))),
        ("families", count(len({n["family"] for n in networks}))),
        ("vertices", count(sum(vertices))),
        ("vertices a network, median", count(median)),
        ("vertices of the largest", count(max(vertices, default=None))),
        ("within the paper's operators", _share_of_paper(networks)),
    ]
    if "files" in inputs.tables:
        facts.insert(1, ("harvested files", count(len(inputs.tables["files"]))))
    return Facts(tuple(facts))


def _share_of_paper(networks: list[dict[str, Any]]) -> str:
    within = sum(bool(n["paper_operators_only"]) for n in networks)
    return percent(within / len(networks), 0) if networks else NONE


def size_bin(vertices: int) -> tuple[int, str]:
    """The bin of a size, doubling: its start, and its name, ``64-127``."""
    start = 1 << max(int(vertices).bit_length() - 1, 3)
    low = 0 if start == 8 else start
    return start, span(low, 2 * start - 1)


def _sizes(networks: list[dict[str, Any]]) -> Figure:
    within = {True: "the paper's 20 operators", False: "other operators too"}
    found = Counter(
        (size_bin(n["vertices"]), within[bool(n["paper_operators_only"])]) for n in networks
    )
    rows = [
        {"bin": name, "start": start, "kind": kind, "count": n}
        for ((start, name), kind), n in sorted(found.items())
    ]
    caption = "Networks by number of vertices; each bin is twice as wide as the one before."
    return Figure("sizes", "Sizes", caption, draw_sizes(rows))


def _operators(inputs: Inputs) -> Figure:
    counted = inputs.tables["nodes"]["operator"].value_counts().to_pylist()
    found = sorted(((c["counts"], c["values"]) for c in counted), reverse=True)
    rows = [{"name": name, "count": n} for n, name in found[:TOP_OPERATORS]]
    caption = f"Vertices by operator: the most frequent of {plural(len(found), 'operator')}."
    return Figure("operators", "Operators", caption, draw_bars(rows, "operator", "vertices"))


def _sources(inputs: Inputs) -> Table:
    files = inputs.tables["files"]
    distinct = networks_by_source(files)
    grouped: dict[str, list[dict[str, Any]]] = {}
    for row in files.select(["source", "licence", "bytes"]).to_pylist():
        grouped.setdefault(row["source"], []).append(row)
    rows = tuple(
        (
            source,
            count(len(group)),
            count(distinct.get(source, 0)),
            size(sum(row["bytes"] for row in group)),
            ", ".join(sorted({row["licence"] for row in group})),
        )
        for source, group in sorted(grouped.items(), key=lambda item: -len(item[1]))
    )
    columns = ("source", "files", "distinct networks", "size", "licences")
    note = "A network that several sources hold counts for each."
    return Table("Where they come from", columns, (Group("", rows),),
                 frozenset({"licences"}), note)  # fmt: skip


def _families(networks: list[dict[str, Any]]) -> Table:
    found = Counter(n["family"] for n in networks)
    rows = []
    for family, n in sorted(found.items(), key=lambda p: (-p[1], p[0]))[:TOP_FAMILIES]:
        sizes = [x["vertices"] for x in networks if x["family"] == family]
        parameters = [x["parameters"] for x in networks if x["family"] == family]
        extent = span(min(sizes), max(sizes))
        rows.append((family, count(n), extent, count(float(np.median(parameters)))))
    columns = ("family", "networks", "vertices", "parameters, median")
    note = f"The largest of {count(len(found))} families." if len(found) > len(rows) else ""
    return Table("Families", columns, (Group("", tuple(rows)),), note=note)


def describe_rejected(inputs: Inputs) -> Section:
    """Every file that was refused, by reason, with one example each."""
    lead = (
        "A file that cannot be taken in is a row with its reason; it never stops the others."
    )
    title = "What was refused, and why"
    if "rejected" not in inputs.tables:
        missing = Missing("The list of refusals", "nn2vec normalise")
        return Section("rejected", title, lead, (missing,))
    rejected = inputs.tables["rejected"].to_pylist()
    if not rejected:
        return Section("rejected", title, lead, (Text("No file was refused."),))
    found = Counter((row["stage"], row["reason"]) for row in rejected)
    examples = {(row["stage"], row["reason"]): row for row in reversed(rejected)}
    rows = tuple(
        (reason, stage, count(n), examples[stage, reason]["address"],
         examples[stage, reason]["detail"])
        for (stage, reason), n in sorted(found.items(), key=lambda p: (-p[1], p[0]))
    )  # fmt: skip
    columns = ("reason", "stage", "files", "for example", "what it says")
    words = frozenset({"stage", "for example", "what it says"})
    caption = f"{plural(len(rejected), 'refusal')}, {plural(len(rows), 'reason')}"
    return Section(
        "rejected", title, lead, (Table(caption, columns, (Group("", rows),), words),)
    )


def describe_map(inputs: Inputs) -> Section:
    """The vectors of whole networks, projected onto their two main components."""
    title, codec = "The latent map", inputs.default_codec
    lead = (
        "Every network is one vector; where smooth parts are near, architectures are alike. "
        "Here these are projected onto their two main components. "
        "Hover, or tap, for a name; pick families in the legend."
    )
    rows = _vectors(inputs)
    if len(rows) < 3:
        missing = Missing("The vectors of whole networks", f"nn2vec embed {codec or 'CODEC'}")
        return Section("map", title, lead, (missing,))
    points, explained = project(np.array([row.pop("smooth") for row in rows], np.float64))
    most = [f for f, _ in Counter(row["family"] for row in rows).most_common(COLOURS)]
    for row, (x, y) in zip(rows, points.round(4).tolist(), strict=True):
        row |= {"x": x, "y": y, "group": row["family"] if row["family"] in most else OTHERS}
    # Drawn first, so the coloured families lie on top.
    rows.sort(key=lambda row: row["group"] != OTHERS)
    caption = f"{plural(len(rows), 'network')}, vectors of {codec}."
    groups = [*most, OTHERS] if any(row["group"] == OTHERS for row in rows) else most
    figure = Figure("latent", "", caption, draw_map(rows, groups, explained))
    return Section("map", title, lead, (figure,))


def _vectors(inputs: Inputs) -> list[dict[str, Any]]:
    if "graph_embeddings" not in inputs.tables or "networks" not in inputs.tables:
        return []
    known = {n["fingerprint"]: n for n in inputs.tables["networks"].to_pylist()}
    kept = ("name", "family", "vertices")
    return [
        {key: known[row["fingerprint"]][key] for key in kept} | {"smooth": row["smooth"]}
        for row in inputs.tables["graph_embeddings"].to_pylist()
        if row["codec"] == inputs.default_codec and row["fingerprint"] in known
    ]


def project(vectors: np.ndarray) -> tuple[np.ndarray, list[float]]:
    """(n, d) -> (n, 2) on the two main components, and their shares of the variance. Signs are
    chosen so that the same vectors always give the same picture."""
    centred = vectors - vectors.mean(0)
    _, values, directions = np.linalg.svd(centred, full_matrices=False)
    directions = directions[:2]
    largest = np.abs(directions).argmax(1)
    directions = directions * np.sign(directions[np.arange(len(directions)), largest])[:, None]
    shares = values**2 / max(float((values**2).sum()), 1e-30)
    return centred @ directions.T, shares[:2].tolist()

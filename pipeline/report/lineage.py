"""What was made from what, with digests; and the files themselves."""

from __future__ import annotations

import os
from pathlib import Path
from urllib.parse import quote

from pipeline.registry.queries import read_queries
from pipeline.report.inputs import QUERIES, Inputs
from pipeline.report.numbers import count, plural, size
from pipeline.report.parts import Lineage, Link, Links, Missing, Section, Step
from pipeline.tables.tables import TABLES

MADE_OF_NETWORKS = ("files", "networks", "nodes", "edges", "attributes", "rejected")
EMBEDDED = ("graph_embeddings", "vertex_embeddings", "residuals")


def describe_lineage(inputs: Inputs, output: Path) -> Section:
    """Shelf -> tables -> codecs -> embeddings, and links as seen from ``output``."""
    lead = "Each step is made from the one before; equal digests mean equal bytes."
    parts: list[Lineage | Links | Missing] = []
    steps = [_shelf(inputs), _tables(inputs, MADE_OF_NETWORKS), _codecs(inputs),
             _tables(inputs, EMBEDDED)]  # fmt: skip
    kept = tuple(step for step in steps if step)
    if kept:
        parts.append(Lineage(kept))
    if inputs.manifest is None:
        parts.append(Missing("The registered version, with its parent and the shelf's digest",
                             "nn2vec register"))  # fmt: skip
    links = [_link_tables(inputs, output), _link_queries(inputs, output)]
    return Section("lineage", "Lineage and files", lead,
                   (*parts, *(found for found in links if found.links)))  # fmt: skip


def _shelf(inputs: Inputs) -> tuple[Step, ...]:
    if inputs.manifest is None:
        return ()
    shelf, revision = inputs.manifest.lineage, inputs.manifest.git_revision
    sources = ", ".join(f"{name} {count(n)}" for name, n in shelf.sources.items())
    made = (f"made at revision {revision[:12]}",) if revision else ()
    return (Step("shelf", (plural(shelf.files, "file"), sources, *made), shelf.digest),)


def _tables(inputs: Inputs, names: tuple[str, ...]) -> tuple[Step, ...]:
    facts = inputs.manifest.tables if inputs.manifest else {}
    steps = []
    for name in names:
        lines: tuple[str, ...]
        if name in facts:
            lines = (plural(facts[name].rows, "row"), size(facts[name].bytes))
            steps.append(Step(name, lines, facts[name].digest))
        elif name in inputs.digests:
            lines = (size(sum(f.stat().st_size for f in inputs.table_files[name])),)
            steps.append(Step(name, lines, inputs.digests[name]))
    return tuple(steps)


def _codecs(inputs: Inputs) -> tuple[Step, ...]:
    """The codecs of whole networks; those of the ENAS set are made from other data."""
    steps = []
    for name, card in inputs.cards.items():
        if card.get("domain") != "zoo":
            continue
        trained_on = card.get("trained_on")
        networks = trained_on.get("networks") if isinstance(trained_on, dict) else None
        lines = (
            str(card.get("kind", "")),
            *((f"trained on {plural(networks, 'network')}",) if networks else ()),
            plural(int(card.get("parameters", 0)), "parameter"),
        )
        steps.append(Step(name, lines, str(card.get("weights_sha256", ""))))
    return tuple(steps)


def _link_tables(inputs: Inputs, output: Path) -> Links:
    links = []
    for name, files in sorted(inputs.table_files.items()):
        meaning = TABLES[name].meaning if name in TABLES else ""
        for place, file in enumerate(files):
            text = name if len(files) == 1 else f"{name}, part {place + 1} of {len(files)}"
            note = f"{meaning}; {size(file.stat().st_size)}"
            links.append(Link(text, address_from(output, file), note))
    for name in ("card.md", "manifest.json", "croissant.json"):
        file = inputs.dataset / name
        if file.exists():
            links.append(Link(name, address_from(output, file), "of the registered version"))
    return Links("Tables (Parquet)", tuple(links))


def _link_queries(inputs: Inputs, output: Path) -> Links:
    folder = inputs.root / QUERIES
    links = tuple(
        Link(q.question, address_from(output, folder / f"{q.name}.sql"), "", q.sql)
        for q in read_queries(folder)
    )
    return Links("Queries: put one to nn2vec sql", links)


def address_from(page: Path, file: Path) -> str:
    """Where ``file`` is seen from ``page``, as a relative address."""
    return quote(Path(os.path.relpath(file.absolute(), page.absolute().parent)).as_posix())

"""What a dataset holds, in numbers: for its manifest, its card and ``datasets show``."""

from __future__ import annotations

import statistics
from collections import Counter
from collections.abc import Mapping
from typing import Any

import pyarrow as pa

from pipeline.registry.manifest import Lineage
from pipeline.tables.shards import sha256

TOP = 20


def describe_tables(tables: Mapping[str, pa.Table]) -> dict[str, Any]:
    """Counts by source, licence, family, operator, reason and codec, and the sizes.

    Of tables that are not there nothing is said. Counts are sorted, largest first.
    """
    columns = {
        "files_by_source": ("files", "source"),
        "files_by_licence": ("files", "licence"),
        "networks_by_family": ("networks", "family"),
        "vertices_by_operator": ("nodes", "operator"),
        "rejected_by_reason": ("rejected", "reason"),
        "networks_by_codec": ("graph_embeddings", "codec"),
    }
    facts: dict[str, Any] = {
        fact: _count(tables[table], column)
        for fact, (table, column) in columns.items()
        if table in tables
    }
    if "networks" in tables and "files" in tables:
        facts["networks_by_source"] = networks_by_source(tables["files"])
    if "networks" in tables and len(tables["networks"]):
        vertices = tables["networks"]["vertices"].to_pylist()
        facts["vertices_median"] = statistics.median(vertices)
        facts["vertices_max"] = max(vertices)
        facts["families"] = len(set(tables["networks"]["family"].to_pylist()))
    return facts


def networks_by_source(files: pa.Table) -> dict[str, int]:
    """How many distinct networks each source has files of; a network may be in several."""
    pairs = zip(files["source"].to_pylist(), files["fingerprint"].to_pylist(), strict=True)
    found = Counter(source for source, fingerprint in set(pairs) if fingerprint)
    return dict(sorted(found.items(), key=lambda item: (-item[1], item[0])))


def trace_lineage(files: pa.Table) -> Lineage:
    """The table ``files`` -> which shelf it was: the digest is over all files' digests."""
    digests = sorted(set(files["file_digest"].to_pylist()))
    return Lineage(
        files=len(files),
        digest=sha256("\n".join(digests).encode()),
        sources=_count(files, "source", top=None),
    )


def _count(table: pa.Table, column: str, top: int | None = TOP) -> dict[str, int]:
    counted = table[column].value_counts().to_pylist()
    pairs = sorted(((v["values"], v["counts"]) for v in counted), key=lambda p: (-p[1], p[0]))
    shown = dict(pairs[:top])
    rest = sum(count for _, count in pairs[len(shown) :])
    return shown | ({"(others)": rest} if rest else {})

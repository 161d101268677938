"""Tables of an older version -> this version's, out of themselves: no shelf is needed."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pyarrow as pa

from pipeline.operators.shapes import infer_layers
from pipeline.tables.conform import conform
from pipeline.tables.describe import describe
from pipeline.tables.groups import group_of
from pipeline.tables.read import read_tables
from pipeline.tables.read_networks import GRAPH_TABLES, networks_in
from pipeline.tables.shards import TableSet
from pipeline.tables.tables import table_of
from pipeline.tables.write import write_tables


def upgrade_networks(directory: Path | str) -> TableSet:
    """Write the table networks of a set anew, with every column that follows from its graphs.

    Raises DataError for damaged tables, InvalidNetwork for a graph whose shapes disagree.
    """
    tables = read_tables(directory, ["networks", *GRAPH_TABLES])
    return write_tables(directory, {"networks": recompute_networks(tables)})


def recompute_networks(tables: Mapping[str, pa.Table]) -> pa.Table:
    """The tables networks, nodes, edges, attributes -> networks: what a graph says computed
    from it, what a file said (its name, its family) as it was."""
    return conform(table_of("networks"), _rows(tables))


def _rows(tables: Mapping[str, pa.Table]) -> Iterator[dict[str, Any]]:
    said = {row["fingerprint"]: row for row in tables["networks"].to_pylist()}
    for fingerprint, network in networks_in(tables, said):
        row = said[fingerprint]
        group = row["group"] or group_of(row["name"])
        found = _of_graph(describe(network, infer_layers(network)))
        yield {**row, **found, "group": group}


def _of_graph(row: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in row.items() if name not in ("name", "family")}

"""The quality gate: what must hold of the tables before they become a dataset's version.

Rules: ``key`` no key twice; ``reference`` rows refer to networks and nodes that exist;
``order`` operands come before the vertex that uses them, so no graph has a cycle; ``ends`` one
Input and one Output, which every vertex lies between; ``count`` a network's own counts are
those of its rows; ``bounds`` the tables did not shrink or grow beyond reason.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import pyarrow as pa
import pyarrow.compute as pc
from pydantic import BaseModel, ConfigDict, Field

from pipeline.graph.network import INPUT, OUTPUT
from pipeline.tables.conform import repeated_keys
from pipeline.tables.tables import table_of

Tables = Mapping[str, pa.Table]
REFERENCES = (
    ("files", ("fingerprint",), "networks", ("fingerprint",)),
    ("nodes", ("fingerprint",), "networks", ("fingerprint",)),
    ("networks", ("fingerprint",), "nodes", ("fingerprint",)),
    ("edges", ("fingerprint", "source"), "nodes", ("fingerprint", "node")),
    ("edges", ("fingerprint", "target"), "nodes", ("fingerprint", "node")),
    ("attributes", ("fingerprint", "node"), "nodes", ("fingerprint", "node")),
    ("labels", ("fingerprint",), "networks", ("fingerprint",)),
    ("graph_embeddings", ("fingerprint",), "networks", ("fingerprint",)),
    ("vertex_embeddings", ("fingerprint", "node"), "nodes", ("fingerprint", "node")),
    ("residuals", ("fingerprint",), "networks", ("fingerprint",)),
)
BOUNDED = ("files", "networks", "nodes", "edges")


class Bounds(BaseModel):
    """How far row counts may lie from the last version's, as a share of them."""

    model_config = ConfigDict(frozen=True, extra="forbid")
    least: float = Field(default=0.9, ge=0)
    most: float = Field(default=20.0, ge=1)


@dataclass(frozen=True, slots=True)
class Violation:
    """One broken rule: in which table, in how many rows, and one of them or a sentence."""

    rule: str
    table: str
    rows: int
    example: str

    def __str__(self) -> str:
        return (
            f"{self.table}: {self.rows} rows break the rule '{self.rule}', as {self.example}"
        )


def check_quality(
    tables: Tables, last: Mapping[str, int] | None = None, bounds: Bounds | None = None
) -> list[Violation]:
    """All broken rules of the tables given, none if they are good; rules about tables that are
    not given are left out. ``last``: row counts of the last version."""
    return [
        *_repeated(tables),
        *_dangling(tables),
        *_disordered(tables),
        *_open_ended(tables),
        *_miscounted(tables),
        *_out_of_bounds(tables, last or {}, bounds or Bounds()),
    ]


def _repeated(tables: Tables) -> Iterator[Violation]:
    for name, rows in tables.items():
        yield from _found("key", name, repeated_keys(rows, table_of(name).key))


def _dangling(tables: Tables) -> Iterator[Violation]:
    for name, columns, target, target_columns in REFERENCES:
        if name not in tables or target not in tables:
            continue
        known = tables[target].select(list(target_columns))
        rows = tables[name].select(list(columns)).drop_null()
        lost = rows.join(known, list(columns), list(target_columns), join_type="left anti")
        yield from _found("reference", name, lost)


def _disordered(tables: Tables) -> Iterator[Violation]:
    if "edges" in tables:
        edges = tables["edges"]
        backwards = pc.greater_equal(edges["source"], edges["target"])
        yield from _found("order", "edges", edges.filter(backwards))


def _open_ended(tables: Tables) -> Iterator[Violation]:
    if "nodes" not in tables:
        return
    sizes = _sizes(tables["nodes"])
    last = pc.subtract(sizes["size"], 1)
    wrong = pc.or_(
        pc.or_(pc.not_equal(sizes["inputs"], 1), pc.not_equal(sizes["outputs"], 1)),
        pc.or_(pc.not_equal(sizes["last"], last), pc.not_equal(sizes["sum"], last)),
    )
    yield from _found("ends", "nodes", sizes.filter(wrong))
    if "edges" in tables:
        for end, role in (("source", OUTPUT), ("target", INPUT)):
            nodes = tables["nodes"].filter(pc.not_equal(tables["nodes"]["operator"], role))
            used = tables["edges"].select(["fingerprint", end])
            keys = ["fingerprint", "node"]
            loose = nodes.select(keys).join(used, keys, ["fingerprint", end], "left anti")
            yield from _found("ends", "nodes", loose)


def _sizes(nodes: pa.Table) -> pa.Table:
    """Per network: nodes, number of the last, Inputs, Outputs, where the Output stands."""
    is_output = pc.equal(nodes["operator"], OUTPUT)
    marked = pa.table(
        {
            "fingerprint": nodes["fingerprint"],
            "last": nodes["node"],
            "inputs": pc.equal(nodes["operator"], INPUT).cast(pa.int64()),
            "outputs": is_output.cast(pa.int64()),
            "sum": pc.multiply(is_output.cast(pa.int64()), nodes["node"]),
        }
    )
    wanted = [("last", "max"), ("inputs", "sum"), ("outputs", "sum"), ("sum", "sum")]
    grouped = marked.group_by("fingerprint").aggregate([*wanted, ([], "count_all")])
    names = {
        "last_max": "last", "inputs_sum": "inputs", "outputs_sum": "outputs",
        "sum_sum": "sum", "count_all": "size",
    }  # fmt: skip
    return grouped.rename_columns([names.get(n, n) for n in grouped.column_names])


def _miscounted(tables: Tables) -> Iterator[Violation]:
    for name, column in (("nodes", "vertices"), ("edges", "edges")):
        if name in tables and "networks" in tables:
            counted = tables[name].group_by("fingerprint").aggregate([([], "count_all")])
            claimed = tables["networks"].select(["fingerprint", column])
            both = claimed.join(counted, "fingerprint", join_type="inner")
            wrong = pc.not_equal(both[column], both["count_all"])
            yield from _found("count", "networks", both.filter(wrong))


def _out_of_bounds(
    tables: Tables, last: Mapping[str, int], bounds: Bounds
) -> Iterator[Violation]:
    for name in BOUNDED:
        before = last.get(name, 0)
        if before and name in tables:
            share = len(tables[name]) / before
            if not bounds.least <= share <= bounds.most:
                limits = f"{bounds.least:g} to {bounds.most:g} times the {before} rows before"
                yield Violation("bounds", name, len(tables[name]), f"allowed are {limits}")


def _found(rule: str, table: str, rows: pa.Table) -> Iterator[Violation]:
    if len(rows):
        yield Violation(rule, table, len(rows), str(rows.slice(0, 1).to_pylist()[0]))

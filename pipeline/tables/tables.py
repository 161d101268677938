"""The tables: columns, types and key, declared once. Every write is checked against this."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import pyarrow as pa

from pipeline.tables.columns import (
    BY_NAME,
    FILE_BYTES,
    FILE_FINGERPRINT,
    FILE_SOURCE,
    LABEL_SOURCE,
    SPLIT_GROUP,
    VERTEX_VECTOR,
    Column,
)

VALUE_KINDS = ("int", "float", "string", "ints", "floats", "strings")


@dataclass(frozen=True, slots=True)
class Table:
    """One table. ``key`` is unique and is the order of the rows; of ``one_of`` exactly one
    column is set in every row."""

    name: str
    meaning: str
    key: tuple[str, ...]
    columns: tuple[Column, ...]
    one_of: tuple[str, ...] = ()

    @property
    def vectors(self) -> tuple[str, ...]:
        """Names of the columns whose width is fixed when the table is made."""
        return tuple(column.name for column in self.columns if column.type is None)

    def schema(self, widths: Mapping[str, int] | None = None) -> pa.Schema:
        """The Arrow schema; ``widths`` gives each vector column its width.

        Raises ValueError when one is missing.
        """
        widths = widths or {}
        return pa.schema([column.field(widths.get(column.name)) for column in self.columns])


def _table(name: str, meaning: str, key: str, rest: str, **special: Column) -> Table:
    keys = tuple(key.split())
    columns = tuple(special.get(c) or BY_NAME[c] for c in (*keys, *rest.split()))
    return Table(name, meaning, keys, columns, VALUE_KINDS if name == "attributes" else ())


_DECLARED = (
    _table(
        "files", "harvested files and where they came from", "file_digest address",
        "source licence bytes opset producer fingerprint harvested_at",
        source=FILE_SOURCE, bytes=FILE_BYTES, fingerprint=FILE_FINGERPRINT,
    ),
    _table(
        "networks", "distinct architectures", "fingerprint",
        "name family design group vertices edges instructions max_out_degree max_in_degree "
        "depth parameters macs input_shape output_shape paper_operators_only",
    ),
    _table(
        "labels", "what was measured about networks",
        "fingerprint source data_set metric recipe", "value epochs resolution licence",
        source=LABEL_SOURCE,
    ),
    _table(
        "splits", "which groups of networks train, which measure", "group", "part",
        group=SPLIT_GROUP,
    ),
    _table("nodes", "vertices of every network", "fingerprint node", "operator output_shape"),
    _table("edges", "edges of every network", "fingerprint target operand", "source output"),
    _table(
        "attributes", "attributes of every vertex", "fingerprint node attribute",
        " ".join(VALUE_KINDS),
    ),
    _table(
        "rejected", "files that were refused, and why", "file_digest address stage",
        "reason detail",
    ),
    _table(
        "graph_embeddings", "one vector a network and codec", "codec fingerprint",
        "vector smooth",
    ),
    _table(
        "vertex_embeddings", "what a codec knows of every vertex in its network",
        "codec fingerprint node", "vector", vector=VERTEX_VECTOR,
    ),
    _table(
        "residuals", "what a codec's vectors lack", "codec fingerprint", "residual bits",
    ),
)  # fmt: skip
TABLES: Mapping[str, Table] = {table.name: table for table in _DECLARED}


def table_of(name: str) -> Table:
    """The declaration of a table. Raises KeyError, listing the known ones."""
    if name not in TABLES:
        raise KeyError(f"no table is named {name!r}; the tables are: {', '.join(TABLES)}")
    return TABLES[name]

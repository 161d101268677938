"""Tables of a set, read through its manifest, with every shard's digest checked."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from pipeline.errors import DataError
from pipeline.tables.shards import Shard, TableSet, read_table_set, sha256
from pipeline.tables.tables import table_of


def read_table(directory: Path | str, table: str) -> pa.Table:
    """One table of the set in ``directory``, sorted by its key.

    Raises DataError, naming the file and the cause, when it is missing or damaged.
    """
    return read_tables(directory, [table])[table]


def read_tables(directory: Path | str, tables: Sequence[str]) -> dict[str, pa.Table]:
    """Several tables of one and the same version of a set, by name. Raises DataError."""
    directory = Path(directory)
    manifest = read_table_set(directory)
    while True:
        try:
            return {name: _read(directory, manifest, name) for name in tables}
        except FileNotFoundError as e:
            current = read_table_set(directory)
            if current == manifest:
                raise DataError(f"{e.filename}: missing, though the manifest names it") from e
            manifest = current  # published anew while we were reading


def read_shard(directory: Path, shard: Shard) -> bytes:
    """The bytes of a shard. Raises DataError for any but the right ones, FileNotFoundError."""
    path = directory / shard.file
    content = path.read_bytes()
    if len(content) != shard.bytes:
        raise DataError(f"{path}: {len(content)} bytes, the manifest says {shard.bytes}")
    if sha256(content) != shard.digest:
        raise DataError(f"{path}: its digest is not the manifest's; the file is damaged")
    return content


def _read(directory: Path, manifest: TableSet, name: str) -> pa.Table:
    declared = table_of(name)
    if name not in manifest.tables:
        has = ", ".join(manifest.tables) or "none"
        raise DataError(f"{directory}: no table {name} was written here; it holds: {has}")
    entry = manifest.tables[name]
    schema = declared.schema(entry.widths)
    parts = []
    for shard in entry.shards:
        part = pq.read_table(pa.BufferReader(read_shard(directory, shard)))
        part = with_later_columns(part, schema)
        if part.schema != schema:
            raise DataError(f"{directory / shard.file}: its columns are not {name}'s any more")
        parts.append(part)
    return pa.concat_tables(parts) if parts else schema.empty_table()


def with_later_columns(part: pa.Table, schema: pa.Schema) -> pa.Table:
    """A shard written before a column was declared has nulls there, if it may."""
    lacking = [f for f in schema if f.nullable and f.name not in part.column_names]
    for field in lacking:
        part = part.append_column(field, pa.nulls(len(part), field.type))
    known = set(schema.names) == set(part.column_names)
    return part.select(schema.names) if lacking and known else part

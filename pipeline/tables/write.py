"""Rows -> checked, sorted Parquet shards, published together.

The same rows give the same bytes, in whatever order and however many parts they come: they are
sorted by key before they are cut into shards.
"""

from __future__ import annotations

import fcntl
import io
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from pipeline.atomic import write_atomically
from pipeline.tables.conform import Rows, conform
from pipeline.tables.shards import (
    MANIFEST,
    Shard,
    TableEntry,
    TableSet,
    publish_table_set,
    read_table_set,
    sha256,
)
from pipeline.tables.tables import table_of

SHARD_ROWS = 1_000_000
Widths = Mapping[str, Mapping[str, int]]  # table, column -> numbers of its vectors
ROW_GROUP_ROWS = 122_880  # DuckDB's unit of parallel work


def write_tables(
    directory: Path | str,
    tables: Mapping[str, Rows],
    widths: Widths | None = None,
    shard_rows: int = SHARD_ROWS,
) -> TableSet:
    """Write several tables of one set; they appear at the same moment, others there stay.

    ``tables``: table name -> rows in any order, as an Arrow table or an iterable of Arrow
    tables, batches or mappings. ``widths``: of each vector column, by table and name. A
    process killed at any point leaves the old set or the new one.
    Raises ValueError for rows that are not as declared (then nothing is written).
    """
    directory = Path(directory)
    checked = {
        name: conform(table_of(name), rows, (widths or {}).get(name))
        for name, rows in tables.items()
    }
    with locked(directory):
        entries = {
            name: _write_shards(directory, name, rows, shard_rows)
            for name, rows in checked.items()
        }
        manifest = _current(directory).with_tables(entries)
        publish_table_set(directory, manifest)
    return manifest


def write_table(
    directory: Path | str,
    table: str,
    rows: Rows,
    widths: Mapping[str, int] | None = None,
    shard_rows: int = SHARD_ROWS,
) -> TableSet:
    """:func:`write_tables` for one table."""
    return write_tables(directory, {table: rows}, {table: widths or {}}, shard_rows)


@contextmanager
def locked(directory: Path) -> Iterator[None]:
    """Hold a folder against other writers; the lock leaves no file and dies with us."""
    directory.mkdir(parents=True, exist_ok=True)
    handle = os.open(directory, os.O_RDONLY)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield
    finally:
        os.close(handle)


def _current(directory: Path) -> TableSet:
    return read_table_set(directory) if (directory / MANIFEST).exists() else TableSet()


def _write_shards(directory: Path, name: str, rows: pa.Table, shard_rows: int) -> TableEntry:
    starts = range(0, max(len(rows), 1), shard_rows)
    shards = [_write_shard(directory, name, rows.slice(s, shard_rows)) for s in starts]
    widths = {
        column: rows.schema.field(column).type.list_size for column in table_of(name).vectors
    }
    return TableEntry(shards=tuple(shards), widths=widths)


def _write_shard(directory: Path, name: str, rows: pa.Table) -> Shard:
    buffer = io.BytesIO()
    pq.write_table(rows, buffer, compression="zstd", row_group_size=ROW_GROUP_ROWS)
    content = buffer.getvalue()
    digest = sha256(content)
    shard = Shard(
        file=f"{name}-{digest[:16]}.parquet", rows=len(rows), bytes=len(content), digest=digest
    )
    write_atomically(directory / shard.file, content)
    return shard

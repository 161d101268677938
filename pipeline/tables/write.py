"""Rows -> checked, sorted Parquet shards, published together.

The same rows give the same bytes, in whatever order and however many parts they come: they are
sorted by key before they are cut into shards. What is too much to be held at once comes in
parts whose keys ascend, and is never there whole.
"""

from __future__ import annotations

import fcntl
import io
import os
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from pipeline.atomic import write_atomically
from pipeline.tables.conform import Rows, conform, follows
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
    return write_parts(directory, [tables], widths, shard_rows)


def write_parts(
    directory: Path | str,
    parts: Iterable[Mapping[str, Rows]],
    widths: Widths | None = None,
    shard_rows: int = SHARD_ROWS,
) -> TableSet:
    """:func:`write_tables` of one part after another, of which no more is held than a shard.

    The keys of a table ascend from part to part; within a part rows stand in any order. Raises
    ValueError where they do not, or rows are not as declared (then nothing is published).
    """
    directory = Path(directory)
    writers: dict[str, _ShardWriter] = {}
    with locked(directory):
        try:
            for part in parts:
                for name, rows in part.items():
                    if name not in writers:
                        own = (widths or {}).get(name)
                        writers[name] = _ShardWriter(directory, name, own, shard_rows)
                    writers[name].add(rows)
            entries = {name: writer.finish() for name, writer in writers.items()}
            manifest = _current(directory).with_tables(entries)
        except BaseException:
            for writer in writers.values():
                writer.give_up()
            raise
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


@dataclass
class _ShardWriter:
    """One table's rows, part by part, as shards of so many rows each."""

    directory: Path
    name: str
    widths: Mapping[str, int] | None
    shard_rows: int
    shards: list[Shard] = field(default_factory=list)
    waiting: list[pa.Table] = field(default_factory=list)  # less than a shard, in order
    last: pa.Table | None = None  # the row of the highest key so far

    def add(self, rows: Rows) -> None:
        table = table_of(self.name)
        part = conform(table, rows, self.widths)
        if self.last is not None and not follows(table, self.last, part):
            raise ValueError(f"table {self.name}: a part does not follow the one before it")
        self.last = part.slice(len(part) - 1).combine_chunks() if len(part) else self.last
        self.waiting.append(part)
        while sum(map(len, self.waiting)) > self.shard_rows:
            self._cut()

    def finish(self) -> TableEntry:
        """Write what waits; a table without rows has one shard."""
        if sum(map(len, self.waiting)) or not self.shards:
            self._cut()
        schema = table_of(self.name).schema(self.widths)
        widths = {
            column: schema.field(column).type.list_size
            for column in table_of(self.name).vectors
        }
        return TableEntry(shards=tuple(self.shards), widths=widths)

    def give_up(self) -> None:
        """Remove the shards of a write that failed, but for those that were there before."""
        kept = _current(self.directory).files
        for shard in self.shards:
            if shard.file not in kept:
                (self.directory / shard.file).unlink(missing_ok=True)

    def _cut(self) -> None:
        whole = pa.concat_tables(self.waiting).combine_chunks()
        shard = whole.slice(0, self.shard_rows)
        self.shards.append(_write_shard(self.directory, self.name, shard))
        self.waiting = [whole.slice(self.shard_rows)]


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

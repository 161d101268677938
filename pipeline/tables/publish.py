"""Several table sets -> one, without reading a row: the shards are linked, or copied."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

from pipeline.atomic import write_atomically
from pipeline.errors import DataError
from pipeline.tables.read import read_shard
from pipeline.tables.shards import (
    Shard,
    TableEntry,
    TableSet,
    publish_table_set,
    read_table_set,
)
from pipeline.tables.write import locked


def merge_table_sets(sources: Sequence[Path]) -> TableSet:
    """What one set of all these sets' tables would hold; a table in several becomes one table.

    Raises DataError when a set is missing or damaged, or a table's vectors differ in width.
    """
    tables: dict[str, TableEntry] = {}
    for source in sources:
        for name, entry in read_table_set(source).tables.items():
            known = tables.get(name)
            if known is not None and known.widths != entry.widths:
                raise DataError(
                    f"{source}: {name} has vectors of {entry.widths}, not of {known.widths}"
                )
            shards = (*known.shards, *entry.shards) if known else entry.shards
            tables[name] = TableEntry(shards=tuple(dict.fromkeys(shards)), widths=entry.widths)
    return TableSet().with_tables(tables)


def publish_tables(
    directory: Path | str,
    sources: Sequence[Path],
    version: str | None = None,
    default_codec: str | None = None,
) -> TableSet:
    """Put the tables of ``sources`` at ``directory``, all at the same moment and with their
    dataset's version; others there go.

    Raises DataError for missing or damaged shards; then nothing has changed.
    """
    directory = Path(directory)
    facts = {"version": version, "default_codec": default_codec}
    manifest = merge_table_sets(sources).model_copy(update=facts)
    homes = {
        shard: source
        for source in sources
        for entry in read_table_set(source).tables.values()
        for shard in entry.shards
    }
    with locked(directory):
        for shard, source in homes.items():
            _adopt(directory, source, shard)
        publish_table_set(directory, manifest)
    return manifest


def _adopt(directory: Path, source: Path, shard: Shard) -> None:
    target = directory / shard.file
    if target.exists() and target.stat().st_size == shard.bytes:
        read_shard(directory, shard)
        return
    try:
        content = read_shard(source, shard)
    except FileNotFoundError as e:
        raise DataError(f"{source / shard.file}: missing, though the manifest names it") from e
    try:
        os.link(source / shard.file, target)
    except OSError:  # another file system, or one without links
        write_atomically(target, content)

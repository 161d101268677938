"""Whether a set's shards are those its manifest names, cheaply enough for every opening.

A shard's bytes are hashed once; while its place, size and time of change stay the same, that
is remembered (in the user's cache folder), and looking again costs one ``stat``.
"""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path

from pipeline.errors import DataError
from pipeline.tables.read import read_shard
from pipeline.tables.shards import Shard, TableSet


def check_shards(directory: Path, tables: TableSet) -> None:
    """Raises DataError, naming the file and the cause, for a shard that is missing, cut short
    or damaged."""
    for entry in tables.tables.values():
        for shard in entry.shards:
            _check(directory, shard)


def _check(directory: Path, shard: Shard) -> None:
    path = directory / shard.file
    try:
        found = path.stat()
        note = _cache() / shard.digest
        seen = f"{path.absolute()} {found.st_size} {found.st_mtime_ns} {found.st_ino}"
        if note.is_file() and note.read_text(encoding="utf-8") == seen:
            return
        read_shard(directory, shard)
    except FileNotFoundError as e:
        raise DataError(f"{path}: missing, though the manifest names it") from e
    except OSError as e:
        raise DataError(f"{path}: cannot be read: {e.strerror}") from e
    with suppress(OSError):  # a cache that cannot be written saves nothing
        note.parent.mkdir(parents=True, exist_ok=True)
        note.write_text(seen, encoding="utf-8")


def _cache() -> Path:
    home = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(home) / "nn2vec" / "shards"

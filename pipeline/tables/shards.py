"""A table set: one folder of Parquet shards, and the one manifest that says which ones count.

A shard's name holds the digest of its bytes, so it never changes; the manifest is replaced by
an atomic rename. Whoever read a manifest sees exactly the tables of that moment, all of them
consistent with each other.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path

from pydantic import BaseModel, ConfigDict, ValidationError

from pipeline.atomic import write_atomically
from pipeline.errors import DataError

MANIFEST = "manifest.json"
FORMAT = "nn2vec tables 1"


class Shard(BaseModel):
    """One Parquet file of a table set: its name there, its rows and bytes, its SHA-256."""

    model_config = ConfigDict(frozen=True, extra="forbid")
    file: str
    rows: int
    bytes: int
    digest: str


class TableEntry(BaseModel):
    """One table of a set: its shards in key order, and the widths of its vector columns."""

    model_config = ConfigDict(frozen=True, extra="forbid")
    shards: tuple[Shard, ...]
    widths: dict[str, int] = {}

    @property
    def rows(self) -> int:
        """Rows in all shards."""
        return sum(shard.rows for shard in self.shards)

    @property
    def bytes(self) -> int:
        """Size of all shards."""
        return sum(shard.bytes for shard in self.shards)

    @property
    def digest(self) -> str:
        """SHA-256 of the shards' digests: equal when every row is."""
        return sha256("\n".join(shard.digest for shard in self.shards).encode())


class TableSet(BaseModel):
    """The manifest of a folder of tables. ``version`` and ``default_codec``: of the dataset
    whose tables these are, so that whoever reads both learns them at one moment."""

    model_config = ConfigDict(frozen=True, extra="forbid")
    format: str = FORMAT
    tables: dict[str, TableEntry] = {}
    version: str | None = None
    default_codec: str | None = None

    @property
    def rows(self) -> dict[str, int]:
        """Rows of each table."""
        return {name: entry.rows for name, entry in self.tables.items()}

    @property
    def files(self) -> frozenset[str]:
        """Names of all shards."""
        return frozenset(s.file for entry in self.tables.values() for s in entry.shards)

    def with_tables(self, tables: Mapping[str, TableEntry]) -> TableSet:
        """The same set with some tables replaced or added."""
        return self.model_copy(
            update={"tables": dict(sorted({**self.tables, **tables}.items()))}
        )


def sha256(content: bytes) -> str:
    """SHA-256 as 64 hexadecimal digits."""
    return hashlib.sha256(content).hexdigest()


def read_table_set(directory: Path | str) -> TableSet:
    """The manifest of a folder. Raises DataError when it is missing or damaged."""
    path = Path(directory) / MANIFEST
    try:
        manifest = TableSet.model_validate(json.loads(path.read_bytes()))
    except FileNotFoundError as e:
        raise DataError(f"{path}: missing; no tables were written here yet") from e
    except (OSError, ValueError, ValidationError) as e:
        raise DataError(f"{path}: no manifest of tables: {_first_line(e)}") from e
    if manifest.format != FORMAT:
        raise DataError(f"{path}: format {manifest.format!r}, this version reads {FORMAT!r}")
    return manifest


def publish_table_set(directory: Path, manifest: TableSet) -> None:
    """Make ``manifest`` the current one, then remove the shards that no longer count.

    The rename is the moment of change. A reader that has just lost a shard of the version
    before reads the manifest again, see :func:`pipeline.tables.read.read_tables`.
    """
    content = (
        json.dumps(manifest.model_dump(exclude_none=True), indent=1, sort_keys=True) + "\n"
    )
    write_atomically(directory / MANIFEST, content.encode())
    for path in directory.iterdir():
        ours = path.suffix == ".parquet" or path.name.startswith(".tmp-")
        if ours and path.name not in manifest.files:
            path.unlink(missing_ok=True)


def _first_line(error: Exception) -> str:
    return " ".join(str(error).split())[:200]

"""A dataset's manifest: which version this is, what it holds, what it was made from."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict, ValidationError

from pipeline.errors import DataError
from pipeline.tables.shards import MANIFEST, TableSet, sha256
from pipeline.tables.tables import table_of

FORMAT = "nn2vec dataset 1"
FIRST_VERSION = "1.0.0"
TABLES_FOLDER, CARD, CROISSANT = "tables", "card.md", "croissant.json"


class TableFacts(BaseModel):
    """One table of a version: its rows and bytes, a digest over its shards, its columns."""

    model_config = ConfigDict(frozen=True, extra="forbid")
    rows: int
    bytes: int
    digest: str
    columns: tuple[str, ...]


class Lineage(BaseModel):
    """The shelf a version was made from: its files, a digest over theirs, files by source."""

    model_config = ConfigDict(frozen=True, extra="forbid")
    files: int
    digest: str
    sources: dict[str, int]


class Manifest(BaseModel):
    """One version of a dataset. ``files``: path in the dataset's folder -> SHA-256.
    ``digest``: of all the rest of the manifest; those of earlier versions have none."""

    model_config = ConfigDict(frozen=True, extra="forbid")
    format: str = FORMAT
    name: str
    version: str
    parent: str | None
    git_revision: str | None
    default_codec: str
    parameters: dict[str, Any]
    tables: dict[str, TableFacts]
    lineage: Lineage
    statistics: dict[str, Any]
    files: dict[str, str]
    digest: str | None = None

    @property
    def rows(self) -> dict[str, int]:
        """Rows of every table."""
        return {name: facts.rows for name, facts in self.tables.items()}

    def to_json(self) -> bytes:
        """The same manifest is the same bytes."""
        plain = self.model_dump(exclude={"digest"} if self.digest is None else None)
        return (json.dumps(plain, indent=1, sort_keys=True) + "\n").encode()

    def sealed(self) -> Manifest:
        """The same with its digest."""
        bare = self.model_copy(update={"digest": None})
        return bare.model_copy(update={"digest": sha256(bare.to_json())})


def read_manifest(dataset: Path) -> Manifest:
    """The manifest in a dataset's folder. Raises DataError when missing or damaged."""
    path = dataset / MANIFEST
    try:
        manifest = Manifest.model_validate(json.loads(path.read_bytes()))
    except FileNotFoundError as e:
        raise DataError(f"{path}: missing; no dataset was registered here") from e
    except (OSError, ValueError, ValidationError) as e:
        raise DataError(f"{path}: no dataset's manifest: {' '.join(str(e).split())}") from e
    if manifest.format != FORMAT:
        raise DataError(f"{path}: format {manifest.format!r}, this version reads {FORMAT!r}")
    return manifest


def table_facts(tables: TableSet) -> dict[str, TableFacts]:
    """What a dataset's manifest says of each table of a set."""
    facts = {}
    for name, entry in tables.tables.items():
        schema = table_of(name).schema(entry.widths)
        facts[name] = TableFacts(
            rows=entry.rows,
            bytes=entry.bytes,
            digest=entry.digest,
            columns=tuple(f"{field.name} {field.type}" for field in schema),
        )
    return facts


def next_version(last: Manifest | None, tables: Mapping[str, TableFacts]) -> str:
    """The version of these tables: the last one's if no digest changed, else the next.

    Semantic versioning: a table or column that went, or changed its type, breaks queries
    (major); other rows, or a new table, do not (minor).
    """
    if last is None:
        return FIRST_VERSION
    if last.tables == tables:
        return last.version
    major, minor, _ = (int(part) for part in last.version.split("."))
    kept = (set(facts.columns) <= set(tables[name].columns) if name in tables else False
            for name, facts in last.tables.items())  # fmt: skip
    return f"{major}.{minor + 1}.0" if all(kept) else f"{major + 1}.0.0"

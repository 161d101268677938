"""Tables that pass the quality gate -> the current version of a dataset."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from pipeline.atomic import write_atomically
from pipeline.errors import DataError
from pipeline.registry.card import About, write_card
from pipeline.registry.croissant import describe_in_croissant
from pipeline.registry.manifest import (
    CARD,
    CROISSANT,
    TABLES_FOLDER,
    Manifest,
    next_version,
    read_manifest,
    table_facts,
)
from pipeline.registry.statistics import describe_tables, trace_lineage
from pipeline.registry.tags import git_revision
from pipeline.tables.publish import merge_table_sets, publish_tables
from pipeline.tables.quality import Bounds, Violation, check_quality
from pipeline.tables.read import read_tables
from pipeline.tables.shards import MANIFEST, TableSet, read_table_set, sha256

REQUIRED = ("files", "networks", "nodes", "edges", "attributes", "rejected")


class QualityError(DataError):
    """The quality gate failed; the last good version stays current."""

    def __init__(self, name: str, violations: Sequence[Violation]) -> None:
        self.violations = tuple(violations)
        reasons = "; ".join(str(violation) for violation in violations)
        super().__init__(
            f"dataset {name} is not registered, the last version stays: {reasons}"
        )


def register(
    dataset: Path | str,
    table_sets: Sequence[Path | str],
    about: About,
    parameters: Mapping[str, Any],
    default_codec: str,
    bounds: Bounds | None = None,
) -> Manifest:
    """Make the tables of one or several sets the current version of ``datasets/NAME``.

    The version rises only when a table's digest changed. Who queries the tables sees their
    version change with them, at one moment; card, Croissant and the manifest follow. Killed in
    between, ``verify`` says so, and registering again completes it. Raises QualityError when
    the quality gate fails, DataError for missing or damaged tables; then nothing has changed.
    """
    dataset = Path(dataset)
    sources = [Path(source) for source in table_sets]
    last = read_manifest(dataset) if (dataset / MANIFEST).exists() else None
    tables = _read_all(sources)
    _check(dataset.name, tables, last, bounds)
    merged = merge_table_sets(sources)
    manifest = _describe(dataset, tables, merged, last, parameters, default_codec)
    documents = _document(about, manifest, merged, tables)
    dataset.mkdir(parents=True, exist_ok=True)
    publish_tables(dataset / TABLES_FOLDER, sources, manifest.version, default_codec)
    for name, content in documents.items():
        write_atomically(dataset / name, content)
    files = _digests(merged) | {name: sha256(content) for name, content in documents.items()}
    manifest = manifest.model_copy(update={"files": files}).sealed()
    write_atomically(dataset / MANIFEST, manifest.to_json())
    return manifest


def _read_all(sources: Sequence[Path]) -> dict[str, pa.Table]:
    found: dict[str, list[pa.Table]] = {}
    for source in sources:
        for name, table in read_tables(source, list(read_table_set(source).tables)).items():
            found.setdefault(name, []).append(table)
    missing = [name for name in REQUIRED if name not in found]
    if missing:
        where = ", ".join(map(str, sources))
        raise DataError(f"{where}: a dataset needs the tables {', '.join(missing)} as well")
    return {name: pa.concat_tables(parts) for name, parts in found.items()}


def _check(
    name: str, tables: Mapping[str, pa.Table], last: Manifest | None, bounds: Bounds | None
) -> None:
    violations = check_quality(tables, last.rows if last else None, bounds)
    if violations:
        raise QualityError(name, violations)


def _describe(
    dataset: Path,
    tables: Mapping[str, pa.Table],
    merged: TableSet,
    last: Manifest | None,
    parameters: Mapping[str, Any],
    default_codec: str,
) -> Manifest:
    facts = table_facts(merged)
    version = next_version(last, facts)
    same = last is not None and version == last.version
    return Manifest(
        name=dataset.name,
        version=version,
        parent=(last.parent if same else last.version) if last else None,
        git_revision=last.git_revision if last and same else _revision(dataset),
        default_codec=default_codec,
        parameters=dict(parameters),
        tables=facts,
        lineage=trace_lineage(tables["files"]),
        statistics=describe_tables(tables),
        files={},
    )


def _revision(dataset: Path) -> str | None:
    existing = next(path for path in (dataset, *dataset.absolute().parents) if path.exists())
    return git_revision(existing)


def _document(
    about: About, manifest: Manifest, merged: TableSet, tables: Mapping[str, pa.Table]
) -> dict[str, bytes]:
    newest: datetime | None = pc.max(tables["files"]["harvested_at"]).as_py()
    croissant = describe_in_croissant(about, manifest, merged, newest)
    text = json.dumps(croissant, indent=1, ensure_ascii=False) + "\n"
    return {CARD: write_card(about, manifest).encode(), CROISSANT: text.encode()}


def _digests(merged: TableSet) -> dict[str, str]:
    shards = (shard for entry in merged.tables.values() for shard in entry.shards)
    return {f"{TABLES_FOLDER}/{shard.file}": shard.digest for shard in shards}

"""The datasets there are: listed, opened at a version, verified, compared."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from pipeline.errors import DataError
from pipeline.registry.manifest import (
    CARD,
    CROISSANT,
    TABLES_FOLDER,
    Manifest,
    read_manifest,
    table_facts,
)
from pipeline.registry.statistics import networks_by_source
from pipeline.registry.tags import resolve_revision
from pipeline.tables.read import read_tables
from pipeline.tables.shards import MANIFEST, read_table_set, sha256

PARTS = (MANIFEST, CARD, CROISSANT, TABLES_FOLDER)  # of a version; builds and shelves are none


@dataclass(frozen=True, slots=True)
class Difference:
    """How dataset ``after`` differs from ``before`` (name and version each).

    ``added`` and ``removed``: fingerprint -> name. ``rows`` and ``sources``: a table, or a
    source of networks -> the count before and after.
    """

    before: str
    after: str
    added: dict[str, str]
    removed: dict[str, str]
    rows: dict[str, tuple[int, int]]
    sources: dict[str, tuple[int, int]]


def list_datasets(datasets: Path | str) -> list[Manifest]:
    """The manifests of all registered datasets, by name."""
    return [
        read_manifest(path.parent) for path in sorted(Path(datasets).glob(f"*/{MANIFEST}"))
    ]


def show(datasets: Path | str, reference: str) -> Manifest:
    """The manifest of ``NAME`` or ``NAME@REVISION``. Raises DataError."""
    with opened(datasets, reference) as dataset:
        return read_manifest(dataset)


@contextmanager
def opened(datasets: Path | str, reference: str) -> Iterator[Path]:
    """The folder of ``NAME``, or of ``NAME@v1.0.0`` or ``NAME@COMMIT`` fetched for the moment.

    Raises DataError, naming the datasets there are, for one that is not there.
    """
    datasets = Path(datasets)
    name, _, revision = reference.partition("@")
    if not revision:
        yield find_dataset(datasets, name)
        return
    with TemporaryDirectory() as folder:
        yield _fetch(datasets, name, revision, Path(folder))


def find_dataset(datasets: Path | str, name: str) -> Path:
    """The folder of a registered dataset. Raises DataError, naming those there are."""
    folder = Path(datasets) / name
    if not (folder / MANIFEST).exists():
        known = ", ".join(manifest.name for manifest in list_datasets(datasets)) or "none"
        raise DataError(f"{datasets}: no dataset is named {name!r}; there are: {known}")
    return folder


def verify(dataset: Path | str) -> list[str]:
    """What is wrong with a dataset's files, a sentence each; nothing if all is right."""
    dataset = Path(dataset)
    manifest = read_manifest(dataset)
    problems = []
    for name, digest in sorted(manifest.files.items()):
        path = dataset / name
        if not path.exists():
            problems.append(f"{path}: missing")
        elif sha256(path.read_bytes()) != digest:
            problems.append(f"{path}: its digest is not the manifest's")
    if manifest.digest is not None and manifest != manifest.sealed():
        problems.append(f"{dataset / MANIFEST}: its own digest is another")
    return problems + _verify_tables(dataset, manifest)


def _verify_tables(dataset: Path, manifest: Manifest) -> list[str]:
    """Whether the set of tables is the one that the dataset's manifest describes."""
    where = dataset / TABLES_FOLDER / MANIFEST
    if not where.exists():
        return [f"{where}: missing"]
    tables = read_table_set(where.parent)
    described = {name for name in manifest.files if name.startswith(f"{TABLES_FOLDER}/")}
    held = {f"{TABLES_FOLDER}/{file}" for file in tables.files}
    problems = [
        f"{dataset / name}: not part of version {manifest.version}"
        for name in sorted(held - described)
    ]
    problems += [f"{where}: does not name {name}" for name in sorted(described - held)]
    facts = table_facts(tables)
    problems += [
        f"{where}: of {name} it says other than {MANIFEST} of version {manifest.version}"
        for name in sorted(facts.keys() | manifest.tables.keys())
        if facts.get(name) != manifest.tables.get(name)
    ]
    if tables.version not in (None, manifest.version):
        problems.append(f"{where}: of version {tables.version}, not {manifest.version}")
    if tables.default_codec not in (None, manifest.default_codec):
        problems.append(f"{where}: default codec {tables.default_codec}")
    return problems


def diff(datasets: Path | str, before: str, after: str) -> Difference:
    """Two datasets, or two versions of one, compared by fingerprint. Raises DataError."""
    with opened(datasets, before) as first, opened(datasets, after) as second:
        manifests = [read_manifest(path) for path in (first, second)]
        tables = [
            read_tables(p / TABLES_FOLDER, ["networks", "files"]) for p in (first, second)
        ]
    names = [
        dict(
            zip(*(t["networks"][c].to_pylist() for c in ("fingerprint", "name")), strict=True)
        )
        for t in tables
    ]
    rows = [manifest.rows for manifest in manifests]
    sources = [networks_by_source(t["files"]) for t in tables]
    return Difference(
        before=f"{manifests[0].name} {manifests[0].version}",
        after=f"{manifests[1].name} {manifests[1].version}",
        added={f: n for f, n in names[1].items() if f not in names[0]},
        removed={f: n for f, n in names[0].items() if f not in names[1]},
        rows=_side_by_side(*rows),
        sources=_side_by_side(*sources),
    )


def _side_by_side(before: dict[str, int], after: dict[str, int]) -> dict[str, tuple[int, int]]:
    return {key: (before.get(key, 0), after.get(key, 0)) for key in (before | after)}


def _fetch(datasets: Path, name: str, revision: str, folder: Path) -> Path:
    """A dataset's folder as it was at a revision, from Git and from DVC's cache or remote."""
    found = resolve_revision(datasets, f"{name}@{revision}", revision)
    if found is None:
        raise DataError(f"{datasets}: Git knows no version {name}@{revision}")
    root, commit = found
    from dvc.api import DVCFileSystem
    from dvc.exceptions import DvcException

    inside = (datasets.absolute() / name).resolve().relative_to(root.resolve()).as_posix()
    target = folder / name
    try:
        files = DVCFileSystem(str(root), rev=commit)
        if not files.exists(f"{inside}/{MANIFEST}"):
            raise DataError(f"{datasets}: no dataset {name} at revision {revision}")
        for part in filter(files.exists, (f"{inside}/{part}" for part in PARTS)):
            files.get(part, str(target / Path(part).name), recursive=True)
    except (DvcException, FileNotFoundError) as e:
        raise DataError(f"{datasets}: {name}@{revision} cannot be fetched: {e}") from e
    return target

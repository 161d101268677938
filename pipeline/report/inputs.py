"""What stands in the project, read once for the page; anything may be missing."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pyarrow as pa
import yaml

import pipeline
from pipeline.errors import DataError
from pipeline.places import DATASETS, ZOO, Places, places
from pipeline.registry.catalogue import find_dataset
from pipeline.registry.manifest import TABLES_FOLDER, Manifest, read_manifest
from pipeline.tables.read import read_tables
from pipeline.tables.shards import MANIFEST, read_table_set, sha256

METRICS = "metrics"  # of a registered dataset, or of the build
SHIPPED = Path(pipeline.__file__).parent / "codecs"
QUERIES = Path("datasets/queries")
UNUSED = {"edges", "attributes", "vertex_embeddings"}  # large, and nothing here shows them
Json = dict[str, Any]


@dataclass(frozen=True)
class Inputs:
    """Everything the page is made of.

    ``dataset``: its folder in the registry; ``tables`` by name, without the large ones;
    ``folder``: the table set with the networks, None where there is none; results by codec or
    network, ``zoo``: the committed ones, ``built``: those of this build; ``cards`` of the
    codecs by name.
    """

    root: Path
    dataset: Path
    manifest: Manifest | None = None
    folder: Path | None = None
    table_files: dict[str, list[Path]] = field(default_factory=dict)
    tables: dict[str, pa.Table] = field(default_factory=dict)
    digests: dict[str, str] = field(default_factory=dict)
    enas6: dict[str, Json] = field(default_factory=dict)
    zoo: dict[str, Json] = field(default_factory=dict)
    built: dict[str, Json] = field(default_factory=dict)
    roundtrip: dict[str, Json] = field(default_factory=dict)
    validation: Json | None = None
    cards: dict[str, Json] = field(default_factory=dict)
    default_codec: str | None = None


def read_inputs(root: Path, name: str | None = None) -> Inputs:
    """Read what there is under ``root`` of a registered dataset; without a name, of what the
    stages have built, or before they have, of the zoo. Raises DataError: not registered,
    damaged."""
    at = places(root)
    built = not name and (at.normalised / MANIFEST).exists()
    dataset = _dataset(root, at, name, built)
    registered = not built and (dataset / MANIFEST).exists()
    manifest = read_manifest(dataset) if registered else None
    sets = [dataset / TABLES_FOLDER] if manifest else _unregistered(at)
    tables = _read(sets)
    measured = (dataset if manifest else at.build) / METRICS
    metrics = _by_name(measured.glob("*.json"))
    retrained = _by_name(measured.glob("retrain-*/*.json"))
    # What was measured of the whole zoo says nothing of another dataset.
    of_zoo, cards = dataset.name == ZOO, _cards(at)
    return Inputs(
        root=root,
        dataset=dataset,
        manifest=manifest,
        folder=sets[0] if "networks" in tables else None,
        table_files=_files(sets),
        tables=tables,
        digests=_digests(sets),
        enas6=_by_name((root / "results/enas6").glob("*.json")),
        zoo=_by_name((root / "results/zoo").glob("*.json")) if of_zoo else {},
        built={name: r for name, r in metrics.items() if "exact_from_vectors" in r},
        # The committed table, else what this build has trained for a few epochs.
        roundtrip=retrained
        | (_by_name((root / "results/roundtrip").glob("*.json")) if of_zoo else {}),
        validation=metrics.get("validate"),
        cards=cards if of_zoo else {n: c for n, c in cards.items() if n in _codecs(tables)},
        default_codec=manifest.default_codec if manifest else _default_codec(root, tables),
    )


def is_empty(root: Path) -> bool:
    """Whether a project has neither tables, registered or built, nor results."""
    tables = [places(root, ZOO).folder / MANIFEST, places(root).normalised / MANIFEST]
    return not any(path.exists() for path in (*tables, root / "results"))


def codec_folder(root: Path, name: str) -> Path | None:
    """Where a codec's card and weights stand: trained here, or shipped."""
    folders = (places(root).codecs / name, SHIPPED)
    return next((f for f in folders if (f / f"{name}.json").exists()), None)


def _dataset(root: Path, at: Places, name: str | None, built: bool) -> Path:
    if name:
        return find_dataset(root / DATASETS, name)
    return at.folder if built else places(root, ZOO).folder


def _unregistered(at: Places) -> list[Path]:
    """The tables that the stages have written so far."""
    folders = [at.normalised, *sorted(at.embeddings.glob("*"))]
    return [folder for folder in folders if (folder / MANIFEST).exists()]


def _read(sets: Iterable[Path]) -> dict[str, pa.Table]:
    found: dict[str, list[pa.Table]] = {}
    for folder in sets:
        names = [n for n in read_table_set(folder).tables if n not in UNUSED]
        for name, table in read_tables(folder, names).items():
            found.setdefault(name, []).append(table)
    # Widths of vectors may differ between codecs: such tables do not concatenate as they are.
    return {n: pa.concat_tables(p, promote_options="permissive") for n, p in found.items()}


def _files(sets: Iterable[Path]) -> dict[str, list[Path]]:
    files: dict[str, list[Path]] = {}
    for folder in sets:
        for name, entry in read_table_set(folder).tables.items():
            files.setdefault(name, []).extend(folder / shard.file for shard in entry.shards)
    return files


def _digests(sets: Iterable[Path]) -> dict[str, str]:
    """Table name -> digest over its shards in all sets."""
    found: dict[str, list[str]] = {}
    for folder in sets:
        for name, entry in read_table_set(folder).tables.items():
            found.setdefault(name, []).extend(shard.digest for shard in entry.shards)
    return {name: sha256("\n".join(shards).encode()) for name, shards in found.items()}


def _by_name(paths: Iterable[Path]) -> dict[str, Json]:
    """Result files by their names: the codec's, or the network's."""
    return {path.stem: _results(path) for path in sorted(paths)}


def _results(path: Path) -> Json:
    try:
        plain = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as e:
        raise DataError(f"{path}: damaged: {e}") from e
    if not isinstance(plain, dict):
        raise DataError(f"{path}: damaged: not an object")
    return plain


def _cards(at: Places) -> dict[str, Json]:
    return _by_name(SHIPPED.glob("*.json")) | _by_name(at.codecs.glob("*/*.json"))


def _codecs(tables: dict[str, pa.Table]) -> set[str]:
    """The codecs whose vectors a dataset holds."""
    table = tables.get("graph_embeddings")
    return set() if table is None else set(table["codec"].to_pylist())


def _default_codec(root: Path, tables: dict[str, pa.Table]) -> str | None:
    """params.yaml's, where it has vectors; else the first that has."""
    if "graph_embeddings" not in tables:
        return None
    known = sorted(set(tables["graph_embeddings"]["codec"].to_pylist()))
    file = root / "params.yaml"
    wanted = yaml.safe_load(file.read_text()) if file.exists() else None
    named = wanted.get("default_codec") if isinstance(wanted, dict) else None
    return named if named in known else next(iter(known), None)

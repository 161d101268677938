"""Shelf -> tables: every skeleton read into a network, duplicates folded, refusals kept."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pyarrow as pa
from pydantic import BaseModel, ConfigDict, Field

from pipeline.errors import ModelError
from pipeline.harvest.isolation import Job, Limits, run_isolated
from pipeline.harvest.records import FileRecord
from pipeline.harvest.shelf import Shelf
from pipeline.operators.read_onnx import read_skeleton_network
from pipeline.operators.shapes import infer_layers
from pipeline.progress import track
from pipeline.tables.describe import describe
from pipeline.tables.groups import group_of
from pipeline.tables.networks import network_rows
from pipeline.tables.outcomes import Outcome, OutcomeCache, gather_rows
from pipeline.tables.split import split_rows

STAGE = "normalise"
AT_ONCE = 64  # networks whose rows are held together


class NormaliseParams(BaseModel):
    """Section ``normalise`` of params.yaml. ``max_vertices``: larger networks are refused.

    ``processes`` read at once; a skeleton that takes more processor ``seconds``, or more
    memory, is refused.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    max_vertices: int = Field(default=20_000, ge=2)
    processes: int = Field(default=2, ge=1)
    seconds: float = Field(default=120.0, gt=0)
    memory_gib: float = Field(default=2.0, gt=0)


@dataclass(frozen=True)
class Normalised:
    """``facts``: rows of files, networks, splits and rejected. ``graphs``: the rows of nodes,
    edges and attributes, of some networks at a time, in the order of their fingerprints."""

    facts: dict[str, list[dict[str, Any]]]
    graphs: Iterable[dict[str, pa.Table]]


def normalise(
    shelf: Shelf,
    params: NormaliseParams,
    cache: Path | None = None,
    moved: Mapping[str, str] | None = None,
) -> Normalised:
    """Every skeleton on the shelf -> the rows of the tables. Touches no file but ``cache``,
    where outcomes of earlier runs are taken from, and rows wait until they are asked for; a
    folder that goes with them unless one is given. ``moved``: fingerprint -> group of the
    networks that stand with a near relative.

    The rows do not depend on the order of the shelf nor on the number of processes.
    """
    scratch = None if cache else TemporaryDirectory(prefix="nn2vec-")
    kept = OutcomeCache(cache or Path(scratch.name), params.max_vertices)  # type: ignore[union-attr]
    files = shelf.files()
    outcomes = _read_all(shelf, {record.skeleton_digest for record in files}, params, kept)
    firsts: dict[str, tuple[FileRecord, Outcome]] = {}
    for record in sorted(files, key=_precedence):
        outcome = outcomes[record.skeleton_digest]
        if outcome.fingerprint is not None:
            firsts.setdefault(outcome.fingerprint, (record, outcome))
    groups = {
        fingerprint: (moved or {}).get(fingerprint) or group_of(record.name)
        for fingerprint, (record, _) in firsts.items()
    }
    networks = [
        {**outcome.facts, "name": record.name, "family": record.family, "group": groups[f]}
        for f, (record, outcome) in firsts.items()
    ]
    facts = {
        "networks": networks,
        "splits": split_rows(groups.values()),
        "files": [_file_row(r, outcomes[r.skeleton_digest].fingerprint) for r in files],
        "rejected": list(_rejections(shelf, files, outcomes)),
    }
    digests = [firsts[fingerprint][0].skeleton_digest for fingerprint in sorted(firsts)]
    return Normalised(facts, _graphs(kept, digests, scratch))


def _graphs(
    kept: OutcomeCache, digests: Sequence[str], scratch: object
) -> Iterator[dict[str, pa.Table]]:
    """The rows of networks, AT_ONCE together. ``scratch`` lives as long as they are read."""
    for start in range(0, max(len(digests), 1), AT_ONCE):  # of no network: tables without rows
        yield gather_rows(map(kept.again, digests[start : start + AT_ONCE]))


def read_skeleton_file(shelf_root: str, digest: str, max_vertices: int) -> Outcome:
    """One skeleton of the shelf -> its outcome, a refusal for a ModelError. To be run where
    anything else that a stranger's file may cause is contained."""
    try:
        network = read_skeleton_network(Shelf(shelf_root).skeleton(digest))
        if len(network) > max_vertices:
            raise ModelError("too_large", f"{len(network)} vertices, at most {max_vertices}")
        layers = infer_layers(network)
    except ModelError as e:
        return Outcome(reason=e.reason, detail=e.detail)
    rows = network_rows(network, [layer.outputs[0].shape for layer in layers])
    return Outcome(describe(network, layers), rows)


def _read_all(
    shelf: Shelf, digests: set[str], params: NormaliseParams, kept: OutcomeCache
) -> dict[str, Outcome]:
    """Each skeleton's outcome without its rows, which are kept: from before, or read now."""
    found = {}
    for digest in digests:
        if outcome := kept.get(digest):
            found[digest] = replace(outcome, rows={})
    missing = sorted(digests - found.keys())
    read = partial(_read, kept, str(shelf.root), params.max_vertices)
    job: Job[str, bytes] = Job(read, Limits(params.seconds, params.memory_gib))
    results = run_isolated(job, missing, min(params.processes, len(missing)))
    for digest, result in track(results, STAGE, len(missing)):
        if isinstance(result, ModelError):  # the process was ended, or found a defect of ours
            found[digest] = Outcome(reason=result.reason, detail=result.detail)
        else:
            found[digest] = Outcome.from_bytes(result)
    return found


def _read(kept: OutcomeCache, root: str, max_vertices: int, digest: str) -> bytes:
    outcome = read_skeleton_file(root, digest, max_vertices)
    kept.put(digest, outcome.to_bytes())
    return replace(outcome, rows={}).to_bytes()


def _precedence(record: FileRecord) -> tuple[str, str, str]:
    """Whose name a network gets when several files hold it."""
    return (str(record.source != "torchvision_zoo"), record.source, record.address)


def _file_row(record: FileRecord, fingerprint: str | None) -> dict[str, Any]:
    names = ("file_digest", "address", "source", "licence", "bytes", "opset", "producer")
    row: dict[str, Any] = {name: getattr(record, name) for name in names}
    row["fingerprint"] = fingerprint
    row["harvested_at"] = datetime.fromisoformat(record.harvested_at).replace(tzinfo=None)
    return row


def _rejections(
    shelf: Shelf, files: Sequence[FileRecord], outcomes: Mapping[str, Outcome]
) -> Iterator[dict[str, Any]]:
    for refusal in shelf.refusals():
        yield {
            "file_digest": "",
            "address": refusal.address,
            "stage": refusal.stage,
            "reason": refusal.reason,
            "detail": refusal.detail,
        }
    for record in files:
        outcome = outcomes[record.skeleton_digest]
        if outcome.reason:
            yield {
                "file_digest": record.file_digest,
                "address": record.address,
                "stage": STAGE,
                "reason": outcome.reason,
                "detail": outcome.detail,
            }

"""Shelf -> tables: every skeleton read into a network, duplicates folded, refusals kept."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from functools import partial
from pathlib import Path
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


def normalise(
    shelf: Shelf,
    params: NormaliseParams,
    cache: Path | None = None,
    moved: Mapping[str, str] | None = None,
) -> dict[str, pa.Table | list[dict[str, Any]]]:
    """Every skeleton on the shelf -> rows of files, networks, nodes, edges, attributes,
    rejected, splits. Touches no file but ``cache``, where outcomes of earlier runs are taken
    from. ``moved``: fingerprint -> group of the networks that stand with a near relative.

    The rows do not depend on the order of the shelf nor on the number of processes.
    """
    files = shelf.files()
    outcomes = _read_all(shelf, {record.skeleton_digest for record in files}, params, cache)
    firsts: dict[str, tuple[FileRecord, Outcome]] = {}
    for record in sorted(files, key=_precedence):
        outcome = outcomes[record.skeleton_digest]
        if outcome.fingerprint is not None:
            firsts.setdefault(outcome.fingerprint, (record, outcome))
    rows: dict[str, Any] = dict(gather_rows(firsts[f][1] for f in sorted(firsts)))
    groups = {
        fingerprint: (moved or {}).get(fingerprint) or group_of(record.name)
        for fingerprint, (record, _) in firsts.items()
    }
    rows["networks"] = [
        {**outcome.facts, "name": record.name, "family": record.family, "group": groups[f]}
        for f, (record, outcome) in firsts.items()
    ]
    rows["splits"] = split_rows(groups.values())
    rows["files"] = [_file_row(r, outcomes[r.skeleton_digest].fingerprint) for r in files]
    rows["rejected"] = list(_rejections(shelf, files, outcomes))
    return rows


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
    shelf: Shelf, digests: set[str], params: NormaliseParams, cache: Path | None
) -> dict[str, Outcome]:
    """Each skeleton's outcome: from the cache, else read, and then cached."""
    kept = OutcomeCache(cache, params.max_vertices) if cache else None
    outcomes = {digest: kept.get(digest) for digest in digests} if kept else {}
    found = {digest: outcome for digest, outcome in outcomes.items() if outcome is not None}
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


def _read(kept: OutcomeCache | None, root: str, max_vertices: int, digest: str) -> bytes:
    content = read_skeleton_file(root, digest, max_vertices).to_bytes()
    if kept:
        kept.put(digest, content)
    return content


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

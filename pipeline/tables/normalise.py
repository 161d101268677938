"""Shelf -> tables: every skeleton read into a network, duplicates folded, refusals kept."""

from __future__ import annotations

import hashlib
import json
import zlib
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import asdict, dataclass
from datetime import datetime
from functools import partial
from math import prod
from pathlib import Path
from typing import Any

import pyarrow as pa
from pydantic import BaseModel, ConfigDict, Field

from pipeline.errors import ModelError
from pipeline.graph import json_form
from pipeline.graph.network import INPUT, OUTPUT, Network, Shape
from pipeline.harvest.atomic import write_atomically
from pipeline.harvest.records import FileRecord
from pipeline.harvest.shelf import Shelf
from pipeline.operators.read_onnx import read_skeleton_network
from pipeline.operators.registry import registered
from pipeline.operators.shapes import infer_layers
from pipeline.progress import track
from pipeline.tables.describe import network_facts
from pipeline.tables.networks import networks_rows

STAGE = "normalise"
NOT_TRAINED = ("running_mean", "running_var")


class NormaliseParams(BaseModel):
    """Section ``normalise`` of params.yaml. ``max_vertices``: larger networks are refused."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    max_vertices: int = Field(default=20_000, ge=2)
    processes: int = Field(default=2, ge=1)


@dataclass(frozen=True)
class Outcome:
    """What one skeleton gave: a network with its shapes and parameters, or a refusal."""

    network: str = ""
    shapes: tuple[Shape, ...] = ()
    parameters: int = 0
    reason: str = ""
    detail: str = ""


def normalise(
    shelf: Shelf, params: NormaliseParams, cache: Path | None = None
) -> dict[str, pa.Table | list[dict[str, Any]]]:
    """Every skeleton on the shelf -> rows of files, networks, nodes, edges, attributes,
    rejected. Touches no file but ``cache``, where outcomes of earlier runs are taken from.

    The rows do not depend on the order of the shelf nor on the number of processes.
    """
    files = shelf.files()
    digests = sorted({record.skeleton_digest for record in files})
    outcomes = dict(zip(digests, _read_all(shelf, digests, params, cache), strict=True))
    networks = {d: json_form.from_json(o.network) for d, o in outcomes.items() if o.network}
    firsts: dict[str, tuple[FileRecord, str]] = {}
    for record in sorted(files, key=_precedence):
        network = networks.get(record.skeleton_digest)
        if network is not None:
            firsts.setdefault(network.fingerprint, (record, record.skeleton_digest))
    kept = [(networks[d], outcomes[d].shapes) for _, (_, d) in sorted(firsts.items())]
    rows: dict[str, Any] = dict(networks_rows(kept))
    rows["networks"] = [
        _network_row(networks[d], outcomes[d], record) for record, d in firsts.values()
    ]
    rows["files"] = [_file_row(r, networks.get(r.skeleton_digest)) for r in files]
    rows["rejected"] = list(_rejections(shelf, files, outcomes))
    return rows


def read_skeleton_file(shelf_root: str, digest: str, max_vertices: int) -> Outcome:
    """One skeleton of the shelf -> its outcome. Only ModelError becomes a refusal."""
    try:
        network = read_skeleton_network(Shelf(shelf_root).skeleton(digest))
        if len(network) > max_vertices:
            raise ModelError("too_large", f"{len(network)} vertices, at most {max_vertices}")
        layers = infer_layers(network)
    except ModelError as e:
        return Outcome(reason=e.reason, detail=e.detail)
    trained = sum(
        prod(tensor.shape)
        for layer in layers
        for formal, tensor in layer.parameters.items()
        if not layer.parameter_name(formal).endswith(NOT_TRAINED)
    )
    shapes = tuple(layer.outputs[0].shape for layer in layers)
    return Outcome(json_form.to_json(network), shapes, trained)


def _read_all(
    shelf: Shelf, digests: Sequence[str], params: NormaliseParams, cache: Path | None
) -> Iterator[Outcome]:
    read = partial(_cached, cache, str(shelf.root), params.max_vertices)
    if params.processes == 1:
        yield from map(read, track(digests, STAGE))
        return
    with ProcessPoolExecutor(params.processes) as pool:
        yield from track(pool.map(read, digests), STAGE, len(digests))


def _cached(cache: Path | None, root: str, max_vertices: int, digest: str) -> Outcome:
    if cache is None:
        return read_skeleton_file(root, digest, max_vertices)
    path = cache / f"{reader_version()}-{max_vertices}" / f"{digest}.z"
    try:
        plain = json.loads(zlib.decompress(path.read_bytes()))
        return Outcome(**(plain | {"shapes": tuple(map(tuple, plain["shapes"]))}))
    except FileNotFoundError:
        pass
    except (ValueError, zlib.error, TypeError, KeyError):
        path.unlink(missing_ok=True)  # a damaged cache entry is only read anew
    outcome = read_skeleton_file(root, digest, max_vertices)
    write_atomically(path, zlib.compress(json.dumps(asdict(outcome)).encode()))
    return outcome


def reader_version() -> str:
    """A digest of the code that reads networks: other code, other cache."""
    root = Path(__file__).parent.parent
    digest = hashlib.sha256()
    for folder in ("graph", "operators"):
        for source in sorted((root / folder).glob("*.py")):
            digest.update(source.read_bytes())
    return digest.hexdigest()[:16]


def _precedence(record: FileRecord) -> tuple[str, str, str]:
    """Whose name a network gets when several files hold it."""
    return (str(record.source != "torchvision_zoo"), record.source, record.address)


def _network_row(network: Network, outcome: Outcome, record: FileRecord) -> dict[str, Any]:
    paper = {o.name for o in registered().values() if o.paper} | {INPUT, OUTPUT}
    return network_facts(
        network,
        outcome.shapes,
        name=record.name,
        family=record.family,
        parameters=outcome.parameters,
        paper_operators_only=all(v.operator in paper for v in network.vertices),
    )


def _file_row(record: FileRecord, network: Network | None) -> dict[str, Any]:
    names = ("file_digest", "address", "source", "licence", "bytes", "opset", "producer")
    row: dict[str, Any] = {name: getattr(record, name) for name in names}
    row["fingerprint"] = network.fingerprint if network else None
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

"""How well a codec restores the networks of the zoo: the metrics of results/zoo/CODEC.json.

Networks are split by family, so every network measured here is of a family that training never
saw.
"""

from __future__ import annotations

import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from pydantic import BaseModel, ConfigDict, Field

from pipeline.compress.split import SplitParams, is_held_out
from pipeline.decode.codec import Code, Codec, restore
from pipeline.decode.repair import Repaired, repair
from pipeline.errors import ModelError
from pipeline.evaluate.prior import Prior
from pipeline.evaluate.runs import runs
from pipeline.graph.json_form import to_json
from pipeline.graph.network import Network, Vertex
from pipeline.progress import track


class ZooEvaluation(BaseModel):
    """Section ``evaluate``: how many decoded networks are run, and how many drawn ones."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    run: int = Field(default=20, ge=0)
    prior: int = Field(default=50, ge=0)
    prior_vertices: int = Field(default=48, ge=3)
    seed: int = 0


@dataclass(frozen=True)
class Restored:
    """What became of one network: its code, its draft, and the network the vectors give."""

    code: Code
    draft: list[Vertex]
    repaired: Repaired


def evaluate_zoo(
    codec: Codec,
    networks: Mapping[str, Network],
    families: Mapping[str, str],
    split: SplitParams,
    params: ZooEvaluation,
) -> dict[str, Any]:
    """All networks and their families by fingerprint -> the metrics of the held-out ones."""
    held_out = {f: n for f, n in networks.items() if is_held_out(families[f], split)}
    restored = {}
    for fingerprint, network in track(list(held_out.items()), f"evaluate {codec.name}"):
        code = codec.encode(network)
        draft = codec.draft(code.latents)
        restored[fingerprint] = Restored(code, draft, restore(draft, fingerprint))
    patches = np.array([len(r.code.patch) for r in restored.values()] or [0])
    exact = [r.repaired.network == held_out[f] for f, r in restored.items()]
    with_patch = [  # without a patch, decoding is what was done already
        (codec.decode(r.code) if r.code.patch else r.repaired.network) == held_out[f]
        for f, r in restored.items()
    ]
    own = sum(len(zlib.compress(to_json(n).encode(), 9)) for n in held_out.values())
    return {
        "networks": len(held_out),
        "families": sorted({families[f] for f in held_out}),
        "vertices": sum(map(len, held_out.values())),
        "exact_from_vectors": _share(exact),
        "exact_with_patch": _share(with_patch),
        **measure_vertices(restored, held_out),
        "patch_bytes_median": float(np.median(patches)),
        "patch_bytes_p95": float(np.percentile(patches, 95)),
        "patch_empty": _share(patches == 0),
        "patch_bytes_total": int(patches.sum()),
        "json_zlib_bytes_total": own,
        **measure_runs(restored, params),
        **measure_prior(codec, [r.code for r in restored.values()], params),
        **measure_neighbours(codec, networks, families, held_out),
    }


def measure_vertices(
    restored: Mapping[str, Restored], networks: Mapping[str, Network]
) -> dict[str, float]:
    """Shares of vertices whose operator, attributes, operands, or all of them are exact."""
    counts = np.zeros(4)
    for fingerprint, one in restored.items():
        for made, vertex in zip(one.draft, networks[fingerprint].vertices, strict=True):
            same = (
                made.operator == vertex.operator,
                repr(made.attributes) == repr(vertex.attributes),
                made.operands == vertex.operands,
            )
            counts += (*same, all(same))
    total = max(1, sum(map(len, networks.values())))
    names = ("operator_exact", "attributes_exact", "adjacency_exact", "vertex_exact")
    return dict(zip(names, (counts / total).tolist(), strict=True))


def measure_runs(restored: Mapping[str, Restored], params: ZooEvaluation) -> dict[str, Any]:
    """Share of networks from the vectors alone, repaired, that run; smallest come first."""
    chosen = sorted(restored.values(), key=lambda r: len(r.draft))[: params.run]
    found = [runs(r.repaired.network) for r in track(chosen, "run decoded networks")]
    edits = sum(len(r.repaired.edits) for r in restored.values())
    return {
        "runs": _share([reason is None for reason in found]),
        "runs_measured": len(found),
        "runs_failures": sorted({reason for reason in found if reason}),
        "repair_edits": edits,
    }


def measure_prior(
    codec: Codec, codes: Sequence[Code], params: ZooEvaluation
) -> dict[str, Any]:
    """Vectors from nowhere, decoded and repaired: the share that runs and the repairs that it
    takes."""
    if not codes or not params.prior:
        return {"prior_runs": None, "prior_networks": 0}
    random = np.random.default_rng(params.seed)
    prior = Prior.of(codes)
    failures, edits = [], 0
    for _ in track(range(params.prior), "run drawn networks"):
        try:
            drawn = codec.draft(prior.draw(params.prior_vertices, random))
            repaired = repair(drawn)
        except ModelError as e:
            failures.append(e.reason)
            continue
        edits += len(repaired.edits)
        failures.append(runs(repaired.network) or "")
    return {
        "prior_runs": _share([not reason for reason in failures]),
        "prior_networks": params.prior,
        "prior_edits_per_network": edits / params.prior,
        "prior_failures": sorted({reason for reason in failures if reason}),
    }


def measure_neighbours(
    codec: Codec,
    networks: Mapping[str, Network],
    families: Mapping[str, str],
    held_out: Mapping[str, Network],
    most: int = 5,
) -> dict[str, Any]:
    """Share of nearest neighbours (cosine, all networks) that are of a held-out network's own
    family; families of one network have none and are left out."""
    names = list(networks)
    vectors = np.stack([codec.projection.vector(networks[f]) for f in names])
    vectors /= np.maximum(np.linalg.norm(vectors, axis=1, keepdims=True), 1e-9)
    sizes = {f: sum(families[g] == families[f] for g in names) for f in held_out}
    first, several = [], []
    for fingerprint in (f for f, size in sizes.items() if size > 1):
        near = np.argsort(-(vectors @ vectors[names.index(fingerprint)]), kind="stable")
        others = [names[i] for i in near if names[i] != fingerprint]
        k = min(most, sizes[fingerprint] - 1)
        same = [families[o] == families[fingerprint] for o in others[:k]]
        first.append(same[0])
        several.append(sum(same) / k)
    return {
        "nearest_of_family": _share(first),
        "neighbours_of_family": float(np.mean(several)) if several else None,
        "neighbours_measured": len(first),
    }


def _share(found: Sequence[bool] | np.ndarray) -> float | None:
    return float(np.mean(found)) if len(found) else None

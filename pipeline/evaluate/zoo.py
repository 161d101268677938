"""How good a codec's vectors are: the metrics of results/zoo/CODEC.json.

Everything is measured on networks of groups that training never saw (the zoo's split), and on
the vectors that are stored. Real networks and sampled ones are told apart.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from pydantic import BaseModel, ConfigDict, NonNegativeInt

from pipeline.decode.codec import accept_or_repair
from pipeline.decode.program_codec import ProgramCodec
from pipeline.evaluate.intervals import share
from pipeline.evaluate.neighbours import measure_distances, measure_retrieval
from pipeline.evaluate.nothing_learned import measure_nothing_learned
from pipeline.evaluate.restoring import (
    Restored,
    is_network,
    measure_bits,
    measure_exactness,
    measure_robustness,
    restore_all,
)
from pipeline.evaluate.runs import runs
from pipeline.evaluate.smoothness import measure_halfway, measure_prior
from pipeline.graph.network import Network
from pipeline.progress import track
from pipeline.tables.groups import kind_of
from pipeline.tables.split import Split


class ZooEvaluation(BaseModel):
    """Section ``evaluate``: how many cases each measure takes; 0 for ``networks`` is all.

    ``run``: networks from their vectors that are run, and as many drawn ones; ``noise``:
    networks whose vectors are disturbed; ``smooth``: networks of which the smooth part alone
    is decoded, as it is and after ``steps`` of refining; ``queries``: networks that are
    searched for by another spelling and by an edited one.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    networks: NonNegativeInt = 0
    run: NonNegativeInt = 20
    noise: NonNegativeInt = 100
    smooth: NonNegativeInt = 100
    steps: NonNegativeInt = 100
    pairs: NonNegativeInt = 200
    prior: NonNegativeInt = 200
    distances: NonNegativeInt = 2500
    queries: NonNegativeInt = 200
    seed: int = 0


def evaluate_zoo(
    codec: ProgramCodec,
    networks: Mapping[str, Network],
    names: Mapping[str, str],
    split: Split,
    params: ZooEvaluation,
) -> dict[str, Any]:
    """All networks and their names by fingerprint -> the metrics of the held-out ones."""
    random = np.random.default_rng(params.seed)
    held_out = {f: n for f, n in networks.items() if split.part_of(f) == "test"}
    training = {f: n for f, n in networks.items() if f not in held_out}
    if params.networks:
        kept = _some(sorted(held_out), params.networks, random)
        held_out = {f: held_out[f] for f in kept}
    kinds = {f: kind_of(names[f]) for f in held_out}
    restored = restore_all(codec, held_out, kinds)
    found, means = [r.network for r in restored], [r.mean for r in restored]
    groups = [split.groups[network.fingerprint] for network in found]
    return {
        "networks": len(held_out),
        "real_networks": sum(kind == "real" for kind in kinds.values()),
        "groups": sorted(set(groups)),
        "vertices": sum(map(len, held_out.values())),
        "width": codec.width,
        "smooth_width": codec.smooth,
        **measure_exactness(codec, restored),
        **measure_bits(restored),
        **measure_nothing_learned(
            list(held_out.values()), list(training.values()), codec.vocabulary, codec.width
        ),
        **_smooth_alone(codec, _some(restored, params.smooth, random), params.steps),
        **measure_robustness(codec, _some(restored, params.noise, random), random),
        **measure_halfway(codec, restored, groups, params.pairs, random),
        **measure_prior(codec, set(training), params.prior, params.run, random),
        **measure_distances(found, means, params.distances, random),
        **measure_retrieval(codec, found, means, params.queries, random),
        **_measure_runs(codec, _some(restored, params.run, random)),
    }


def _smooth_alone(
    codec: ProgramCodec, restored: Sequence[Restored], steps: int
) -> dict[str, Any]:
    """Shares exact from the smooth part alone: the encoder's, and refined for ``steps``."""
    networks = [r.network for r in restored]
    found: dict[str, Any] = {}
    if not networks:
        return found
    tokens = [codec.tokens(network) for network in networks]
    for name, count in (("exact_smooth", 0), ("exact_smooth_refined", steps)):
        smooth = codec.smooth_parts(networks, count)
        drafts = codec.likeliest(smooth, [len(row) for row in tokens], patience=None)
        found[name] = share([is_network(d, n) for d, n in zip(drafts, networks, strict=True)])
        bits = list(map(codec.bits, smooth, tokens))
        found[f"{name}_bits_median"] = float(np.median(bits))
    return found


def _measure_runs(codec: ProgramCodec, restored: Sequence[Restored]) -> dict[str, Any]:
    """Share of networks from their vectors alone, repaired, that run."""
    drafts = codec.drafts([r.code.vector for r in restored])
    found = [
        runs(accept_or_repair(draft).network)
        for draft in track(drafts, "run decoded networks")
    ]
    return {
        "runs": share([reason is None for reason in found]),
        "runs_failures": sorted({reason for reason in found if reason}),
    }


def _some(items: Sequence[Any], count: int, random: np.random.Generator) -> list[Any]:
    """A random sample, in the order of the whole."""
    chosen = sorted(random.permutation(len(items))[:count].tolist())
    return [items[i] for i in chosen]

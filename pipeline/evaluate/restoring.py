"""How exactly a codec restores held-out networks, in how many bits, under what noise."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np
import torch

from pipeline.decode.code import Code
from pipeline.decode.codec import Draft
from pipeline.decode.program_codec import AT_ONCE, ProgramCodec
from pipeline.decode.quantiles import deviations
from pipeline.errors import ModelError
from pipeline.evaluate.intervals import share
from pipeline.graph.network import Network
from pipeline.progress import track
from pipeline.tables.groups import Kind

SIZES = (0, 50, 100, 200, 400, 800, 1 << 30)  # vertices, bounds of the rows by size
NOISE = (0.01, 0.1, 0.5)  # posterior deviations


@dataclass(frozen=True)
class Restored:
    """One held-out network, its code, and what its vector alone says; nothing where bits are
    left over to a residual: without these a vector cannot give the network."""

    network: Network
    kind: Kind
    code: Code
    draft: Draft
    mean: np.ndarray  # (smooth,): of the smooth part's posterior
    deviation: np.ndarray  # (smooth,)

    @property
    def divergence(self) -> float:
        """Bits: of the smooth part's posterior from N(0, I)."""
        return float(divergence_bits(self.mean[None], self.deviation[None])[0])

    @property
    def exact(self) -> bool:
        """Whether the vector alone gives the very network, without any repair."""
        return is_network(self.draft, self.network)


def is_network(draft: Draft | None, network: Network) -> bool:
    """Whether a draft is this very network."""
    try:
        return Network(draft or ()).fingerprint == network.fingerprint
    except ModelError:
        return False


def restore_all(
    codec: ProgramCodec, networks: Mapping[str, Network], kinds: Mapping[str, Kind]
) -> list[Restored]:
    """Networks and their kinds by fingerprint -> each through its vector and back."""
    restored: list[Restored] = []
    names = sorted(networks, key=lambda f: len(networks[f]))  # like sizes are decoded together
    starts = range(0, len(names), AT_ONCE)
    for start in track(starts, f"restore by {codec.name}, {AT_ONCE} at a time"):
        part = [networks[f] for f in names[start : start + AT_ONCE]]
        means, spread = codec.posterior(part)
        codes = codec.codes(part, means)
        whole = [place for place, code in enumerate(codes) if not code.bits]
        sizes = [len(codec.tokens(part[place])) for place in whole]
        said = iter(codec.spelled([codes[place].vector for place in whole], sizes))
        drafts = [() if code.bits else next(said) for code in codes]
        found = [kinds[network.fingerprint] for network in part]
        restored += map(Restored, part, found, codes, drafts, means, spread)
    return restored


def divergence_bits(means: np.ndarray, spread: np.ndarray) -> np.ndarray:
    """(n, d) means and deviations -> (n,) bits of the KL divergence from N(0, I)."""
    nats = (means**2 + spread**2 - 2 * np.log(spread) - 1).sum(1) / 2
    return nats / np.log(2)


def measure_exactness(codec: ProgramCodec, restored: Sequence[Restored]) -> dict[str, Any]:
    """Shares exact: all, by kind, by size, and with the residual."""
    by_size = {
        f"{low}-{high - 1}" if high < 1 << 30 else f"{low}-": share(
            [r.exact for r in restored if low <= len(r.network) < high]
        )
        for low, high in pairwise(SIZES)
    }
    rest = [r for r in restored if r.code.bits]
    said = codec.drafts_with_residuals([r.code for r in rest])
    lossless = [is_network(draft, r.network) for draft, r in zip(said, rest, strict=True)]
    return {
        "exact": share([r.exact for r in restored]),
        "exact_real": share([r.exact for r in restored if r.kind == "real"]),
        "exact_real_small": share([r.exact for r in restored if r.kind == "real_small"]),
        "exact_sampled": share([r.exact for r in restored if r.kind == "sampled"]),
        "exact_by_vertices": by_size,
        "exact_with_residual": share(
            [*(r.exact for r in restored if not r.code.bits), *lossless]
        ),
    }


def measure_bits(restored: Sequence[Restored]) -> dict[str, Any]:
    """Bits: of residuals, of the exact parts, of the posterior, and all of them a vertex."""
    residual = np.array([r.code.bits for r in restored])
    exact = np.array([r.code.exact_bits for r in restored])
    divergence = np.array([r.divergence for r in restored])
    vertices = np.array([len(r.network) for r in restored])
    real = np.array([r.kind == "real" for r in restored])
    total = residual + exact + divergence
    return {
        "residual_bits_median": float(np.median(residual)),
        "residual_bits_p95": float(np.percentile(residual, 95)),
        "exact_part_bits_median": float(np.median(exact + residual)),
        "exact_part_bits_p95": float(np.percentile(exact + residual, 95)),
        "divergence_bits_median": float(np.median(divergence)),
        "bits_per_vertex": float(total.sum() / vertices.sum()),
        "bits_per_vertex_median": float(np.median(total / vertices)),
        "bits_per_vertex_median_real": float(np.median((total / vertices)[real])),
    }


def measure_robustness(
    codec: ProgramCodec, restored: Sequence[Restored], random: np.random.Generator
) -> dict[str, Any]:
    """Shares still exact after the vector was stored in fewer bits, or with noise in it, for
    those exact without. Vectors are float16 to begin with."""
    if not restored:
        return {}
    vectors = np.stack([r.code.vector for r in restored]).astype(np.float64)
    spread = np.stack([r.deviation for r in restored])
    exact_part = np.stack([deviations(v) for v in vectors[:, codec.smooth :]])
    unit = np.concatenate([spread, exact_part], 1)
    largest = np.abs(vectors).max(1, keepdims=True)
    changed = {
        "bfloat16": torch.from_numpy(vectors).bfloat16().double().numpy(),
        "int8": np.round(vectors / largest * 127) / 127 * largest,
    }
    for size in NOISE:
        noise = random.standard_normal(vectors.shape) * unit * size
        changed[f"noise_{size}"] = vectors + noise
    found = {}
    sizes = [len(codec.tokens(r.network)) for r in restored]  # what is longer is not exact
    for name, rows in changed.items():
        drafts = codec.spelled(list(rows), sizes)
        same = [is_network(d, r.network) for d, r in zip(drafts, restored, strict=True)]
        found[f"exact_{name}"] = share(same)
    return {"exact_float16": share([r.exact for r in restored]), **found}

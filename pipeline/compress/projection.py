"""One vector per network, for search: how often which pattern occurs, projected.

A network's patterns are its operators, runs of them along edges, telling attribute values, and
the widths of its layers.
Log counts, inverse document frequency, then the leading principal directions of the training
set: neighbours are networks built of the same parts in the same proportions.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from math import log2

import numpy as np

from pipeline.compress.attributes import signature_of
from pipeline.graph.network import Network

WIDTH = 64
TELLING = ("kernel_shape", "strides", "group", "axis", "mode", "scales", "alpha", "min", "max")
WIDTHS = ("out_channels", "out_features")


def patterns_of(network: Network) -> Counter[str]:
    """Pattern -> how often it occurs in the network."""
    found: Counter[str] = Counter()
    vertices = network.vertices
    for vertex in vertices:
        names = "+".join(name for name, _, _ in signature_of(vertex.attributes))
        found[f"{vertex.operator}({names})"] += 1
        for name, value in vertex.attributes:
            if name in TELLING and (name != "group" or value == 1):
                found[f"{vertex.operator}.{name}={value}"] += 1
            if name in WIDTHS and isinstance(value, int) and value > 0:
                found[f"width={round(2 * log2(value))}"] += 1  # in half octaves
        for operand in vertex.operands:
            source = vertices[operand.source]
            found[f"{source.operator}>{vertex.operator}"] += 1
            for before in source.operands[:1]:
                first = vertices[before.source].operator
                found[f"{first}>{source.operator}>{vertex.operator}"] += 1
        found[f"inputs={min(len(vertex.operands), 4)}:{vertex.operator}"] += 1
    return found


@dataclass(frozen=True)
class Projection:
    """``patterns``: (P,) known ones; ``weights``, ``mean``: (P,); ``directions``: (P, 64)."""

    patterns: tuple[str, ...]
    weights: np.ndarray
    mean: np.ndarray
    directions: np.ndarray

    @classmethod
    def fit(cls, networks: Sequence[Network], least: int = 2) -> Projection:
        """From a training set; patterns in fewer than ``least`` networks are left out."""
        counted = [patterns_of(network) for network in networks]
        spread = Counter(pattern for found in counted for pattern in found)
        patterns = tuple(sorted(p for p, n in spread.items() if n >= least))
        weights = np.log1p(len(networks) / np.array([spread[p] for p in patterns]))
        start = cls(patterns, weights, np.zeros(len(patterns)), np.eye(len(patterns)))
        rows = np.stack([start.features(found) for found in counted])
        mean = rows.mean(0)
        _, _, directions = np.linalg.svd(rows - mean, full_matrices=False)
        # The sign of a principal direction is arbitrary: its largest entry is made positive.
        signs = np.sign(directions[np.arange(len(directions)), abs(directions).argmax(1)])
        kept = (directions * signs[:, None])[:WIDTH].T.astype(np.float32)
        padded = np.pad(kept, ((0, 0), (0, WIDTH - kept.shape[1])))
        return cls(patterns, weights.astype(np.float32), mean.astype(np.float32), padded)

    def features(self, found: Counter[str]) -> np.ndarray:
        """Pattern counts -> weighted log shares (P,), of unit length."""
        counts = np.array([found.get(p, 0) for p in self.patterns], dtype=np.float64)
        row = np.log1p(counts) * self.weights
        return row / max(float(np.linalg.norm(row)), 1e-9)

    def vector(self, network: Network) -> np.ndarray:
        """A network -> (64,) float32."""
        row = self.features(patterns_of(network)) - self.mean
        return (row @ self.directions).astype(np.float32)

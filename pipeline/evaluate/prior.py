"""Vectors from nowhere: normal ones with the mean and deviation of real vectors."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from pipeline.decode.codec import Code

Latents = dict[str, np.ndarray]


@dataclass(frozen=True)
class Prior:
    """Mean and standard deviation of every dimension, by group of vectors."""

    spread: dict[str, tuple[np.ndarray, np.ndarray]]

    @classmethod
    def of(cls, codes: Sequence[Code]) -> Prior:
        """The prior that the vectors of real networks suggest."""
        spread = {}
        for group in codes[0].latents:
            rows = np.concatenate([code.latents[group] for code in codes])
            spread[group] = (rows.mean(0), rows.std(0))
        return cls(spread)

    def draw(self, vertices: int, random: np.random.Generator) -> Latents:
        """Vectors for so many vertices, each drawn on its own."""
        return {
            group: random.normal(mean, deviation, (vertices, len(mean))).astype(np.float32)
            for group, (mean, deviation) in self.spread.items()
        }

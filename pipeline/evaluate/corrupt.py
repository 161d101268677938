"""Codes of real networks, damaged: named ways to do it, each from light to heavy.

Each takes the vectors of a network, group name -> (vertices, dimensions), the share of them
that is to be damaged, the vectors of another network, and a generator; none changes what it
is given.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from pipeline.evaluate.prior import Latents

Random = np.random.Generator
Corruption = Callable[[Latents, float, Latents, Random], Latents]
LIGHTEST = 0.01
BANDS = (("light", 0.05), ("medium", 0.3), ("heavy", 1.0))


@dataclass(frozen=True)
class Corrupted:
    """Vectors, and what was done to them."""

    latents: Latents
    corruption: str
    severity: float

    @property
    def band(self) -> str:
        """How severe it is, in a word."""
        return next(name for name, limit in BANDS if self.severity <= limit)


def noise(latents: Latents, share: float, _: Latents, random: Random) -> Latents:
    """Normal noise, of the deviation of the network's own vectors, on a share of numbers."""
    found = {}
    for group, rows in latents.items():
        drawn = random.normal(0, rows.std(0) + 1e-3, rows.shape)
        hit = random.random(rows.shape) < share
        hit.flat[int(random.integers(hit.size))] = True
        found[group] = np.where(hit, rows + drawn, rows).astype(np.float32)
    return found


def shuffle_rows(latents: Latents, share: float, _: Latents, random: Random) -> Latents:
    """A share of the vertices in another order."""
    chosen = _choose(latents, share, random)
    order = np.arange(_count(latents))
    order[chosen] = random.permutation(chosen)
    return _rows(latents, order)


def tear_rows(latents: Latents, share: float, _: Latents, random: Random) -> Latents:
    """A share of the vertices with the structure, the operation and the attributes of three
    different ones."""
    found = {}
    for group, rows in latents.items():
        chosen = _choose(latents, share, random)
        found[group] = rows.copy()
        found[group][chosen] = rows[random.permutation(chosen)]
    return found


def drop_rows(latents: Latents, share: float, _: Latents, random: Random) -> Latents:
    """Without a share of the vertices; one stays at least."""
    gone = _choose(latents, share, random)[: _count(latents) - 1]
    return _rows(latents, np.setdiff1d(np.arange(_count(latents)), gone))


def duplicate_rows(latents: Latents, share: float, _: Latents, random: Random) -> Latents:
    """A share of the vertices twice."""
    twice = _choose(latents, share, random)
    return _rows(latents, np.sort(np.append(np.arange(_count(latents)), twice)))


def cut_off(latents: Latents, share: float, _: Latents, random: Random) -> Latents:
    """A share of the vertices missing from the front or from the back."""
    left = _count(latents) - min(_number(latents, share), _count(latents) - 1)
    rows = np.arange(_count(latents))
    return _rows(latents, rows[:left] if random.random() < 0.5 else rows[-left:])


def swap_rows(latents: Latents, share: float, other: Latents, random: Random) -> Latents:
    """A share of the vertices replaced by vertices of another network."""
    chosen = _choose(latents, share, random)
    places = random.integers(_count(other), size=len(chosen))
    found = {group: rows.copy() for group, rows in latents.items()}
    for group, rows in found.items():
        rows[chosen] = other[group][places]
    return found


def several(latents: Latents, share: float, other: Latents, random: Random) -> Latents:
    """Three of the others, one after another, each on a third of the share."""
    names = [name for name in CORRUPTIONS if name != "several"]
    for name in random.choice(names, 3, replace=False):
        latents = CORRUPTIONS[str(name)](latents, share / 3, other, random)
    return latents


CORRUPTIONS: dict[str, Corruption] = {
    corruption.__name__: corruption
    for corruption in (
        noise, shuffle_rows, tear_rows, drop_rows, duplicate_rows, cut_off, swap_rows, several,
    )
}  # fmt: skip


def corrupt(latents: Latents, other: Latents, name: str, random: Random) -> Corrupted:
    """One corruption of a severity between light and total, small ones as likely as large
    ones: log-uniform."""
    severity = float(np.exp(random.uniform(np.log(LIGHTEST), 0)))
    return Corrupted(CORRUPTIONS[name](latents, severity, other, random), name, severity)


def _count(latents: Latents) -> int:
    return len(next(iter(latents.values())))


def _number(latents: Latents, share: float) -> int:
    return max(1, round(share * _count(latents)))


def _choose(latents: Latents, share: float, random: Random) -> np.ndarray:
    return random.choice(_count(latents), _number(latents, share), replace=False)


def _rows(latents: Latents, order: np.ndarray) -> Latents:
    return {group: rows[order] for group, rows in latents.items()}

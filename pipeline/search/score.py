"""How good a method is over many seeds: the protocol of search on a table."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from pipeline.evaluate.intervals import share
from pipeline.search.space import Table

NEAR = 0.2  # points of accuracy from the optimum: found
CURVE = (1, 2, 5, 10, 20, 30, 40, 50, 60, 80, 100, 120, 150)  # evaluations of the curve
BAND = (10, 90)  # percentiles


def score_runs(table: Table, runs: Sequence[Sequence[int]]) -> dict[str, Any]:
    """Points asked for, a list a seed, all as many -> mean and deviation of the reported
    accuracy of the best by what was searched; whether and after how many evaluations one
    within NEAR of the optimum was tried (``median_evaluations`` is none where fewer than half
    were); the regret after CURVE evaluations."""
    points = np.array(runs)
    best = _best_so_far(table, points)
    found = table.reported[points] >= table.optimum - NEAR
    first = np.where(found.any(axis=1), found.argmax(axis=1) + 1.0, np.inf)
    middle = float(np.median(first))
    hits = share(np.isfinite(first))
    return {
        "seeds": len(points),
        "evaluations": points.shape[1],
        "mean": round(float(best[:, -1].mean()), 3),
        "std": round(float(best[:, -1].std(ddof=1)), 3) if len(points) > 1 else None,
        "hit_rate": hits["share"],
        "hit_rate_interval": hits["interval"],
        "median_evaluations": middle if np.isfinite(middle) else None,
        "regret": [_regret(table.optimum - best[:, n - 1], n) for n in _within(points)],
    }


def _best_so_far(table: Table, points: np.ndarray) -> np.ndarray:
    """(seeds, evaluations): the reported accuracy of the best by search, after each."""
    searched = table.searched[points]
    tops = np.maximum.accumulate(searched, axis=1)
    better = np.diff(tops, axis=1, prepend=-np.inf) > 0
    new = np.where(better, np.arange(points.shape[1]), 0)
    where = np.maximum.accumulate(new, axis=1)
    return np.take_along_axis(table.reported[points], where, axis=1)


def _within(points: np.ndarray) -> list[int]:
    return [n for n in CURVE if n <= points.shape[1]]


def _regret(regrets: np.ndarray, evaluations: int) -> dict[str, float]:
    low, high = np.percentile(regrets, BAND)
    return {
        "evaluations": evaluations,
        "mean": round(float(regrets.mean()), 4),
        "low": round(float(low), 4),
        "high": round(float(high), 4),
    }

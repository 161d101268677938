"""Shares with what they rest on: the number of cases and a 95 % confidence interval."""

from __future__ import annotations

from collections.abc import Sequence
from math import sqrt
from typing import Any

import numpy as np

Z95 = 1.959964  # the normal distribution's 97.5 % quantile


def wilson(share: float, total: int) -> tuple[float, float]:
    """Wilson's 95 % interval (1927) of a share of ``total`` independent cases."""
    z2 = Z95**2 / total
    centre = (share + z2 / 2) / (1 + z2)
    half = Z95 * sqrt(share * (1 - share) / total + z2 / (4 * total)) / (1 + z2)
    return max(0.0, centre - half), min(1.0, centre + half)


def share(found: Sequence[bool] | np.ndarray) -> dict[str, Any]:
    """Cases -> share, number of cases, 95 % interval; a share of None without any."""
    cases = len(found)
    if not cases:
        return {"share": None, "cases": 0, "interval": None}
    found_share = float(np.mean(np.asarray(found, bool)))
    low, high = wilson(found_share, cases)
    return {
        "share": round(found_share, 6),
        "cases": cases,
        "interval": [round(low, 4), round(high, 4)],
    }

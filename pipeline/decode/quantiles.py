"""Bits <-> numbers that look like draws from a standard normal distribution.

A run of b bits names one of 2**b equally likely intervals of N(0, 1) and becomes the number at
its middle; reading asks which interval a number falls in. Random bits become draws from
N(0, 1), and draws from N(0, 1) random bits. The first number says b, the fewest bits a number
that hold all: the shorter a text, the more noise each number bears.
"""

from __future__ import annotations

import numpy as np
from scipy.special import ndtr, ndtri

FEWEST, MOST = 3, 12  # bits a number; more would not survive float16
DENSITIES = MOST - FEWEST + 1
MARGIN = 1e-9


def capacity(numbers: int) -> int:
    """The bits that so many numbers hold at most."""
    return (numbers - 1) * MOST


def to_numbers(bits: np.ndarray, numbers: int) -> np.ndarray:
    """(n,) bool, at most :func:`capacity` -> (numbers,) float16. ValueError for more."""
    density = max(FEWEST, -(-len(bits) // (numbers - 1)))
    if density > MOST:
        raise ValueError(f"{len(bits)} bits do not fit in {numbers} numbers")
    padded = np.zeros((numbers - 1) * density, bool)
    padded[: len(bits)] = bits
    places = padded.reshape(numbers - 1, density) @ (1 << np.arange(density)[::-1])
    first = (density - FEWEST + 0.5) / DENSITIES
    return ndtri(np.concatenate([[first], (places + 0.5) / 2**density])).astype(np.float16)


def from_numbers(numbers: np.ndarray) -> np.ndarray:
    """(n,) -> the bits of them, with the zeros that filled them up; any numbers give some."""
    quantiles = ndtr(np.nan_to_num(numbers.astype(np.float64)))
    quantiles = quantiles.clip(MARGIN, 1 - MARGIN)
    density = FEWEST + int(quantiles[0] * DENSITIES)
    places = (quantiles[1:] * 2**density).astype(np.int64)
    return (places[:, None] >> np.arange(density)[::-1] & 1).astype(bool).ravel()


def deviations(numbers: np.ndarray) -> np.ndarray:
    """(n,) -> the standard deviation of each number within its interval: what noise in these
    numbers is measured by."""
    quantiles = ndtr(numbers.astype(np.float64)).clip(MARGIN, 1 - MARGIN)
    density = FEWEST + int(quantiles[0] * DENSITIES)
    counts = np.full(len(numbers), 2**density)
    counts[0] = DENSITIES
    low = np.floor(quantiles * counts)
    ends = ndtri(np.stack([low, low + 1]).clip(0.02, None) / counts[None]).clip(-5, 5)
    return (ends[1] - ends[0]) / 12**0.5

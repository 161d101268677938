"""Whether a number was trained or written, by the number itself.

A number of source code is short (0.044715), a fraction of whole ones (1/6), a root of those
(1/sqrt(1.04)) or one of these times a well-known constant (sqrt(2/pi)); what training leaves
is none of them, and no other layer has it too. https://arxiv.org/abs/2104.00298 and
https://arxiv.org/abs/2102.06171 have scalings of the first kind; PaddlePaddle's detectors and
recognisers of text, whose every activation has a scale and a shift, numbers of the second.
"""

from __future__ import annotations

from math import isfinite, log, pi

import numpy as np

DIGITS = 5  # of a number as it is written; of one that others are made from, one less
FEW_DIGITS = 3  # of one that stands beside a well-known constant
LARGEST_DENOMINATOR = 64
PRECISION = 2.0**-23  # of float32
KNOWN = (pi, 1 / pi, log(2), 1 / log(2))


def looks_trained(array: np.ndarray) -> bool:
    """Whether most elements of a float array are none that a person writes."""
    if array.dtype.kind != "f" or not array.size:
        return False
    trained = sum(not is_written(float(number)) for number in np.unique(array))
    return trained * 2 > array.size


def is_written(number: float) -> bool:
    """Whether a number is short, or follows from short ones."""
    size = abs(number)
    if not isfinite(number) or number == 0 or _is_short(size, DIGITS):
        return True
    return any(
        _is_short(power, DIGITS - 1)
        or _is_fraction(power)
        or any(_is_short(power * known, FEW_DIGITS) for known in KNOWN)
        for power in (size, 1 / size, size**2, size**-2)
    )


def _is_short(number: float, digits: int) -> bool:
    return abs(float(f"{number:.{digits - 1}e}") - number) <= PRECISION * number


def _is_fraction(number: float) -> bool:
    multiples = number * np.arange(1, LARGEST_DENOMINATOR + 1)
    distances = np.abs(multiples - np.round(multiples))
    is_near = distances <= PRECISION * np.maximum(multiples, 1e-30)
    return bool((is_near & (multiples < LARGEST_DENOMINATOR)).any())

"""Numbers as people read them: with their unit, and how sure they are."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pipeline.evaluate.intervals import wilson

DASH = "\u2013"
NONE = DASH


def count(value: float | None) -> str:
    """1234567 -> ``1,234,567``."""
    return NONE if value is None else f"{value:,.0f}"


def number(value: float | None, digits: int = 2) -> str:
    """1.2345 -> ``1.23``."""
    return NONE if value is None else f"{value:.{digits}f}"


def percent(share: float | None, digits: int = 2) -> str:
    """A share of 1 -> ``99.95 %``."""
    return NONE if share is None else f"{100 * share:.{digits}f} %"


def percent_of(share: float | None, total: int | None, digits: int = 1) -> str:
    """A share of ``total`` cases -> ``93.3 % (87.1-97.0)``: with its 95 % interval."""
    if share is None or not total:
        return percent(share, digits)
    low, high = wilson(share, total)
    return f"{percent(share, digits)} ({100 * low:.{digits}f}{DASH}{100 * high:.{digits}f})"


def with_deviation(found: Any, digits: int = 3) -> str:
    """``{"mean": m, "std": s}``, or a plain number -> ``0.371 ± 0.002``."""
    if isinstance(found, Mapping):
        mean, deviation = found.get("mean"), found.get("std")
        spread = "" if deviation is None else f" ± {deviation:.{digits}f}"
        return NONE if mean is None else f"{mean:.{digits}f}{spread}"
    return NONE if found is None else f"{found:.{digits}f}"


def span(low: float, high: float) -> str:
    """``71-517``; one number where both are the same."""
    return count(low) if low == high else f"{count(low)}{DASH}{count(high)}"


def size(number: float | None) -> str:
    """Bytes with a unit: 1536 -> ``1.5 kB`` (1 kB = 1,000 bytes)."""
    if number is None:
        return NONE
    value = float(number)
    for unit in ("B", "kB", "MB", "GB"):
        if value < 1000 or unit == "GB":
            break
        value /= 1000
    return f"{value:,.0f} {unit}" if unit == "B" or value >= 100 else f"{value:,.1f} {unit}"


def duration(seconds: float | None) -> str:
    """Seconds with a unit: 5400 -> ``1.5 h``."""
    if seconds is None:
        return NONE
    if seconds < 120:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 7200 else f"{seconds / 3600:.1f} h"


def plural(number: int, word: str) -> str:
    """``1 network``, ``2 networks``."""
    return f"{count(number)} {word}" + ("" if number == 1 else "s")

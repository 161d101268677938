"""Numbers as people read them."""

from __future__ import annotations

import pytest

from pipeline.report.numbers import (
    count,
    duration,
    percent,
    percent_of,
    plural,
    size,
    span,
    wilson,
    with_deviation,
)

DASH = "\u2013"


@pytest.mark.parametrize(
    ("shown", "expected"),
    [
        (count(1234567), "1,234,567"),
        (count(None), DASH),
        (percent(0.99956), "99.96 %"),
        (percent_of(None, 10), DASH),
        (percent_of(1.0, 0), "100.0 %"),
        (with_deviation({"mean": 0.3812, "std": 0.0021}), "0.381 ± 0.002"),
        (with_deviation({"mean": None}), DASH),
        (with_deviation(0.92), "0.920"),
        (size(999), "999 B"),
        (size(1536), "1.5 kB"),
        (size(580e9), "580 GB"),
        (duration(90), "90 s"),
        (duration(5400), "90 min"),
        (duration(86400), "24.0 h"),
        (plural(1, "network"), "1 network"),
        (plural(1500, "network"), "1,500 networks"),
        (span(2, 2), "2"),
        (span(71, 1517), f"71{DASH}1,517"),
    ],
)
def test_numbers(shown: str, expected: str) -> None:
    assert shown == expected


def test_wilson_is_within_bounds_and_narrows() -> None:
    # 9 of 10: R's binom::binom.wilson gives 0.5958 to 0.9821.
    assert wilson(0.9, 10) == pytest.approx((0.5958, 0.9821), abs=1e-4)
    assert wilson(1.0, 20)[1] == 1.0
    assert wilson(1.0, 20)[0] < wilson(1.0, 2000)[0] < 1.0

"""Shares and their intervals."""

import pytest

from pipeline.evaluate.intervals import share, wilson


def test_a_share_says_what_it_rests_on() -> None:
    found = share([True, True, True, False])
    assert (found["share"], found["cases"]) == (0.75, 4)
    assert found["interval"] == pytest.approx([0.3006, 0.9544], abs=1e-4)
    assert share([])["share"] is None


def test_intervals_of_extremes_stay_within() -> None:
    assert wilson(1.0, 6)[0] == pytest.approx(0.6097, abs=1e-4)
    assert wilson(1.0, 6)[1] == 1.0
    assert wilson(0.0, 6)[0] == 0.0

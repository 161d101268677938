"""The protocol's numbers, by hand."""

from __future__ import annotations

import numpy as np
import pytest
from toy_space import toy_table

from pipeline.search.score import score_runs
from pipeline.search.space import Table


def test_mean_deviation_hits_and_median() -> None:
    space = toy_table().space
    searched = np.arange(len(space), dtype=float)
    reported = np.where(searched == 242, 94.0, np.where(searched > 200, 93.9, 90.0))
    table = Table(space, searched, reported)
    found = score_runs(table, [[0, 210, 1], [242, 0, 1], [5, 1, 0]])
    assert found["mean"] == pytest.approx((93.9 + 94.0 + 90.0) / 3, abs=0.001)
    assert found["std"] == pytest.approx(np.std([93.9, 94, 90], ddof=1), abs=0.001)
    assert found["hit_rate"] == pytest.approx(2 / 3, abs=1e-6)
    assert found["median_evaluations"] == 2
    assert [point["evaluations"] for point in found["regret"]] == [1, 2]
    assert found["regret"][1]["mean"] == pytest.approx((0.1 + 0 + 4) / 3, abs=0.001)


def test_the_best_by_search_counts_not_the_best_reported() -> None:
    space = toy_table().space
    reported = np.linspace(90, 80, len(space))
    table = Table(space, np.linspace(50, 60, len(space)), reported)
    found = score_runs(table, [[0, 100]])
    assert found["mean"] == pytest.approx(reported[100], abs=0.001)
    assert found["std"] is None
    assert found["hit_rate"] == 1


def test_no_median_where_fewer_than_half_arrive() -> None:
    table = toy_table()
    assert score_runs(table, [[0, 1], [3, 2], [242, 1]])["median_evaluations"] is None

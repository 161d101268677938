"""A run in a folder: its rows, going on after a kill, and what another run is told."""

from __future__ import annotations

from pathlib import Path

import pyarrow.parquet as pq
import pytest
from toy_space import toy_table

from pipeline.errors import DataError
from pipeline.search.methods import make_method
from pipeline.search.run import EVALUATIONS, SCHEMA, search_in

CONFIG = {"space": "toy", "method": "evolution", "seed": 1}


def run(folder: Path, evaluations: int, config: dict = CONFIG, stop: int | None = None):
    """The rows that were the best so far; ``stop``: killed after so many of them."""
    table = toy_table()
    method = make_method(config["method"], table.space, config["seed"])
    found = search_in(folder, table, method, evaluations, config)
    return list(found) if stop is None else [next(found) for _ in range(stop)]


def test_a_run_says_whenever_it_found_better(tmp_path: Path) -> None:
    found = run(tmp_path, 50)
    values = [row["value"] for row in found]
    assert values == sorted(set(values))
    rows = pq.read_table(tmp_path / EVALUATIONS).to_pylist()
    assert [row["evaluation"] for row in rows] == list(range(1, 51))
    assert values[-1] == max(row["value"] for row in rows)
    assert all(row["reported"] == row["value"] + 1 for row in rows)
    assert rows[0]["network"] == f"toy://{rows[0]['point']}"


def test_a_killed_run_goes_on_to_the_same_end(tmp_path: Path) -> None:
    whole = run(tmp_path / "whole", 50)
    run(tmp_path / "killed", 50, stop=3)
    left = pq.read_table(tmp_path / "killed" / EVALUATIONS)
    assert 3 <= len(left) < 50
    assert run(tmp_path / "killed", 50) == whole
    ends = [pq.read_table(tmp_path / f / EVALUATIONS) for f in ("whole", "killed")]
    assert ends[0].equals(ends[1])
    assert ends[0].slice(0, len(left)).equals(left)


def test_a_run_may_grow_and_never_shrinks(tmp_path: Path) -> None:
    run(tmp_path, 20)
    run(tmp_path, 30)
    run(tmp_path, 10)
    assert len(pq.read_table(tmp_path / EVALUATIONS)) == 30


def test_another_run_in_the_folder_is_refused(tmp_path: Path) -> None:
    run(tmp_path, 5)
    with pytest.raises(DataError, match=r'holds another run: .*"seed": 1'):
        run(tmp_path, 5, CONFIG | {"seed": 2})


def test_rows_that_this_version_would_not_make_are_refused(tmp_path: Path) -> None:
    run(tmp_path, 5)
    rows = pq.read_table(tmp_path / EVALUATIONS).to_pylist()
    rows[2], rows[3] = rows[3] | {"evaluation": 3}, rows[2] | {"evaluation": 4}
    pq.write_table(
        pq.read_table(tmp_path / EVALUATIONS).from_pylist(rows, SCHEMA), tmp_path / EVALUATIONS
    )
    with pytest.raises(DataError, match="evaluation 3 is of toy"):
        run(tmp_path, 8)
    (tmp_path / EVALUATIONS).write_bytes(b"PAR1")
    with pytest.raises(DataError, match="damaged run"):
        run(tmp_path, 8)

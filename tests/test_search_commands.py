"""``nn2vec search`` as people type it."""

from __future__ import annotations

from pathlib import Path

import pyarrow.parquet as pq
import pytest
from command_line import assert_refused, documents, run

COPIES = Path(__file__).parents[2] / "shared" / "data"
needs_copies = pytest.mark.skipif(not COPIES.exists(), reason="the measured tables")


def search(folder: Path, *more: object):
    return run("--root", folder, "search", "nasbench_macro", "-o", folder / "run", *more)


@needs_copies
def test_a_run_says_what_it_found_and_keeps_it(tmp_path: Path) -> None:
    wanted = ("--method", "local", "--evaluations", 40, "--data", COPIES, "--json")
    found = documents(search(tmp_path, *wanted))
    rows = pq.read_table(tmp_path / "run" / "evaluations.parquet").to_pylist()
    assert len(rows) == 40
    assert found[-1] in rows
    assert found[-1]["value"] == max(row["value"] for row in rows)
    assert documents(search(tmp_path, *wanted)) == found
    assert_refused(search(tmp_path, *wanted, "--seed", 1), naming="holds another run")


@needs_copies
def test_an_unknown_method_is_refused(tmp_path: Path) -> None:
    found = search(tmp_path, "--method", "annealing", "--data", COPIES)
    assert_refused(found, naming="known are: random, evolution, local")
    assert not (tmp_path / "run").exists()


def test_a_table_that_cannot_be_had_is_refused(tmp_path: Path) -> None:
    found = run("--root", tmp_path, "search", "nasbench201", "-o", tmp_path / "run")
    assert_refused(found, naming="nasbench201.csv")

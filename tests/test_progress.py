"""Progress: the items as they are, and lines on standard error only."""

from __future__ import annotations

import pytest

from pipeline import progress
from pipeline.progress import track


def test_a_log_gets_lines_and_standard_output_nothing(capsys, monkeypatch):
    monkeypatch.setattr(progress, "SECONDS_BETWEEN_LINES", 0.0)
    assert list(track((n for n in range(3)), "read", total=3)) == [0, 1, 2]
    said = capsys.readouterr()
    assert said.out == ""
    lines = said.err.splitlines()
    assert [line.split(",")[0] for line in lines[:3]] == [
        "read: 1/3",
        "read: 2/3",
        "read: 3/3",
    ]
    assert lines[3].startswith("read: 3/3 done in ")


@pytest.mark.parametrize(("items", "of"), [([1, 2], "2/2"), (iter([1, 2]), "2")])
def test_a_total_is_said_where_it_is_known(capsys, items, of):
    list(track(items, "read"))
    assert capsys.readouterr().err.startswith(f"read: {of} done in ")


def test_who_stops_early_is_told_no_end(capsys):
    next(track([1, 2], "read"))
    assert "done" not in capsys.readouterr().err

import csv
import io
import json
import math
from datetime import datetime

import pytest

from pipeline.registry.render import render
from pipeline.registry.sql import Result

RESULT = Result(
    ("name", "share", "vector", "patch", "when"),
    [
        ("a,b", 0.123456789, (1.0, 2.0, 3.0, 4.0, 5.0), b"\x01\xff", datetime(2026, 1, 2)),
        ("é", math.nan, [1], None, None),
    ],
)


def test_json_is_strict_and_complete():
    first, second = map(json.loads, render(RESULT, "json").splitlines())
    assert first == {
        "name": "a,b", "share": 0.123456789, "vector": [1.0, 2.0, 3.0, 4.0, 5.0],
        "patch": "01ff", "when": "2026-01-02T00:00:00",
    }  # fmt: skip
    assert second["share"] is None


def test_csv_is_read_back():
    header, first, second = csv.reader(io.StringIO(render(RESULT, "csv")))
    assert header == list(RESULT.columns)
    assert first[:3] == ["a,b", "0.123456789", "[1.0, 2.0, 3.0, 4.0, 5.0]"]
    assert second[0] == "é"


@pytest.mark.parametrize("width", [None, 100])
def test_a_table_shows_names_numbers_and_the_start_of_vectors(width):
    text = render(RESULT, "table", width)
    assert "a,b" in text
    assert "0.123457" in text
    assert "[1, 2, 3, 4, ...]" in text


def test_a_table_on_a_terminal_is_no_wider_than_it():
    assert max(map(len, render(RESULT, "table", 60).splitlines())) <= 60


def test_a_statement_without_a_result():
    assert render(Result((), [])) == "done"

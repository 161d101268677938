"""What commands print: lines for people, one JSON object a line for machines."""

from __future__ import annotations

import json
from dataclasses import dataclass

import pytest

from pipeline.printing import LONGEST, lines, print_result


@dataclass(frozen=True)
class Found:
    name: str
    size: int


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (1.23456789, "1.23457"),
        (True, "yes"),
        (False, "no"),
        (None, "-"),
        ([], "none"),
        ((1, 2.5), "1, 2.5"),
        ({}, "{}"),
        (1, "1"),
    ],
)
def test_values_read_well(value, text):
    assert list(lines({"key": value})) == [f"key  {text}"]


def test_keys_stand_in_a_column_and_nested_ones_are_indented():
    found = list(lines({"a": 1, "longer": 2, "inside": {"b": 3}}))
    assert found == ["a       1", "longer  2", "inside", "  b  3"]


def test_long_values_are_cut():
    (line,) = lines({"a": "x" * 1000})
    assert len(line) == LONGEST + len("a  ")
    assert line.endswith(" ...")


def test_json_is_one_object_a_line_and_complete(capsys):
    print_result([{"a": "x" * 1000}, Found("b", 2)], as_json=True)
    first, second = map(json.loads, capsys.readouterr().out.splitlines())
    assert (len(first["a"]), second) == (1000, {"name": "b", "size": 2})


def test_results_are_printed_as_they_come(capsys):
    def results():
        yield {"a": 1}
        assert json.loads(capsys.readouterr().out) == {"a": 1}
        yield {"a": 2}

    print_result(results(), as_json=True)
    assert json.loads(capsys.readouterr().out) == {"a": 2}


@pytest.mark.parametrize("as_json", [True, False])
def test_nothing_prints_nothing(capsys, as_json):
    print_result(None, as_json)
    print_result([], as_json)
    assert capsys.readouterr().out == ""

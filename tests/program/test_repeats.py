"""Instructions with repeats and back."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from random_programs import any_lines, instructions, said

from pipeline.errors import InvalidNetwork
from pipeline.program.instruction import Instruction, Line, Repeat
from pipeline.program.repeats import LARGEST, expand, parse

A, B, C = (Instruction(name) for name in "ABC")


@given(st.lists(st.sampled_from((A, B, C)), max_size=80) | st.lists(instructions, max_size=9))
def test_parsed_lines_expand_to_the_same(spelled: list[Instruction]) -> None:
    assert list(map(repr, expand(parse(spelled)))) == list(map(repr, spelled))


@given(st.lists(st.sampled_from((A, B)), min_size=1, max_size=4), st.integers(2, 40))
def test_a_loop_is_one_line(block: list[Instruction], times: int) -> None:
    lines = parse([C, *block * times, C])
    assert len(lines) <= len(block) + 4


@given(any_lines)
def test_any_lines_expand_or_are_too_many(lines: list[Line]) -> None:
    assert said(lines) <= LARGEST or any(isinstance(line, Repeat) for line in lines)


def test_times_and_rest() -> None:
    assert expand([A, B, C, Repeat(2, 2, 1)]) == [A, B, C, B, C, B, C, B]
    assert parse([A, B, C, B, C, B, C, B]) == [A, B, C, Repeat(2, 2, 1)]


def test_more_than_there_is_is_all_there_is() -> None:
    assert expand([Repeat(5, 3, 2)]) == []
    assert expand([A, Repeat(5, 2, 9)]) == [A, A, A, A]


def test_too_many_are_refused_with_the_line() -> None:
    with pytest.raises(InvalidNetwork, match="line 1"):
        expand([A, Repeat(1, LARGEST)])

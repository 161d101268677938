"""Numbers relative to widths and back."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.graph.network import Value
from pipeline.program.instruction import Filled, Ratio, Recent
from pipeline.program.widths import (
    Widths,
    read_number,
    read_value,
    spell_ratio,
    spell_value,
)

widths = st.integers(1, 4096)
scalars = st.integers(-(2**63), 2**63 - 1) | st.floats() | st.text("a\0é漢", max_size=4)
values = st.one_of(
    scalars,
    st.lists(st.integers(-5, 4096)).map(tuple),
    st.lists(st.floats()).map(tuple),
    st.tuples(st.floats() | st.integers(), st.integers(1, 70)).map(lambda p: (p[0],) * p[1]),
)
names = st.sampled_from(("group", "split", "shape", "a.parameter", "kernel_shape"))


@given(st.integers(-9, 2**40), widths)
def test_ratios_come_back(value: int, width: int) -> None:
    assert read_number(spell_ratio(value, width), width) == value


@given(names, values, widths)
def test_values_come_back(name: str, value: Value, width: int) -> None:
    assert repr(read_value(spell_value(name, value, width), width)) == repr(value)


@given(st.lists(st.tuples(st.integers(1, 512), widths), max_size=20))
def test_own_widths_come_back(given_: list[tuple[int, int]]) -> None:
    writer, reader = Widths(), Widths()
    for value, width in given_:
        assert reader.read_own(writer.spell_own(value, width), width) == value
        for either in (writer, reader):
            either.add([width], {"out_channels": value})


@pytest.mark.parametrize(
    ("value", "width", "spelled"),
    [
        (128, 64, Ratio(2, 1)), (16, 64, Ratio(1, 4)), (96, 64, Ratio(3, 2)), (1, 64, 1),
        (100, 64, 100), (64, 64, Ratio(1, 1)), (64, 3, 64), (7 * 64, 64, 448),
    ],
)  # fmt: skip
def test_small_ratios_are_relative(value: int, width: int, spelled: object) -> None:
    assert spell_ratio(value, width) == spelled


def test_the_last_width_goes_before_a_ratio() -> None:
    known = Widths()
    known.add([], {"out_channels": 64})
    known.add([64], {"out_channels": 100})
    assert [known.spell_own(v, 100) for v in (100, 200, 64, 7)] == [
        Recent(0), Ratio(2, 1), Recent(1), 7
    ]  # fmt: skip


def test_a_depthwise_group_and_a_run_are_words_of_every_stage() -> None:
    assert spell_value("group", 64, 64) == spell_value("group", 32, 32) == Ratio(1, 1)
    assert spell_value("slope", (0.25,) * 64, 64) == Filled(0.25, Ratio(1, 1))
    assert spell_value("pads", (1, 1, 1, 1), 64) == (1, 1, 1, 1)


def test_a_long_run_of_a_loop_is_kept_once() -> None:
    first, second = (read_value(Filled(-0.0, 2**40), 64) for _ in range(2))
    assert first is second
    assert repr(read_value(Filled(0.0, 2), 64)) == "(0.0, 0.0)"
    assert repr(read_value(Filled(-0.0, 2), 64)) == "(-0.0, -0.0)"
    assert repr(read_value(Filled(0, 2), 64)) == "(0, 0)"

"""Which lines may follow which: all of a real network's, and of others those that fit."""

from __future__ import annotations

import pytest

from pipeline import Network
from pipeline.decode.prefix import Prefix
from pipeline.graph.network import INPUT, OUTPUT
from pipeline.program.instruction import Instruction, Kind, Line, Recent, Repeat, Symbol

IMAGE = Instruction(INPUT, (("dtype", "float32"), ("shape", (3, 8, 8))), ())
TWO = (Symbol(Kind.FRESH, 2),)
RELU, END = Instruction("Relu"), Instruction(OUTPUT)


def after(*lines: Line) -> Prefix | None:
    prefix: Prefix | None = Prefix()
    for line in lines:
        assert prefix is not None
        prefix = prefix.after(line)
    return prefix


def pooled(size: int) -> Instruction:
    return Instruction("MaxPool", (("kernel_shape", (size, size)),))


@pytest.mark.parametrize("name", ["bvlc_alexnet", "squeezenet", "shufflenet", "densenet121"])
def test_a_real_network_goes_on_with_its_next_line(
    light: dict[str, Network], name: str
) -> None:
    assert after(*light[name].program.lines) is not None


def test_a_network_begins_with_an_input_and_has_one() -> None:
    assert after(RELU) is None
    assert after(IMAGE, IMAGE) is None


def test_shapes_must_agree() -> None:
    assert after(IMAGE, pooled(8)) is not None
    assert after(IMAGE, pooled(9)) is None
    assert (
        after(IMAGE, Instruction("Conv", (("out_channels", Recent(7)), ("bogus", 1)))) is None
    )


def test_no_more_is_taken_than_lies_on_the_stack() -> None:
    assert after(IMAGE, Instruction("Add", operands=TWO)) is None
    twice = Instruction("Add", operands=(Symbol(Kind.FRESH, 1), Symbol(Kind.BACK, 1)))
    assert after(IMAGE, twice, END) is not None


def test_repeats_say_what_there_is() -> None:
    assert after(IMAGE, pooled(2), Repeat(1, 6)) is not None
    assert after(IMAGE, pooled(2), Repeat(1, 7)) is None  # each takes one of 8 pixels
    assert after(IMAGE, RELU, Repeat(3, 1)) is None
    assert after(IMAGE, RELU, Repeat(1, 0)) is None
    assert after(IMAGE, RELU, Repeat(1, 10**9)) is None


def test_a_line_that_does_not_fit_leaves_the_lines_before_as_they_were() -> None:
    prefix = after(IMAGE, pooled(2))
    assert prefix is not None
    assert prefix.after(pooled(9)) is None
    assert prefix.after(pooled(4)) is not None

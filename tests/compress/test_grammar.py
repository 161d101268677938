"""Lines as tokens and back, with any vocabulary; and any tokens as lines."""

from __future__ import annotations

import struct
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from random_programs import networks, said

from pipeline.compress.grammar import read_lines, split_word, write_lines
from pipeline.compress.tokens import (
    END_ATTRIBUTES,
    END_NUMBER,
    END_SYMBOLS,
    ESCAPE,
    SPELLED,
    Field,
    Token,
    Type,
)
from pipeline.compress.vocabulary import Vocabulary
from pipeline.graph.network import OUTPUT, Network
from pipeline.program.instruction import Instruction, Line
from pipeline.program.program import Program

if TYPE_CHECKING:
    from pipeline.compress.tokens import Reading

NOTHING = Vocabulary.of([])
END = Instruction(OUTPUT)
ENDS = {Field.DIGIT: END_NUMBER, Field.SYMBOL: END_SYMBOLS, Field.ATTRIBUTE: END_ATTRIBUTES}


def lines_of(tokens: Sequence[Token], vocabulary: Vocabulary) -> list[Line]:
    """What the tokens say; each must be of the kind that is asked for."""
    reading = read_lines(vocabulary)
    wanted = next(reading)
    for index, (field, token) in enumerate(tokens):
        assert field == wanted
        try:
            wanted = reading.send(token)
        except StopIteration as done:
            assert index == len(tokens) - 1
            return done.value
    raise AssertionError("the tokens end before the lines do")


@pytest.fixture(scope="module")
def vocabulary(light: dict[str, Network]) -> Vocabulary:
    """What three real networks say, each word once at least."""
    names = ("bvlc_alexnet", "squeezenet", "shufflenet")
    return Vocabulary.of([Program.of(light[n]).lines for n in names], least=1)


def assert_inverse(network: Network, vocabulary: Vocabulary) -> None:
    lines = Program.of(network).lines
    tokens = list(write_lines(lines, vocabulary))
    assert all(0 <= token < vocabulary.sizes[field] for field, token in tokens)
    again = lines_of(tokens, vocabulary)
    assert list(map(repr, again)) == list(map(repr, lines))


@given(network=networks)
def test_nothing_is_unknown(network: Network, vocabulary: Vocabulary) -> None:
    assert_inverse(network, vocabulary)
    assert_inverse(network, NOTHING)


def test_real_networks_with_words_of_others(
    light: dict[str, Network], vocabulary: Vocabulary
) -> None:
    for network in light.values():
        assert_inverse(network, vocabulary)
        assert_inverse(network, NOTHING)


def test_known_words_are_one_token_each(
    light: dict[str, Network], vocabulary: Vocabulary
) -> None:
    lines = Program.of(light["squeezenet"]).lines
    tokens = list(write_lines(lines, vocabulary))
    expected = sum(
        4 if not isinstance(line, Instruction) else 2 + split_word(line)[0].has_width
        for line in lines
    )
    assert len(tokens) == expected


def test_every_escape_is_used_where_nothing_is_known(light: dict[str, Network]) -> None:
    tokens = [
        token
        for network in light.values()
        for token in write_lines(Program.of(network).lines, NOTHING)
    ]
    assert (Field.WORD, SPELLED) in tokens
    for field in (Field.WIDTH, Field.OPERANDS, Field.VALUE):
        assert (field, ESCAPE) in tokens
    assert {field for field, _ in tokens} == set(Field)


def read_at_random(numbers: Iterator[int], vocabulary: Vocabulary) -> list[Line]:
    """The lines that the numbers say; when they are used up, the shortest way to the end."""
    last = vocabulary.find(Field.WORD, split_word(Instruction(OUTPUT))[0])
    assert last is not None
    reading: Reading = read_lines(vocabulary)
    wanted = next(reading)
    while True:
        size = vocabulary.sizes[wanted]
        number = next(numbers, None)
        if number is not None:
            token = number % size
        elif wanted is Field.WORD:
            token = last
        else:
            token = ENDS.get(wanted, size - 1)
        try:
            wanted = reading.send(token)
        except StopIteration as done:
            return done.value


@settings(max_examples=200)
@given(numbers=st.lists(st.integers(0, 40) | st.integers(0, 2**20), max_size=200))
def test_any_tokens_are_lines(numbers: list[int], vocabulary: Vocabulary) -> None:
    lines = read_at_random(iter(numbers), vocabulary)
    assert lines[-1].operator == OUTPUT  # type: ignore[union-attr]
    again = list(write_lines(lines, vocabulary))
    assert list(map(repr, lines_of(again, vocabulary))) == list(map(repr, lines))
    if (size := said(lines)) < 200:  # more would only be slow
        assert len(Program(tuple(lines)).draft) == size


def test_a_vocabulary_comes_back_from_its_card(vocabulary: Vocabulary) -> None:
    again = Vocabulary.from_json(vocabulary.to_json())
    assert repr(again.entries) == repr(vocabulary.entries)
    assert again.size == vocabulary.size == sum(vocabulary.sizes.values())


@given(value=st.floats() | st.floats(width=32))
def test_floats_come_back_bit_for_bit(value: float) -> None:
    line = Instruction("LeakyRelu", (("alpha", value),))
    again, _ = lines_of(list(write_lines([line, END], NOTHING)), NOTHING)
    assert struct.pack("<d", dict(again.attributes)["alpha"]) == struct.pack("<d", value)


def test_scales_of_residual_branches_are_short() -> None:
    scale = float(np.float32(1 / 2.12**0.5))  # of normaliser-free networks
    tokens = list(write_lines([Instruction("Mul", (("B", scale),))], NOTHING))
    after = tokens[tokens.index((Field.TYPE, Type.ROOT)) + 1 :][:6]
    assert [token for _, token in after] == [1, 9, END_NUMBER, 3, 5, END_NUMBER]  # 25/53

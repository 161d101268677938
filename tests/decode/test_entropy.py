"""Tokens through bits and back, in as few as their probabilities say."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.decode.entropy import BitReader, cost, probabilities, to_bits


def draw(count: int, seed: int) -> tuple[list[int], list[np.ndarray]]:
    """Tokens, and the probabilities that they are drawn by."""
    random = np.random.default_rng(seed)
    chances = [
        probabilities(random.normal(size=random.integers(2, 400)) * 3) for _ in range(count)
    ]
    return [int(random.choice(len(c), p=c)) for c in chances], chances


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 60), st.integers(0, 2**16), st.integers(0, 200))
def test_tokens_come_back_whatever_zeros_follow(count: int, seed: int, zeros: int) -> None:
    tokens, chances = draw(count, seed)
    bits = to_bits(tokens, chances)
    reader = BitReader(np.concatenate([bits, np.zeros(zeros, bool)]))
    assert [reader.read(c) for c in chances] == tokens


@pytest.mark.parametrize("count", [1, 10, 300])
def test_bits_are_as_few_as_the_probabilities_say(count: int) -> None:
    tokens, chances = draw(count, seed=1)
    assert len(to_bits(tokens, chances)) <= cost(tokens, chances) + 3


def test_last_digits_of_logits_do_not_matter() -> None:
    logits = np.random.default_rng(0).normal(size=500)
    assert (probabilities(logits) == probabilities(logits + 1e-13)).all()


@given(st.binary(max_size=64), st.integers(0, 100))
@settings(max_examples=30, deadline=None)
def test_any_bits_say_some_tokens(data: bytes, seed: int) -> None:
    _, chances = draw(80, seed)
    reader = BitReader(np.unpackbits(np.frombuffer(data, np.uint8)).astype(bool))
    assert all(0 <= reader.read(c) < len(c) for c in chances)

"""Bits in numbers of a normal distribution: nothing lost, in float16 and under noise."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.decode.quantiles import (
    FEWEST,
    MOST,
    capacity,
    deviations,
    from_numbers,
    to_numbers,
)

NUMBERS = 32


@given(st.lists(st.booleans(), max_size=capacity(NUMBERS)))
def test_bits_come_back_with_zeros_behind_them(bits: list[bool]) -> None:
    numbers = to_numbers(np.array(bits, bool), NUMBERS)
    assert numbers.dtype == np.float16
    assert numbers.shape == (NUMBERS,)
    found = from_numbers(numbers).tolist()
    assert found[: len(bits)] == bits
    assert not any(found[len(bits) :])


def test_more_bits_than_fit_are_refused() -> None:
    with pytest.raises(ValueError, match="do not fit"):
        to_numbers(np.ones(capacity(NUMBERS) + 1, bool), NUMBERS)


@pytest.mark.parametrize("density", range(FEWEST, MOST + 1))
def test_noise_of_a_tenth_of_the_deviation_changes_nothing(density: int) -> None:
    random = np.random.default_rng(density)
    bits = random.random((NUMBERS - 1) * density) < 0.5
    numbers = to_numbers(bits, NUMBERS).astype(float)
    noise = random.standard_normal(NUMBERS) * deviations(numbers) * 0.1
    assert (from_numbers(numbers + noise) == bits).all()


def test_random_bits_are_normal_numbers() -> None:
    random = np.random.default_rng(0)
    numbers = to_numbers(random.random(capacity(2000)) < 0.5, 2000)[1:].astype(float)
    assert abs(numbers.mean()) < 0.1
    assert abs(numbers.std() - 1) < 0.1


@given(st.lists(st.floats(width=16), min_size=2, max_size=20))
def test_any_numbers_say_some_bits(numbers: list[float]) -> None:
    found = from_numbers(np.array(numbers, np.float16))
    assert len(found) % (len(numbers) - 1) == 0

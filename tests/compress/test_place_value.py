"""Place value: every combination of a block's fields has a place of its own on the line."""

from __future__ import annotations

import math

import torch

from pipeline.compress.attributes import ATTRIBUTES
from pipeline.compress.fields import Group
from pipeline.compress.place_value import PlaceValue

SMALL = Group("small", (4, 2, 3), 2, ((0, 1), (2,)))


def places(group: Group, fields: torch.Tensor, outputs: float = 0.0) -> torch.Tensor:
    """The first number of every latent dimension: (n, dimensions)."""
    start = torch.full((len(fields), group.dimensions, 2), outputs)
    return PlaceValue(group)(start, fields)[..., 0]


def test_combinations_are_spread_evenly_over_the_circle():
    fields = torch.cartesian_prod(torch.arange(4), torch.arange(2), torch.tensor([0]))
    line = places(SMALL, fields)[:, 0]
    steps = line.diff()
    torch.testing.assert_close(steps, torch.full_like(steps, 2 * math.pi / 8))
    assert -math.pi < float(line[0])
    assert float(line[-1]) < math.pi


def test_a_block_moves_its_own_dimension_only():
    a, b = places(SMALL, torch.tensor([[3, 1, 0], [3, 1, 2]]))
    assert a[0] == b[0]
    assert a[1] != b[1]


def test_whatever_the_model_says_intervals_never_overlap():
    words = torch.arange(4096)
    digits = torch.stack([words >> 8, words >> 4 & 15, words & 15], 1).repeat(1, 8)
    low, high = (places(ATTRIBUTES, digits, outputs) for outputs in (-0.9, 0.9))
    assert (high[:-1] < low[1:]).all()
    assert (low > -math.pi).all()
    assert (high < math.pi).all()


def test_fields_that_do_not_apply_count_as_zero():
    found = places(SMALL, torch.tensor([[-1, 1, -1], [0, 1, 0]]))
    assert torch.equal(found[0], found[1])


def test_deviations_are_counted_in_steps():
    start = torch.zeros(1, 2, 2)
    deviations = PlaceValue(SMALL)(start, torch.zeros(1, 3, dtype=torch.long))[..., 1].exp()
    torch.testing.assert_close(deviations, torch.tensor([[math.pi / 8, math.pi / 3]]))


def test_it_adds_nothing_to_a_models_weights():
    assert not PlaceValue(SMALL).state_dict()

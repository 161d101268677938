"""Stretches of real networks are networks of their own, that nothing needs to repair."""

from __future__ import annotations

import numpy as np
import pytest

from pipeline.decode.repair import repair
from pipeline.evaluate.stretches import (
    Bounds,
    Cuttable,
    at_size,
    draw_stretch,
    small_networks,
    stretch_between,
)
from pipeline.graph.network import OUTPUT

BOUNDS = Bounds(5, 40, 1_000_000)


@pytest.fixture(scope="module")
def wholes(light):
    found = [Cuttable.of(light[name]) for name in ("squeezenet", "shufflenet")]
    assert None not in found
    return found


def test_all_paths_pass_through_a_cut(wholes):
    for whole in wholes:
        operands = [v.operands for v in whole.network.vertices]
        for cut in whole.cuts:
            later = {o.source for row in operands[cut + 1 :] for o in row if o.source <= cut}
            assert later == {cut}
        assert whole.cuts[0] == 0
        assert len(whole.cuts) > 10


def test_a_stretch_has_the_layers_between_its_cuts(wholes):
    whole = wholes[0]
    first, last = whole.cuts[3], whole.cuts[9]
    found = stretch_between(whole, first, last)
    inside = whole.network.vertices[first + 1 : last + 1]
    assert sorted(v.operator for v in found.vertices[1:-1]) == sorted(
        v.operator for v in inside
    )
    assert found.vertices[0].get("shape") == whole.layers[first].outputs[0].shape[1:]
    assert found.vertices[-1].operator == OUTPUT


def test_drawn_stretches_are_valid_and_within_bounds(wholes):
    random = np.random.default_rng(0)
    for _ in range(8):
        found = draw_stretch(wholes, BOUNDS, random)
        assert BOUNDS.fewest <= len(found) <= BOUNDS.most
        repaired = repair(found.vertices)
        assert repaired.network == found
        assert repaired.edits == ()


def test_small_networks_are_those_within_bounds(wholes, light):
    assert small_networks(wholes, BOUNDS) == []
    large = Bounds(5, 80, 2_000_000)
    assert small_networks(wholes, large) == [at_size(light["squeezenet"], 64)]

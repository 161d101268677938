"""Corruptions: each does what it says, harms nothing it is given, and repair copes."""

from __future__ import annotations

import numpy as np
import pytest

from pipeline.evaluate.corrupt import BANDS, CORRUPTIONS, corrupt
from pipeline.evaluate.prior import Prior
from pipeline.evaluate.repairs import Tally, try_latents
from pipeline.evaluate.stretches import Bounds, Cuttable, draw_stretch, image_of

WIDTHS = {"structure": 4, "operation": 2, "attributes": 8}


def rows(count, start=0.0):
    """Vectors that say where they come from: row r holds start + r."""
    return {
        group: np.repeat(start + np.arange(count, dtype=np.float32)[:, None], width, axis=1)
        for group, width in WIDTHS.items()
    }


def origins(latents):
    return latents["structure"][:, 0].tolist()


@pytest.mark.parametrize("name", CORRUPTIONS)
def test_a_corruption_keeps_the_form_and_what_it_is_given(name):
    for seed in range(20):
        given, other = rows(12), rows(7, start=100)
        found = corrupt(given, other, name, np.random.default_rng(seed))
        assert {g: v.shape[1] for g, v in found.latents.items()} == WIDTHS
        assert len({len(v) for v in found.latents.values()}) == 1
        assert all(len(v) and v.dtype == np.float32 for v in found.latents.values())
        assert 0.01 <= found.severity <= 1
        assert found.band in dict(BANDS)
        for group in WIDTHS:
            assert np.array_equal(given[group], rows(12)[group])
            assert np.array_equal(other[group], rows(7, start=100)[group])


def apply(name, share, count=10):
    random = np.random.default_rng(1)
    return CORRUPTIONS[name](rows(count), share, rows(5, start=100), random)


def test_rows_are_moved_dropped_doubled_or_replaced_as_a_share():
    assert sorted(origins(apply("shuffle_rows", 1.0))) == list(range(10))
    assert len(origins(apply("drop_rows", 0.3))) == 7
    assert len(origins(apply("drop_rows", 1.0))) == 1
    doubled = origins(apply("duplicate_rows", 0.3))
    assert doubled == sorted(doubled)
    assert len(doubled) == 13
    assert sum(o >= 100 for o in origins(apply("swap_rows", 0.4))) == 4
    cut = origins(apply("cut_off", 0.4))
    assert len(cut) == 6
    assert cut == list(range(int(cut[0]), int(cut[0]) + 6))


def test_noise_hits_a_share_of_the_numbers_and_tearing_parts_the_groups():
    noisy = apply("noise", 0.1, count=200)
    hit = np.concatenate([(noisy[g] != rows(200)[g]).ravel() for g in WIDTHS])
    assert 0.05 < hit.mean() < 0.15
    torn = apply("tear_rows", 1.0)
    assert origins(torn) != torn["operation"][:, 0].tolist()
    assert sorted(origins(torn)) == sorted(torn["operation"][:, 0].tolist())


def test_whatever_was_done_to_a_code_a_network_comes_out_that_runs(tiny_codec, light):
    wholes = [c for n in ("squeezenet", "shufflenet") if (c := Cuttable.of(light[n]))]
    random, total = np.random.default_rng(1), Tally()
    bounds = Bounds(5, 16, 50_000)
    for name in CORRUPTIONS:
        networks = [draw_stretch(wholes, bounds, random) for _ in range(2)]
        latents, other = (tiny_codec.encode(n).latents for n in networks)
        found = corrupt(latents, other, name, random)
        assert try_latents(tiny_codec, found.latents, image_of(16), [total]) is None
    assert (total.networks, total.ran) == (len(CORRUPTIONS), len(CORRUPTIONS))
    assert 0 < total.kept <= total.supported <= total.vertices
    assert Tally.from_plain(total.to_plain()).summary() == total.summary()


def test_what_is_drawn_from_the_prior_runs(tiny_codec, light):
    prior = Prior.of([tiny_codec.encode(light["squeezenet"])])
    random, total = np.random.default_rng(0), Tally()
    for vertices in (1, 5, 20):
        latents = prior.draw(vertices, random)
        assert len(latents["structure"]) == vertices
        assert try_latents(tiny_codec, latents, image_of(16), [total]) is None
    assert total.vertices == 26

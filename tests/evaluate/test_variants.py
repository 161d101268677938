"""What became of an architecture starts from the original's own weights."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import nn

from pipeline.evaluate.retrain_params import RetrainParams
from pipeline.evaluate.table2 import WITHOUT_COMPRESSION, make_original
from pipeline.evaluate.variants import (
    CLASSES,
    copy_fitting,
    make_variants,
    original_weights,
    read_original,
)

PARAMS = RetrainParams(image_size=32, epochs=1)


@pytest.fixture(scope="module")
def variants(tiny_codec):
    return make_variants("resnet18", PARAMS, [tiny_codec])


def test_without_compression_the_fingerprint_is_the_originals(variants):
    assert list(variants) == [WITHOUT_COMPRESSION, "tiny"]
    original = read_original("resnet18", PARAMS)
    assert variants[WITHOUT_COMPRESSION].fingerprint == original.fingerprint


def test_a_seed_gives_the_originals_function(variants):
    torch.manual_seed(7)
    expected_next = torch.get_rng_state()
    module = variants[WITHOUT_COMPRESSION].make(3).eval()
    assert torch.equal(torch.get_rng_state(), expected_next)
    x = torch.randn(2, 3, 32, 32)
    with torch.no_grad():
        expected = make_original("resnet18", CLASSES, 3).eval()(x)
        other = make_original("resnet18", CLASSES, 4).eval()(x)
        found = module(x)
    torch.testing.assert_close(found, expected, rtol=1e-4, atol=1e-5)
    assert not torch.allclose(found, other, rtol=1e-2)


def test_what_came_through_the_vectors_starts_from_the_same_weights(variants):
    made, again = (variants["tiny"].make(5).state_dict() for _ in range(2))
    assert all(torch.equal(tensor, again[name]) for name, tensor in made.items())
    weights = original_weights("resnet18", PARAMS, 5)
    fitting = [n for n, w in weights.items() if n in made and made[n].shape == w.shape]
    assert fitting
    for name in fitting:
        assert torch.equal(made[name], torch.from_numpy(np.array(weights[name])))


def test_weights_are_named_as_the_networks_parameters():
    weights = original_weights("resnet18", PARAMS, 0)
    module = make_original("resnet18", CLASSES, 0)
    trained = [p for p in module.state_dict().values() if p.dim()]
    assert sum(w.size for w in weights.values()) == sum(p.numel() for p in trained)


def test_only_what_fits_is_copied():
    module = nn.Sequential(nn.Linear(2, 3), nn.Linear(3, 2))
    before = {name: tensor.clone() for name, tensor in module.state_dict().items()}
    copy_fitting(
        module, {"0.weight": np.ones((3, 2)), "1.weight": np.ones((9, 9)), "x": before}
    )
    after = module.state_dict()
    assert (after["0.weight"] == 1).all()
    for name in ("0.bias", "1.weight", "1.bias"):
        assert torch.equal(after[name], before[name])

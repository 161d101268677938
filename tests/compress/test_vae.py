"""The variational autoencoder: its divergence, its noise, its quality features."""

import pytest
import torch

from pipeline.compress import cells as enas
from pipeline.compress.ae import AEConfig
from pipeline.compress.vae import VariationalAutoEncoder, divergence
from pipeline.compress.vae_quality import QualityConfig, QualityVAE


@pytest.fixture
def items():
    return enas.to_items(enas.draw_cells(16, torch.Generator().manual_seed(0)))


def test_divergence_is_that_of_gaussians():
    mean, log_std = torch.randn(5, 3), torch.randn(5, 3)
    q = torch.distributions.Normal(mean, log_std.exp())
    p = torch.distributions.Normal(torch.zeros(5, 3), torch.ones(5, 3))
    expected = torch.distributions.kl_divergence(q, p).sum()
    torch.testing.assert_close(divergence(mean, log_std), expected)


def test_noise_is_for_training_only(items):
    model = VariationalAutoEncoder(AEConfig(groups=enas.GROUPS, width=16, depth=1))
    model.train()
    assert model.losses(items)[0] != model.losses(items)[0]
    model.eval()
    assert model.losses(items)[0] == model.losses(items)[0]


def test_quality_needs_no_accuracy_to_encode_and_is_not_decoded(items):
    config = QualityConfig(groups=enas.GROUPS, width=16, depth=1, quality=5, quality_width=8)
    model = QualityVAE(config).eval()
    latents = model.encode(items)
    assert latents["quality"].shape == (16, 5)
    made = model.decode(latents)
    changed = model.decode(latents | {"quality": torch.zeros(16, 5)})
    assert all(torch.equal(made[g], changed[g]) for g in items)


def test_quality_is_paid_for_by_its_squared_error(items):
    config = QualityConfig(groups=enas.GROUPS, width=16, depth=1, quality_weight=2.0)
    model = QualityVAE(config).eval()
    guess = model.estimate(model.encode(items)["quality"])[:, 0].detach()
    _, _, exact = model.losses(items | {"accuracy": guess})
    _, _, off = model.losses(items | {"accuracy": guess + 0.5})
    assert exact.item() == pytest.approx(0, abs=1e-6)
    assert off.item() == pytest.approx(2.0 * 16 * 0.25, rel=1e-4)

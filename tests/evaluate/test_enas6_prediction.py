"""The sparse Gaussian process: it learns what can be learned, and says so when nothing can."""

import subprocess
import sys

import pytest
import torch

from pipeline.evaluate import enas6_prediction


@pytest.fixture(autouse=True)
def small(monkeypatch):
    monkeypatch.setattr(enas6_prediction, "INDUCING", 50)
    monkeypatch.setattr(enas6_prediction, "BATCH", 200)


def test_a_smooth_function_is_predicted_and_noise_is_not():
    torch.manual_seed(0)
    x = torch.randn(800, 2) * torch.tensor([1.0, 50.0]) + 7
    y = 0.7 + 0.01 * torch.sin(2 * x[:, 0])
    noise = torch.randn(800)
    for target, low, high in ((y, 0.0, 0.3), (noise, 0.8, 1.3)):
        found = enas6_prediction.predict_accuracy(
            (x[:600], target[:600]), (x[600:], target[600:]), seeds=[1, 2]
        )
        assert len(found.rmse) == 2
        assert all(low < rmse < high for rmse in found.rmse)
        assert all((r > 0.95) == (high < 0.5) for r in found.pearson_r)


def test_the_same_seed_gives_the_same_figures():
    torch.manual_seed(0)
    x, y = torch.randn(300, 3), torch.randn(300)
    runs = [
        enas6_prediction.predict_accuracy(
            (x[:200], y[:200]), (x[200:], y[200:]), seeds=[1], epochs=2
        )
        for _ in range(2)
    ]
    assert runs[0] == runs[1]


def test_importing_it_warns_of_nothing():
    code = "import pipeline.evaluate.enas6_prediction"
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    )
    assert done.stderr == ""

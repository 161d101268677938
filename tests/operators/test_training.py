"""A network that went through the graph trains as the original does, step by step."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
import torch
import torchvision
from torch import nn

from pipeline.harvest.export import export_with_weights
from pipeline.operators.read_onnx import read_onnx, read_weights
from pipeline.operators.to_torch import to_torch

STEPS, IMAGES, CLASSES = 3, 2, 10


@pytest.fixture(autouse=True)
def one_thread() -> Iterator[None]:
    """Sums in one order, and no waiting for a core that is busy."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


def train(module: nn.Module, images: torch.Tensor, labels: torch.Tensor) -> list[float]:
    """Losses of a few steps of SGD with momentum, Dropout drawn from one seed."""
    module.train()
    optimiser = torch.optim.SGD(module.parameters(), lr=0.01, momentum=0.9, weight_decay=1e-4)
    torch.manual_seed(3)
    losses = []
    for _ in range(STEPS):
        loss = nn.functional.cross_entropy(module(images), labels)
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        losses.append(loss.item())
    return losses


@pytest.mark.parametrize(("name", "size"), [("resnet18", 64), ("alexnet", 224)])
def test_the_same_loss_curve(name: str, size: int, tmp_path: Path) -> None:
    torch.manual_seed(0)
    original = torchvision.models.get_model(name, weights=None, num_classes=CLASSES)
    path = tmp_path / "original.onnx"
    export_with_weights(original, torch.zeros(1, 3, size, size), path)
    network = read_onnx(path)
    rebuilt = to_torch(network, read_weights(path, network))
    images = torch.randn(IMAGES, 3, size, size)
    labels = torch.randint(CLASSES, (IMAGES,))
    expected = train(original, images, labels)
    assert train(rebuilt, images, labels) == pytest.approx(expected, rel=1e-5)
    assert len({round(loss, 3) for loss in expected}) == STEPS  # it does train
    with torch.no_grad():  # statistics of BatchNormalization too
        outputs = [module.eval()(images) for module in (original, rebuilt)]
    torch.testing.assert_close(outputs[0], outputs[1], rtol=1e-4, atol=1e-4)

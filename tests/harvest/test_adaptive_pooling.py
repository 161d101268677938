"""Pooling to a larger map: exported as Resize, and the same numbers as torch's."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import nn

from pipeline.errors import ModelError
from pipeline.harvest.export import export_skeleton, export_with_weights
from pipeline.operators.read_onnx import read_onnx, read_weights
from pipeline.operators.to_torch import to_torch


def operators_and_difference(module: nn.Module, x: torch.Tensor, file) -> tuple[set, float]:
    export_with_weights(module, x, file)
    module.eval()  # the export keeps Dropout, and so leaves it training
    network = read_onnx(file)
    again = to_torch(network, read_weights(file, network)).eval()
    with torch.no_grad():
        difference = (again(x) - module(x)).abs().max() / module(x).abs().max()
    return {v.operator for v in network.vertices}, float(difference)


def test_alexnet_at_64_by_64(tmp_path):
    from torchvision.models import alexnet

    torch.manual_seed(0)
    module, x = alexnet(num_classes=10), torch.randn(1, 3, 64, 64)
    operators, difference = operators_and_difference(module, x, tmp_path / "a.onnx")
    assert "Resize" in operators
    assert difference < 1e-5


@pytest.mark.parametrize(
    ("have", "want", "operator"),
    [
        ((2, 2), (6, 6), "Resize"),
        ((2, 3), (4, 9), "Resize"),
        ((6, 6), (3, 3), "AveragePool"),
        ((6, 6), (1, 1), "GlobalAveragePool"),
    ],
)
def test_every_multiple_is_the_same_as_torch(tmp_path, have, want, operator):
    module = nn.Sequential(nn.Conv2d(3, 4, 1), nn.AdaptiveAvgPool2d(want))
    x = torch.from_numpy(np.random.default_rng(0).standard_normal((1, 3, *have), np.float32))
    operators, difference = operators_and_difference(module, x, tmp_path / "a.onnx")
    assert operator in operators
    assert difference < 1e-5


def test_what_is_no_multiple_is_refused():
    module = nn.Sequential(nn.Conv2d(3, 4, 1), nn.AdaptiveAvgPool2d(5))
    with pytest.raises(ModelError):
        export_skeleton(module, torch.zeros(1, 3, 3, 3))

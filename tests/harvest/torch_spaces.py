"""The search spaces as torch modules, to export and compare with what is assembled."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor, nn

from pipeline.harvest.blocks import conv_bn_relu, pool_and_classify, relu_conv_bn, separable
from pipeline.harvest.enas6 import Row
from pipeline.harvest.nasbench201 import Cell

# In the order of ENAS's macro space: its branches 0 to 5.
OPERATORS: tuple[Callable[[int], nn.Module], ...] = (
    lambda channels: conv_bn_relu(channels, channels, 3),
    lambda channels: separable(channels, 3),
    lambda channels: conv_bn_relu(channels, channels, 5),
    lambda channels: separable(channels, 5),
    lambda channels: nn.AvgPool2d(3, 1, 1),
    lambda channels: nn.MaxPool2d(3, 1, 1),
)


class EnasNetwork(nn.Module):
    """One row as a classifier: (batch, 3, 32, 32) -> (batch, 10)."""

    def __init__(self, row: Row, channels: int) -> None:
        super().__init__()
        self.skips = row.skips
        self.stem = nn.Sequential(
            nn.Conv2d(3, channels, 3, padding=1, bias=False), nn.BatchNorm2d(channels)
        )
        self.merges = nn.ModuleDict(
            {
                str(i): conv_bn_relu(channels * (1 + sum(bits)), channels, 1)
                for i, bits in enumerate(row.skips)
                if any(bits)
            }
        )
        self.layers = nn.ModuleList(OPERATORS[number](channels) for number in row.operators)
        self.head = pool_and_classify(channels)

    def forward(self, image: Tensor) -> Tensor:
        vertices = [self.stem(image)]
        for i, layer in enumerate(self.layers):
            value = vertices[-1]
            if any(self.skips[i]):
                skips = [vertices[j] for j, taken in enumerate(self.skips[i]) if taken]
                value = self.merges[str(i)](torch.cat([*skips, value], 1))
            vertices.append(layer(value))
        return self.head(vertices[-1])


class CellModule(nn.Module):
    """One cell: every node is the sum of its edges."""

    def __init__(self, cell: Cell, channels: int) -> None:
        super().__init__()
        self.edges = tuple(cell)
        self.operators = nn.ModuleList(_operator(name, channels) for name in cell.values())

    def forward(self, value: Tensor) -> Tensor:
        nodes: dict[int, Tensor] = {0: value}
        for (source, target), operator in zip(self.edges, self.operators, strict=True):
            term = operator(nodes[source])
            nodes[target] = nodes[target] + term if target in nodes else term
        return nodes[3]


class Reduction(nn.Module):
    """The residual block between stages: half the image, twice the channels."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.convolutions = nn.Sequential(
            relu_conv_bn(channels, channels * 2, 3, stride=2),
            relu_conv_bn(channels * 2, channels * 2, 3),
        )
        self.shortcut = nn.Sequential(
            nn.AvgPool2d(2), nn.Conv2d(channels, channels * 2, 1, bias=False)
        )

    def forward(self, value: Tensor) -> Tensor:
        return self.shortcut(value) + self.convolutions(value)


def build(cell: Cell, cells: int, channels: int) -> nn.Sequential:
    """Stem, three stages of ``cells`` cells, head: (batch, 3, 32, 32) -> (batch, 10)."""
    parts: list[nn.Module] = [nn.Conv2d(3, channels, 3, padding=1, bias=False)]
    parts.append(nn.BatchNorm2d(channels))
    for stage in range(3):
        if stage:
            parts.append(Reduction(channels))
            channels *= 2
        parts += [CellModule(cell, channels) for _ in range(cells)]
    parts += [nn.BatchNorm2d(channels), nn.ReLU(), pool_and_classify(channels)]
    return nn.Sequential(*parts)


def _operator(name: str, channels: int) -> nn.Module:
    if name == "avg_pool_3x3":
        return nn.AvgPool2d(3, stride=1, padding=1, count_include_pad=False)
    if name == "skip_connect":
        return nn.Identity()
    return relu_conv_bn(channels, channels, 1 if name == "nor_conv_1x1" else 3)


class InvertedResidual(nn.Module):
    """NAS-Bench-Macro's block: expand, filter each channel, narrow; add where shapes agree."""

    def __init__(self, channels: int, wider: int, stride: int, expansion: int, kernel: int):
        super().__init__()
        hidden = channels * expansion
        self.convolutions = nn.Sequential(
            nn.Conv2d(channels, hidden, 1, bias=False),
            nn.BatchNorm2d(hidden),
            nn.ReLU(),
            nn.Conv2d(hidden, hidden, kernel, stride, kernel // 2, groups=hidden, bias=False),
            nn.BatchNorm2d(hidden),
            nn.ReLU(),
            nn.Conv2d(hidden, wider, 1, bias=False),
            nn.BatchNorm2d(wider),
        )
        self.added = stride == 1 and channels == wider

    def forward(self, value: Tensor) -> Tensor:
        found = self.convolutions(value)
        return found + value if self.added else found


def build_macro(blocks: str) -> nn.Sequential:
    """A network of NAS-Bench-Macro: (batch, 3, 32, 32) -> (batch, 10)."""
    channels, digits = 32, iter(blocks)
    parts: list[nn.Module] = [conv_bn_relu(3, channels, 3)]
    for stage in (2, 3, 3):
        for place in range(stage):
            wider, stride = (channels, 1) if place else (channels * 2, 2)
            digit = next(digits)
            if digit != "0":
                expansion, kernel = (3, 3) if digit == "1" else (6, 5)
                parts.append(InvertedResidual(channels, wider, stride, expansion, kernel))
            elif stride == 2:
                parts.append(nn.Conv2d(channels, wider, 1, 2, bias=False))
                parts.append(nn.BatchNorm2d(wider))
            channels = wider
    return nn.Sequential(*parts, conv_bn_relu(channels, 1280, 1), pool_and_classify(1280))

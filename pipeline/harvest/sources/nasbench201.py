"""NAS-Bench-201's cells in the network that the paper trains on CIFAR-10.

Cells whose output nothing reaches are no networks and are not drawn.
"""

from __future__ import annotations

import random
from collections.abc import Iterator

import torch
from torch import Tensor, nn

from pipeline.harvest.blocks import pool_and_classify, relu_conv_bn
from pipeline.harvest.candidate import Candidate, Fetched
from pipeline.harvest.export import export_fetched
from pipeline.harvest.nasbench201 import CELLS, Cell, address_of, cell_of
from pipeline.harvest.params import NasBench201
from pipeline.harvest.sources import versions_of

IMAGE = 32  # pixels a side


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


def list_candidates(params: NasBench201) -> Iterator[Candidate]:
    """``limit`` cells drawn with ``seed``, those whose output is reached."""
    order = random.Random(params.seed).sample(range(CELLS), CELLS)
    usable = (number for number in order if cell_of(number))
    for number, _ in zip(usable, range(params.limit), strict=False):
        yield Candidate(
            source="nasbench201",
            address=address_of(number, params.cells, params.channels),
            name=f"nasbench201_{number:05d}",
            family="nasbench201",
            licence="MIT",
            version=versions_of("torch"),
        )


def fetch(candidate: Candidate, params: NasBench201) -> Fetched:
    """Build and export the network of one cell."""
    cell = cell_of(int(candidate.address.rpartition("/")[2]))
    module = build(cell, params.cells, params.channels)
    return export_fetched(module, torch.zeros(1, 3, IMAGE, IMAGE))


def _operator(name: str, channels: int) -> nn.Module:
    if name == "avg_pool_3x3":
        return nn.AvgPool2d(3, stride=1, padding=1, count_include_pad=False)
    if name == "skip_connect":
        return nn.Identity()
    return relu_conv_bn(channels, channels, 1 if name == "nor_conv_1x1" else 3)

"""Networks of the ENAS set, built as torch modules and exported.

A vertex takes the one before it and its skips; several are concatenated and brought back to
one width by a 1x1 convolution, then the operator is applied, as in the D-VAE authors' reading
of a row as a graph. Vertex 0 is a stem on CIFAR-sized images.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator

import torch
from torch import Tensor, nn

from pipeline.harvest.blocks import conv_bn_relu, pool_and_classify, separable
from pipeline.harvest.candidate import Candidate, Fetched
from pipeline.harvest.enas6 import Row, fetch_enas6, read_enas6
from pipeline.harvest.export import export_fetched
from pipeline.harvest.params import Enas6
from pipeline.harvest.sources import versions_of

SCHEME = "enas6://"
IMAGE = 32  # pixels a side

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


def list_candidates(params: Enas6) -> Iterator[Candidate]:
    """``limit`` rows drawn with ``seed``; fetches the set if it is not there."""
    rows = len(read_enas6(fetch_enas6(params.path)))
    chosen = random.Random(params.seed).sample(range(rows), min(params.limit, rows))
    for number in sorted(chosen):
        yield Candidate(
            source="enas6",
            address=f"{SCHEME}c{params.channels}/{number:05d}",
            name=f"enas6_{number:05d}",
            family="enas6",
            licence="MIT",
            version=versions_of("torch"),
        )


def fetch(candidate: Candidate, params: Enas6) -> Fetched:
    """Build and export one row's network."""
    number = int(candidate.address.rpartition("/")[2])
    row = read_enas6(params.path)[number]
    module = EnasNetwork(row, params.channels)
    return export_fetched(module, torch.zeros(1, 3, IMAGE, IMAGE))

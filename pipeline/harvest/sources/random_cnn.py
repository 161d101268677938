"""Random CNNs: stages of blocks of real designs, long skips, varied operators and attributes.

A network keeps to one style (activation, normalisation, kernel) and mixes one to three kinds
of blocks. The same seed and number give the same network.
"""

from __future__ import annotations

import random
from collections.abc import Iterator
from functools import partial

import torch
from torch import Tensor, nn

from pipeline.harvest.candidate import Candidate, Fetched
from pipeline.harvest.export import export_fetched
from pipeline.harvest.params import Sampled
from pipeline.harvest.random_blocks import BLOCKS, Activation, Mean, Style, conv
from pipeline.harvest.sources import versions_of

SCHEME = "random-cnn://"
EDITION = "edition 1"  # to be raised when a seed would draw another network

Shape = tuple[int, int, int, int]


class Skips(nn.Module):
    """Blocks of one width in a row, some of which also take an earlier block's result."""

    def __init__(self, blocks: list[nn.Module], skips: dict[int, int], multiply: bool) -> None:
        super().__init__()
        self.blocks, self.skips, self.multiply = nn.ModuleList(blocks), skips, multiply

    def forward(self, value: Tensor) -> Tensor:
        values = [value]
        for number, block in enumerate(self.blocks):
            value = block(values[-1])
            if number in self.skips:
                earlier = values[self.skips[number]]
                value = value * torch.sigmoid(earlier) if self.multiply else value + earlier
            values.append(value)
        return values[-1]


def draw_network(draw: random.Random) -> tuple[nn.Module, Shape]:
    """A classifier, and the shape of its input (batch 1)."""
    style = _draw_style(draw)
    image = draw.choice((32, 48, 64, 96, 128))
    channels = draw.choice((16, 24, 32, 48, 64))
    shape = (1, draw.choice((3, 3, 3, 1)), image, image)
    parts: list[nn.Module] = [_draw_stem(draw, style, channels, shape)]
    kinds = draw.sample(BLOCKS, draw.randint(1, 3))
    stages = draw.randint(2, 4)
    for stage in range(stages):
        if stage:
            wider = channels * draw.choice((1, 2, 2)) + draw.choice((0, 0, 8))
            parts.append(_draw_reduction(draw, style, channels, wider))
            channels = wider
        blocks = [draw.choice(kinds)(style, channels, draw) for _ in range(draw.randint(1, 5))]
        parts.append(_draw_skips(draw, blocks))
    parts.append(_draw_head(draw, style, channels))
    return nn.Sequential(*parts), shape


def list_candidates(params: Sampled) -> Iterator[Candidate]:
    """Numbers 0 to ``limit`` - 1 of ``seed``."""
    for number in range(params.limit):
        yield Candidate(
            source="random_cnn",
            address=f"{SCHEME}{params.seed}/{number:06d}",
            name=f"random_cnn_{params.seed}_{number:06d}",
            family="random_cnn",
            licence="MIT",
            version=f"{versions_of('torch')}, {EDITION}",
        )


def fetch(candidate: Candidate, params: Sampled) -> Fetched:
    """Draw and export one."""
    module, shape = draw_network(random.Random(candidate.address.removeprefix(SCHEME)))
    return export_fetched(module, torch.zeros(shape))


def _draw_style(draw: random.Random) -> Style:
    activations: tuple[Activation, ...] = (
        *(nn.ReLU, nn.ReLU, nn.ReLU, nn.SiLU, nn.Hardswish, nn.GELU, nn.ReLU6, nn.Tanh),
        partial(nn.LeakyReLU, draw.choice((0.01, 0.1, 0.2))),
        partial(nn.ELU, draw.choice((0.5, 1.0))),
        nn.PReLU,
    )
    return Style(
        activation=draw.choice(activations),
        normalised=draw.random() < 0.8,
        epsilon=draw.choice((1e-5, 1e-5, 1e-3)),
        momentum=draw.choice((0.1, 0.1, 0.01, 0.03)),
        kernel=draw.choice((3, 3, 5, 7)),
        groups=draw.choice((1, 1, 2, 4, 8)),
        expansion=draw.choice((2, 3, 4, 6)),
        ratio=draw.choice((2, 4)),
    )


def _draw_stem(draw: random.Random, style: Style, channels: int, shape: Shape) -> nn.Module:
    image = shape[2]
    first = conv(style, shape[1], channels, draw.choice((3, 5, 7)), 2 if image >= 64 else 1)
    if image >= 96 and draw.random() < 0.5:
        return nn.Sequential(first, nn.MaxPool2d(3, 2, 1, ceil_mode=draw.random() < 0.3))
    return first


def _draw_reduction(draw: random.Random, style: Style, channels: int, wider: int) -> nn.Module:
    kind = draw.randrange(4)
    if kind == 0:
        return conv(style, channels, wider, 3, stride=2)
    if kind == 1:
        return nn.Sequential(nn.MaxPool2d(2), conv(style, channels, wider))
    if kind == 2:
        return nn.Sequential(conv(style, channels, wider), nn.AvgPool2d(2))
    padded = nn.ZeroPad2d((0, 1, 0, 1))  # asymmetric, as in networks ported from TensorFlow
    return nn.Sequential(padded, nn.Conv2d(channels, wider, 3, 2), style.activation())


def _draw_skips(draw: random.Random, blocks: list[nn.Module]) -> nn.Module:
    skips = {
        number: draw.randrange(number)
        for number in range(1, len(blocks))
        if draw.random() < 0.35
    }
    return Skips(blocks, skips, multiply=draw.random() < 0.15)


def _draw_head(draw: random.Random, style: Style, channels: int) -> nn.Module:
    classes = draw.choice((10, 100, 1000))
    pooled = [nn.AdaptiveAvgPool2d(1), nn.Flatten()]
    parts: list[nn.Module] = [Mean()] if draw.random() < 0.25 else pooled
    features = channels
    if draw.random() < 0.3:
        hidden = draw.choice((64, 128, 256))
        parts += [nn.Linear(features, hidden), style.activation()]
        features = hidden
    if draw.random() < 0.4:
        parts.append(nn.Dropout(draw.choice((0.1, 0.2, 0.5))))
    return nn.Sequential(*parts, nn.Linear(features, classes))

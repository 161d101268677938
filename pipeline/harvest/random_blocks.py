"""The blocks that random CNNs are drawn from, each a way in which real networks are built."""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor, nn

Activation = Callable[[], nn.Module]


@dataclass(frozen=True)
class Style:
    """What a whole network keeps to, as real ones do."""

    activation: Activation
    normalised: bool
    epsilon: float
    momentum: float
    kernel: int
    groups: int
    expansion: int
    ratio: int  # by how much bottlenecks and gates narrow


class Residual(nn.Module):
    """The sum of a branch and a shortcut (maybe nothing), then maybe an activation."""

    def __init__(self, branch: nn.Module, shortcut: nn.Module, after: nn.Module) -> None:
        super().__init__()
        self.branch, self.shortcut, self.after = branch, shortcut, after

    def forward(self, value: Tensor) -> Tensor:
        return self.after(self.branch(value) + self.shortcut(value))


class Branches(nn.Module):
    """Branches on the same input, concatenated along the channels."""

    def __init__(self, *branches: nn.Module) -> None:
        super().__init__()
        self.branches = nn.ModuleList(branches)

    def forward(self, value: Tensor) -> Tensor:
        return torch.cat([branch(value) for branch in self.branches], 1)


class Gate(nn.Module):
    """Squeeze and excitation: channels weighed by what the whole image holds."""

    def __init__(
        self, channels: int, ratio: int, activation: nn.Module, gate: nn.Module
    ) -> None:
        super().__init__()
        narrow = max(4, channels // ratio)
        self.weigh = nn.Sequential(
            nn.AdaptiveAvgPool2d(1),
            nn.Conv2d(channels, narrow, 1),
            activation,
            nn.Conv2d(narrow, channels, 1),
            gate,
        )

    def forward(self, value: Tensor) -> Tensor:
        return value * self.weigh(value)


class Shuffle(nn.Module):
    """Half of the channels pass a branch, then both halves are interleaved (ShuffleNet v2)."""

    def __init__(self, branch: nn.Module) -> None:
        super().__init__()
        self.branch = branch

    def forward(self, value: Tensor) -> Tensor:
        count, channels, height, width = (int(size) for size in value.shape)  # as constants
        half = channels // 2
        value = torch.cat((value[:, :half], self.branch(value[:, half:])), 1)
        value = value.view(count, 2, half, height, width).transpose(1, 2)
        return value.reshape(count, channels, height, width)


class Mean(nn.Module):
    """(batch, channels, height, width) -> (batch, channels)."""

    def forward(self, value: Tensor) -> Tensor:
        return value.mean((2, 3))


def conv(
    style: Style,
    channels_in: int,
    channels: int,
    kernel: int = 1,
    stride: int = 1,
    groups: int = 1,
    dilation: int = 1,
    active: bool = True,
) -> nn.Sequential:
    """Convolution, normalisation if the style has it, activation unless told otherwise."""
    padding = dilation * (kernel // 2)
    parts: list[nn.Module] = [
        nn.Conv2d(
            channels_in,
            channels,
            kernel,
            stride,
            padding,
            dilation,
            groups,
            not style.normalised,
        )
    ]
    if style.normalised:
        parts.append(nn.BatchNorm2d(channels, style.epsilon, style.momentum))
    if active:
        parts.append(style.activation())
    return nn.Sequential(*parts)


def plain(style: Style, channels: int, draw: random.Random) -> nn.Module:
    """One to three convolutions (VGG)."""
    count = draw.randint(1, 3)
    return nn.Sequential(
        *(conv(style, channels, channels, style.kernel) for _ in range(count))
    )


def residual(style: Style, channels: int, draw: random.Random) -> nn.Module:
    """Two convolutions and a shortcut (ResNet's basic block)."""
    branch = nn.Sequential(
        conv(style, channels, channels, style.kernel),
        conv(style, channels, channels, style.kernel, active=False),
    )
    return Residual(branch, nn.Identity(), style.activation())


def bottleneck(style: Style, channels: int, draw: random.Random) -> nn.Module:
    """Narrow, convolve in groups, widen (ResNet, ResNeXt)."""
    narrow = max(style.groups * 4, channels // style.ratio // style.groups * style.groups)
    branch = nn.Sequential(
        conv(style, channels, narrow),
        conv(style, narrow, narrow, style.kernel, groups=style.groups),
        conv(style, narrow, channels, active=False),
    )
    return Residual(branch, nn.Identity(), style.activation())


def inverted(style: Style, channels: int, draw: random.Random) -> nn.Module:
    """Widen, depthwise, perhaps a gate, narrow; no activation after (MobileNet v2 and v3)."""
    wide = channels * style.expansion
    parts: list[nn.Module] = [
        conv(style, channels, wide),
        conv(style, wide, wide, style.kernel, groups=wide),
    ]
    if draw.random() < 0.4:
        gate = nn.Hardsigmoid() if draw.random() < 0.5 else nn.Sigmoid()
        parts.append(Gate(wide, style.ratio * 2, nn.ReLU(), gate))
    parts.append(conv(style, wide, channels, active=False))
    return Residual(nn.Sequential(*parts), nn.Identity(), nn.Identity())


def inception(style: Style, channels: int, draw: random.Random) -> nn.Module:
    """Branches of several kernels and a pooled one, brought back to one width."""
    quarter = max(4, channels // 4)
    pool = nn.AvgPool2d(3, 1, 1) if draw.random() < 0.5 else nn.MaxPool2d(3, 1, 1)
    branches = [
        conv(style, channels, quarter),
        nn.Sequential(conv(style, channels, quarter), conv(style, quarter, quarter, 3)),
        nn.Sequential(conv(style, channels, quarter), conv(style, quarter, quarter, 5)),
        nn.Sequential(pool, conv(style, channels, quarter)),
    ][: draw.randint(2, 4)]
    return nn.Sequential(Branches(*branches), conv(style, quarter * len(branches), channels))


def dense(style: Style, channels: int, draw: random.Random) -> nn.Module:
    """Each layer adds channels to all that came before; a transition ends it (DenseNet)."""
    growth, wide = max(4, channels // 4), channels
    parts: list[nn.Module] = []
    for _ in range(draw.randint(2, 4)):
        layer = nn.Sequential(conv(style, wide, growth), conv(style, growth, growth, 3))
        parts.append(Branches(nn.Identity(), layer))
        wide += growth
    return nn.Sequential(*parts, conv(style, wide, channels))


def dilated(style: Style, channels: int, draw: random.Random) -> nn.Module:
    """Parallel dilations, summed with the input (as in atrous pyramids)."""
    branch = conv(style, channels, channels, 3, dilation=draw.choice((2, 3, 4)), active=False)
    return Residual(branch, conv(style, channels, channels, 1), nn.Identity())


def shuffled(style: Style, channels: int, draw: random.Random) -> nn.Module:
    """Split, convolve one half, join, shuffle."""
    half = channels // 2
    branch = nn.Sequential(
        conv(style, half, half),
        conv(style, half, half, style.kernel, groups=half, active=False),
        conv(style, half, half),
    )
    return Shuffle(branch)


def gated(style: Style, channels: int, draw: random.Random) -> nn.Module:
    """A convolution whose channels are weighed, and a shortcut (SENet)."""
    branch = nn.Sequential(
        conv(style, channels, channels, style.kernel),
        Gate(channels, style.ratio * 2, style.activation(), nn.Sigmoid()),
    )
    return Residual(branch, nn.Identity(), style.activation())


BLOCKS = (
    *(plain, residual, bottleneck, inverted, inception, dense, dilated, shuffled, gated),
)

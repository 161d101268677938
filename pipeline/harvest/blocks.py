"""Small torch parts that the sampled search spaces are built of."""

from __future__ import annotations

from torch import nn


def conv_bn_relu(
    channels_in: int, channels: int, kernel: int, groups: int = 1
) -> nn.Sequential:
    """Convolution, batch normalisation, ReLU; the image keeps its size."""
    return nn.Sequential(
        nn.Conv2d(channels_in, channels, kernel, 1, kernel // 2, groups=groups, bias=False),
        nn.BatchNorm2d(channels),
        nn.ReLU(),
    )


def relu_conv_bn(
    channels_in: int, channels: int, kernel: int, stride: int = 1
) -> nn.Sequential:
    """ReLU, convolution, batch normalisation: the order of NAS-Bench-201."""
    return nn.Sequential(
        nn.ReLU(),
        nn.Conv2d(channels_in, channels, kernel, stride, kernel // 2, bias=False),
        nn.BatchNorm2d(channels),
    )


def separable(channels: int, kernel: int) -> nn.Sequential:
    """Depthwise, then pointwise convolution, batch normalisation, ReLU."""
    return nn.Sequential(
        nn.Conv2d(channels, channels, kernel, 1, kernel // 2, groups=channels, bias=False),
        nn.Conv2d(channels, channels, 1, bias=False),
        nn.BatchNorm2d(channels),
        nn.ReLU(),
    )


def pool_and_classify(channels: int, classes: int = 10) -> nn.Sequential:
    """(batch, channels, height, width) -> (batch, classes)."""
    return nn.Sequential(nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(channels, classes))

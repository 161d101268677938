"""Networks of the ENAS set, as whole classifiers.

A vertex takes the one before it and its skips; several are concatenated and brought back to
one width by a 1x1 convolution, then the operator is applied, as in the D-VAE authors' reading
of a row as a graph. Vertex 0 is a stem on CIFAR-sized images.
"""

from __future__ import annotations

import random
from collections.abc import Iterator
from functools import cache
from pathlib import Path

from pipeline.harvest.assemble import EDITION, Assembly
from pipeline.harvest.candidate import Candidate, Fetched
from pipeline.harvest.enas6 import Row, fetch_enas6, read_enas6
from pipeline.harvest.params import Enas6

SCHEME = "enas6://"
IMAGE = 32  # pixels a side
CONV3, SEPARABLE3, CONV5, SEPARABLE5, AVERAGE, MAXIMUM = range(6)  # ENAS's branches


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
            version=EDITION,
        )


def fetch(candidate: Candidate, params: Enas6) -> Fetched:
    """The network of one row."""
    number = int(candidate.address.rpartition("/")[2])
    return assemble(_rows(params.path)[number], params.channels)


@cache
def _rows(path: Path) -> list[Row]:
    return read_enas6(path)


def assemble(row: Row, channels: int) -> Fetched:
    """One row as a classifier: (1, 3, 32, 32) -> (1, 10)."""
    network = Assembly((1, 3, IMAGE, IMAGE))
    vertices = [network.normalise(network.convolve("input", 3, channels, 3), channels)]
    for operator, bits in zip(row.operators, row.skips, strict=True):
        value = vertices[-1]
        skips = [vertices[j] for j, taken in enumerate(bits) if taken]
        if skips:
            merged = network.concatenate([*skips, value])
            value = _conv_bn_relu(network, merged, channels * (1 + len(skips)), channels, 1)
        vertices.append(_apply(network, operator, value, channels))
    return network.fetched(network.classify(vertices[-1], channels), (1, 10))


def _apply(network: Assembly, operator: int, value: str, channels: int) -> str:
    if operator == AVERAGE:
        return network.average(value, 3, 1, pad=1)
    if operator == MAXIMUM:
        return network.maximum(value, 3, 1, pad=1)
    kernel = 3 if operator in (CONV3, SEPARABLE3) else 5
    if operator in (CONV3, CONV5):
        return _conv_bn_relu(network, value, channels, channels, kernel)
    apart = network.convolve(value, channels, channels, kernel, groups=channels)
    return _conv_bn_relu(network, apart, channels, channels, 1)


def _conv_bn_relu(
    network: Assembly, value: str, channels_in: int, channels: int, kernel: int
) -> str:
    found = network.convolve(value, channels_in, channels, kernel)
    return network.relu(network.normalise(found, channels))

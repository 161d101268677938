"""NAS-Bench-201's cells in the network that the paper trains on CIFAR-10.

Cells whose output nothing reaches are no networks and are not drawn.
"""

from __future__ import annotations

import random
from collections.abc import Iterator

from pipeline.harvest.assemble import EDITION, Assembly
from pipeline.harvest.candidate import Candidate, Fetched
from pipeline.harvest.nasbench201 import CELLS, Cell, address_of, cell_of
from pipeline.harvest.params import NasBench201

IMAGE = 32  # pixels a side


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
            version=EDITION,
        )


def fetch(candidate: Candidate, params: NasBench201) -> Fetched:
    """The network of one cell."""
    cell = cell_of(int(candidate.address.rpartition("/")[2]))
    return assemble(cell, params.cells, params.channels)


def assemble(cell: Cell, cells: int, channels: int) -> Fetched:
    """Stem, three stages of ``cells`` cells, head: (1, 3, 32, 32) -> (1, 10)."""
    network = Assembly((1, 3, IMAGE, IMAGE))
    value = network.normalise(network.convolve("input", 3, channels, 3), channels)
    for stage in range(3):
        if stage:
            value = _reduce(network, value, channels)
            channels *= 2
        for _ in range(cells):
            value = _add_cell(network, value, cell, channels)
    value = network.relu(network.normalise(value, channels))
    return network.fetched(network.classify(value, channels), (1, 10))


def _add_cell(network: Assembly, value: str, cell: Cell, channels: int) -> str:
    """Every node is the sum of its edges."""
    nodes = {0: value}
    for (source, target), operator in cell.items():
        term = _apply(network, operator, nodes[source], channels)
        nodes[target] = network.add(nodes[target], term) if target in nodes else term
    return nodes[3]


def _apply(network: Assembly, operator: str, value: str, channels: int) -> str:
    if operator == "skip_connect":
        return value
    if operator == "avg_pool_3x3":
        return network.average(value, 3, 1, pad=1, count_pad=False)
    kernel = 1 if operator == "nor_conv_1x1" else 3
    return _relu_conv_bn(network, value, channels, channels, kernel)


def _reduce(network: Assembly, value: str, channels: int) -> str:
    """The residual block between stages: half the image, twice the channels."""
    wider = channels * 2
    shortcut = network.convolve(network.average(value, 2, 2), channels, wider, 1)
    inner = _relu_conv_bn(network, value, channels, wider, 3, stride=2)
    return network.add(shortcut, _relu_conv_bn(network, inner, wider, wider, 3))


def _relu_conv_bn(
    network: Assembly,
    value: str,
    channels_in: int,
    channels: int,
    kernel: int,
    stride: int = 1,
) -> str:
    found = network.convolve(network.relu(value), channels_in, channels, kernel, stride)
    return network.normalise(found, channels)

"""NAS-Bench-Macro: networks of eight blocks, each the identity or one of two of MobileNetV2's.

Source: https://arxiv.org/abs/2103.11922; the network is that of the authors' repository,
xiusu/NAS-Bench-Macro, where all 6,561 were trained on CIFAR-10.
"""

from __future__ import annotations

import random
from collections.abc import Iterator
from itertools import product

from pipeline.harvest.assemble import EDITION, Assembly
from pipeline.harvest.candidate import Candidate, Fetched
from pipeline.harvest.params import Sampled

SCHEME = "nasbench-macro://"
IMAGE = 32  # pixels a side
STAGES = (2, 3, 3)  # blocks; the first of each halves the image and doubles the channels
CHANNELS, LAST = 32, 1280  # after the stem, before the head
BLOCKS = {"0": None, "1": (3, 3), "2": (5, 6)}  # the identity, or kernel and expansion


def list_candidates(params: Sampled) -> Iterator[Candidate]:
    """``limit`` networks drawn with ``seed``."""
    every = ["".join(blocks) for blocks in product(BLOCKS, repeat=sum(STAGES))]
    for blocks in random.Random(params.seed).sample(every, min(params.limit, len(every))):
        yield Candidate(
            source="nasbench_macro",
            address=SCHEME + blocks,
            name=f"nasbench_macro_{blocks}",
            family="nasbench_macro",
            licence="Apache-2.0",
            version=EDITION,
        )


def fetch(candidate: Candidate, params: Sampled) -> Fetched:
    """One of them."""
    return assemble(candidate.address.removeprefix(SCHEME))


def assemble(blocks: str) -> Fetched:
    """``"02012100"``, a digit a block -> the network: (1, 3, 32, 32) -> (1, 10)."""
    network = Assembly((1, 3, IMAGE, IMAGE))
    channels, remaining = CHANNELS, iter(blocks)
    value = _conv_bn(network, "input", 3, channels, 3, relu=True)
    for stage in STAGES:
        for place in range(stage):
            wider = channels if place else channels * 2
            value = _add_block(network, value, next(remaining), channels, wider)
            channels = wider
    value = _conv_bn(network, value, channels, LAST, 1, relu=True)
    return network.fetched(network.classify(value, LAST), (1, 10))


def _add_block(network: Assembly, value: str, block: str, channels: int, wider: int) -> str:
    stride = 1 if wider == channels else 2
    made_of = BLOCKS[block]
    if made_of is None:
        if stride == 1:
            return value
        return _conv_bn(network, value, channels, wider, 1, stride)
    kernel, expansion = made_of
    hidden = channels * expansion
    found = _conv_bn(network, value, channels, hidden, 1, relu=True)
    found = _conv_bn(network, found, hidden, hidden, kernel, stride, hidden, relu=True)
    found = _conv_bn(network, found, hidden, wider, 1)
    return network.add(found, value) if stride == 1 else found


def _conv_bn(
    network: Assembly, value: str, channels_in: int, channels: int, kernel: int,
    stride: int = 1, groups: int = 1, relu: bool = False,
) -> str:  # fmt: skip
    found = network.convolve(value, channels_in, channels, kernel, stride, groups)
    found = network.normalise(found, channels)
    return network.relu(found) if relu else found

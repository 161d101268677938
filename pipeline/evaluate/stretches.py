"""Stretches of real networks: what lies between two vertices that all paths pass through.

Each is a network of its own, and much smaller than the whole: its Input has the shape of the
tensor that flows into it there, its Output takes the one that flows out.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from math import prod

import numpy as np

from pipeline.errors import ModelError
from pipeline.graph.canonical import canonicalise
from pipeline.graph.network import INPUT, OUTPUT, Network, Operand, Vertex
from pipeline.operators.operands import FLOAT, Tensor
from pipeline.operators.shapes import Layer, infer_layers

SIDES = (64, 128, 224, 299)  # pixels: the smallest that a network's layers allow is taken


@dataclass(frozen=True)
class Bounds:
    """How large a network may be: vertices with Input and Output, and parameters."""

    fewest: int
    most: int
    parameters: int


@dataclass(frozen=True)
class Cuttable:
    """A network at a small image size, and where it can be cut."""

    network: Network
    layers: tuple[Layer, ...]
    cuts: tuple[int, ...]

    @classmethod
    def of(cls, network: Network) -> Cuttable | None:
        """None for a network that runs at none of the sizes."""
        for side in SIDES:
            resized = at_size(network, side)
            try:
                layers = infer_layers(resized)
            except ModelError:
                continue
            return cls(resized, layers, find_cuts(resized, layers))
        return None

    def parameters(self, first: int, last: int) -> int:
        """Of the vertices after ``first``, up to ``last``."""
        tensors = (t for layer in self.layers[first + 1 : last + 1] for t in _weights(layer))
        return sum(prod(t.shape) for t in tensors)


def at_size(network: Network, side: int) -> Network:
    """The same network for square images of three channels."""
    return Network((image_of(side), *network.vertices[1:]))


def image_of(side: int) -> Vertex:
    """The Input of square images of three channels."""
    return Vertex(INPUT, (("dtype", "float32"), ("shape", (3, side, side))))


def find_cuts(network: Network, layers: Sequence[Layer]) -> tuple[int, ...]:
    """Vertices that all paths pass through: after each of them, nothing but its own first
    output, a float32 tensor, is still to be used."""
    last_use: dict[tuple[int, int], int] = {}
    for index, vertex in enumerate(network.vertices):
        last_use |= {(o.source, o.output): index for o in vertex.operands}
    until = [-1] * len(network)  # up to which vertex what was made so far is used
    cuts, needed = [], -1
    for (source, _), index in last_use.items():
        until[source] = max(until[source], index)
    for index in range(len(network) - 1):
        alone = [slot for source, slot in last_use if source == index] == [0]
        if needed <= index and alone and layers[index].outputs[0].dtype == FLOAT:
            cuts.append(index)
        needed = max(needed, until[index])
    return tuple(cuts)


def stretch_between(whole: Cuttable, first: int, last: int) -> Network:
    """The network from the output of one cut to the output of another."""
    shape = whole.layers[first].outputs[0].shape[1:]
    source = Vertex(INPUT, (("dtype", "float32"), ("shape", shape)))
    body = [
        replace(v, operands=tuple(replace(o, source=o.source - first) for o in v.operands))
        for v in whole.network.vertices[first + 1 : last + 1]
    ]
    sink = Vertex(OUTPUT, (), (Operand(last - first),))
    return canonicalise([source, *body, sink], len(body) + 1)[0]


def draw_stretch(
    wholes: Sequence[Cuttable], bounds: Bounds, random: np.random.Generator
) -> Network:
    """A stretch within bounds, of a network drawn among all; the draw is repeated where that
    network has none from the cut that was drawn."""
    while True:
        whole = wholes[int(random.integers(len(wholes)))]
        first = int(random.choice(whole.cuts))
        ends = [c for c in whole.cuts if bounds.fewest <= c - first + 2 <= bounds.most]
        if not ends:
            continue
        last = int(random.choice(ends))
        if whole.parameters(first, last) <= bounds.parameters:
            return stretch_between(whole, first, last)


def small_networks(wholes: Sequence[Cuttable], bounds: Bounds) -> list[Network]:
    """The networks that are within bounds as they are."""
    return [
        w.network
        for w in wholes
        if len(w.network) <= bounds.most
        and w.parameters(0, len(w.network) - 1) <= bounds.parameters
    ]


def _weights(layer: Layer) -> list[Tensor]:
    return list(layer.parameters.values())

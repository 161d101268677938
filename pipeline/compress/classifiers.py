"""Networks of the ENAS set's space as whole classifiers, both ways."""

from __future__ import annotations

import math

from pipeline.errors import ModelError
from pipeline.graph.network import Network
from pipeline.harvest.enas6 import LAYERS, Row
from pipeline.harvest.sources import enas6
from pipeline.operators.read_onnx import read_skeleton_network

OUTSIDE = "outside_domain"
SPACE = f"no network of the ENAS space, {LAYERS} layers between a stem and a classifier"
CONVOLUTIONS = {(3, 3): enas6.CONV3, (5, 5): enas6.CONV5}
SEPARABLE = {(3, 3): enas6.SEPARABLE3, (5, 5): enas6.SEPARABLE5}
CLASSIFIER = ("Output", "Gemm", "Flatten", "GlobalAveragePool")
POOLS = {"AveragePool": enas6.AVERAGE, "MaxPool": enas6.MAXIMUM}


def to_network(row: Row, channels: int) -> Network:
    """A row of the set -> the classifier that the source ``enas6`` makes of it."""
    return read_skeleton_network(enas6.assemble(row, channels).skeleton)


def read_row(network: Network) -> tuple[Row, int]:
    """A network -> the row and the channels that :func:`to_network` makes exactly it of.

    Raises ModelError ``outside_domain`` where there are none.
    """
    value = _source(network, len(network) - 1, *CLASSIFIER)
    operators, taken, values = [], [], []
    for _ in range(LAYERS):
        operator, feed = _layer(network, value)
        operators.append(operator)
        taken.append(_merged(network, feed))
        values.append(value)
        value = taken[-1][-1]
    earlier = [value, *reversed(values)]  # vertex 0 of the row, then its layers
    skips = tuple(
        tuple(vertex in merged[:-1] for vertex in earlier[:layer])
        for layer, merged in enumerate(reversed(taken))
    )
    row = Row(tuple(reversed(operators)), skips, math.nan)
    stem = network.vertices[_source(network, value, "BatchNormalization")]
    channels = stem.get("out_channels")
    if not isinstance(channels, int) or to_network(row, channels) != network:
        raise ModelError(OUTSIDE, f"{SPACE}: its layers are, but not all that is between them")
    return row, channels


def _layer(network: Network, value: int) -> tuple[int, int]:
    """The vertex that a layer ends with -> the layer's operator, and what the layer takes."""
    ends_with = network.vertices[value].operator
    if ends_with in POOLS:
        return POOLS[ends_with], _source(network, value, ends_with)
    last = _source(network, value, "Relu", "BatchNormalization")
    feed, kinds = _source(network, last, "Conv"), CONVOLUTIONS
    if network.vertices[last].get("kernel_shape") == (1, 1):
        last, kinds = feed, SEPARABLE
        feed = _source(network, last, "Conv")
    kernel = network.vertices[last].get("kernel_shape")
    if kernel not in kinds:
        raise ModelError(OUTSIDE, f"{SPACE}: vertex {last} is a Conv of kernel {kernel}")
    return kinds[kernel], feed


def _merged(network: Network, feed: int) -> tuple[int, ...]:
    """What a layer takes -> the vertices concatenated in it, the one before the layer last."""
    index = feed
    for operator in ("Relu", "BatchNormalization", "Conv"):
        if network.vertices[index].operator != operator:
            return (feed,)
        index = network.vertices[index].operands[0].source
    if network.vertices[index].operator != "Concat":
        return (feed,)
    return tuple(operand.source for operand in network.vertices[index].operands)


def _source(network: Network, index: int, *operators: str) -> int:
    """Back from a vertex through ``operators``, one each -> the vertex they start from."""
    for operator in operators:
        vertex = network.vertices[index]
        if vertex.operator != operator:
            why = f"vertex {index} is {vertex.operator} where it has {operator}"
            raise ModelError(OUTSIDE, f"{SPACE}: {why}")
        index = vertex.operands[0].source
    return index

"""Cells of the ENAS set as whole classifiers, and read back from them."""

from __future__ import annotations

from dataclasses import replace

import pytest

from pipeline import Network
from pipeline.compress.classifiers import read_row, to_network
from pipeline.errors import ModelError
from pipeline.graph.network import Vertex
from pipeline.harvest.enas6 import parse_row

ROWS = (
    "[[1], [4, 0], [5, 0, 0], [0, 1, 1, 1], [2, 1, 1, 1, 1], [3, 0, 0, 0, 0, 1]], 0.73",
    "[[4], [4, 1], [5, 1, 1], [4, 1, 1, 1], [5, 1, 1, 1, 1], [4, 1, 1, 1, 1, 1]], 0.1",
    "[[3], [3, 0], [3, 0, 0], [3, 0, 0, 0], [3, 0, 0, 0, 0], [3, 0, 0, 0, 0, 0]], 0.5",
)


@pytest.mark.parametrize("line", ROWS)
@pytest.mark.parametrize("channels", [1, 36])
def test_a_row_is_read_from_its_classifier(line: str, channels: int) -> None:
    row = parse_row(line)
    found, width = read_row(to_network(row, channels))
    assert (found.operators, found.skips, width) == (row.operators, row.skips, channels)


def changed(network: Network, operator: str, vertex: Vertex) -> Network:
    """The network with the last vertex of an operator replaced."""
    at = max(i for i, v in enumerate(network.vertices) if v.operator == operator)
    operands = network.vertices[at].operands
    vertices = list(network.vertices)
    vertices[at] = replace(vertex, operands=operands)
    return Network(tuple(vertices))


def with_attribute(network: Network, operator: str, name: str, value: object) -> Network:
    vertex = next(v for v in reversed(network.vertices) if v.operator == operator)
    attributes = dict(vertex.attributes) | {name: value}
    return changed(network, operator, replace(vertex, attributes=tuple(attributes.items())))


def test_what_is_nearly_of_the_space_is_not() -> None:
    network = to_network(parse_row(ROWS[0]), 36)
    outside = {
        "is Sigmoid where it has Relu": changed(network, "Relu", Vertex("Sigmoid")),
        "is Softmax where it has Gemm": changed(network, "Gemm", Vertex("Softmax")),
        "kernel (7, 7)": with_attribute(network, "Conv", "kernel_shape", (7, 7)),
        "not all that is between them": with_attribute(network, "Gemm", "out_features", 100),
    }
    for why, other in outside.items():
        with pytest.raises(ModelError) as refused:
            read_row(other)
        assert refused.value.reason == "outside_domain"
        assert why in refused.value.detail


def test_a_real_network_is_refused(light: dict[str, Network]) -> None:
    for network in light.values():
        with pytest.raises(ModelError, match="outside_domain"):
            read_row(network)

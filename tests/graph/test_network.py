"""The network as a value: what it refuses to be, how it compares."""

from __future__ import annotations

import dataclasses

import pytest

from pipeline.errors import InvalidNetwork
from pipeline.graph.network import INPUT, OUTPUT, Edge, Network, Operand, Vertex

SOURCE = Vertex(INPUT, (("dtype", "float32"), ("shape", (4,))))
RELU = Vertex("Relu", (), (Operand(0),))


def sink(*sources: int) -> Vertex:
    return Vertex(OUTPUT, (), tuple(Operand(s, 0, p) for p, s in enumerate(sources)))


@pytest.mark.parametrize(
    ("vertices", "reason"),
    [
        ((), "too_small"),
        ((SOURCE,), "too_small"),
        ((RELU, sink(0)), "no_source_or_sink"),
        ((SOURCE, RELU), "no_source_or_sink"),
        ((SOURCE, SOURCE, sink(0)), "several_sources"),
        ((SOURCE, Vertex("Relu"), sink(1)), "several_sources"),
        ((SOURCE, Vertex("Relu", (), (Operand(1),)), sink(1)), "cycle"),
        ((SOURCE, Vertex("Relu", (), (Operand(2),)), sink(1)), "cycle"),
        ((SOURCE, Vertex("Relu", (), (Operand(-1),)), sink(1)), "cycle"),
    ],
)
def test_what_is_no_network(vertices: tuple[Vertex, ...], reason: str) -> None:
    with pytest.raises(InvalidNetwork) as caught:
        Network(vertices)
    assert caught.value.reason == reason


def test_edges_in_order_of_target_and_position() -> None:
    join = Vertex("Concat", (("axis", 1),), (Operand(1), Operand(0, 0, 1), Operand(1, 0, 2)))
    network = Network((SOURCE, RELU, join, sink(2, 1)))
    assert list(network.edges) == [
        Edge(0, 0, 1, 0),
        Edge(1, 0, 2, 0),
        Edge(0, 0, 2, 1),
        Edge(1, 0, 2, 2),
        Edge(2, 0, 3, 0),
        Edge(1, 0, 3, 1),
    ]


def test_equal_by_fingerprint() -> None:
    one, same = (Network((SOURCE, RELU, sink(1))) for _ in range(2))
    other = Network((SOURCE, Vertex("Tanh", (), (Operand(0),)), sink(1)))
    assert one == same
    assert len({one, same, other}) == 2
    assert one != other
    assert one != "a network"
    assert one.fingerprint[:12] in repr(one)


def test_it_cannot_be_changed() -> None:
    network = Network((SOURCE, RELU, sink(1)))
    with pytest.raises(dataclasses.FrozenInstanceError):
        network.vertices = ()  # type: ignore[misc]
    with pytest.raises(dataclasses.FrozenInstanceError):
        network.vertices[1].operator = "Tanh"  # type: ignore[misc]


def test_attributes_by_name() -> None:
    assert SOURCE.get("shape") == (4,)
    assert SOURCE.get("absent") is None
    assert SOURCE.get("absent", 3) == 3

"""The canonical order: the same graph gives the same network, however it is numbered."""

from __future__ import annotations

import time

import pytest
from hypothesis import given
from random_graphs import network_of, random_vertices, seeds, shuffled, sizes

from pipeline.errors import InvalidNetwork
from pipeline.graph.canonical import canonical_order, canonicalise
from pipeline.graph.network import INPUT, OUTPUT, Operand, Vertex

SOURCE = Vertex(INPUT, (("dtype", "float32"), ("shape", (4,))))


@given(seeds, sizes, seeds)
def test_any_numbering_gives_the_same_network(seed: int, size: int, order: int) -> None:
    vertices, sink = random_vertices(seed, size)
    network = network_of(vertices, sink)
    again = network_of(*shuffled(vertices, sink, order))
    assert again.vertices == network.vertices
    assert again.fingerprint == network.fingerprint


@given(seeds, sizes)
def test_a_network_is_its_own_canonical_form(seed: int, size: int) -> None:
    network = network_of(*random_vertices(seed, size))
    again, order = canonicalise(network.vertices, len(network) - 1)
    assert again.vertices == network.vertices
    assert order == list(range(len(network)))


@given(seeds, sizes)
def test_the_old_indices_are_those_of_the_vertices(seed: int, size: int) -> None:
    vertices, sink = random_vertices(seed, size)
    network, order = canonicalise(vertices, sink)
    assert len(set(order)) == len(network)
    for vertex, old in zip(network.vertices, order, strict=True):
        assert vertex.operator == vertices[old].operator
        assert dict(vertex.attributes) == dict(vertices[old].attributes)
        sources = [order[o.source] for o in vertex.operands]
        assert sources == [o.source for o in vertices[old].operands]


def test_what_does_not_reach_the_sink_is_dropped() -> None:
    vertices = [
        SOURCE,
        Vertex("Relu", (), (Operand(0),)),
        Vertex("Tanh", (), (Operand(1),)),
        Vertex(OUTPUT, (), (Operand(1),)),
    ]
    network, order = canonicalise(vertices, 3)
    assert [v.operator for v in network.vertices] == [INPUT, "Relu", OUTPUT]
    assert order == [0, 1, 3]


def test_operands_are_numbered_in_their_order() -> None:
    def branches(first: str, second: str) -> list[str]:
        vertices = [
            SOURCE,
            Vertex(first, (), (Operand(0),)),
            Vertex(second, (), (Operand(0),)),
            Vertex("Sub", (), (Operand(1), Operand(2, 0, 1))),
            Vertex(OUTPUT, (), (Operand(3),)),
        ]
        return [v.operator for v in canonicalise(vertices, 4)[0].vertices]

    assert branches("Relu", "Tanh") == [INPUT, "Relu", "Tanh", "Sub", OUTPUT]
    assert branches("Tanh", "Relu") == [INPUT, "Tanh", "Relu", "Sub", OUTPUT]


@pytest.mark.parametrize("operands", [[[1], [0]], [[0]], [[2], [0], [1]]])
def test_a_cycle_is_refused(operands: list[list[int]]) -> None:
    with pytest.raises(InvalidNetwork, match="depends on itself"):
        canonical_order(operands, 0)


def test_two_sources_are_refused() -> None:
    vertices = [
        SOURCE,
        SOURCE,
        Vertex("Add", (), (Operand(0), Operand(1, 0, 1))),
        Vertex(OUTPUT, (), (Operand(2),)),
    ]
    with pytest.raises(InvalidNetwork, match="this graph has 2"):
        canonicalise(vertices, 3)


def test_twenty_thousand_vertices_take_less_than_a_second() -> None:
    """A chain of residual blocks: deep enough to end any recursion."""
    vertices = [SOURCE]
    for _ in range(10_000):
        last = len(vertices) - 1
        vertices.append(Vertex("Relu", (("alpha", 0.1),), (Operand(last),)))
        vertices.append(Vertex("Add", (), (Operand(last + 1), Operand(last, 0, 1))))
    vertices.append(Vertex(OUTPUT, (), (Operand(len(vertices) - 1),)))
    began = time.process_time()
    network, _ = canonicalise(vertices, len(vertices) - 1)
    assert len(network.fingerprint) == 32
    assert time.process_time() - began < 1

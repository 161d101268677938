"""The fingerprint: whatever is part of the architecture changes it, and nothing else."""

from __future__ import annotations

import random
from dataclasses import replace

import pytest
from hypothesis import assume, given
from random_graphs import network_of, random_vertices, seeds, sizes

from pipeline.graph.canonical import canonicalise
from pipeline.graph.network import INPUT, OUTPUT, Network, Operand, Value, Vertex


def changed(network: Network, index: int, vertex: Vertex) -> Network:
    """The network with one vertex replaced, brought back to canonical form."""
    vertices = [*network.vertices]
    vertices[index] = vertex
    return network_of(vertices, len(vertices) - 1)


def pick(network: Network, seed: int) -> int:
    """A vertex that is neither the source nor the sink."""
    assume(len(network) > 2)
    return random.Random(seed).randrange(1, len(network) - 1)


@given(seeds, sizes, seeds)
def test_another_attribute_is_another_network(seed: int, size: int, where: int) -> None:
    network = network_of(*random_vertices(seed, size))
    index = pick(network, where)
    vertex = network.vertices[index]
    for number, (name, value) in enumerate(vertex.attributes):
        attributes = list(vertex.attributes)
        attributes[number] = (name, value + 1)  # type: ignore[operator]
        other = changed(network, index, replace(vertex, attributes=tuple(attributes)))
        assert other.fingerprint != network.fingerprint
    extra = replace(vertex, attributes=(*vertex.attributes, ("extra", 0)))
    assert changed(network, index, extra) != network


@given(seeds, sizes, seeds)
def test_another_operator_is_another_network(seed: int, size: int, where: int) -> None:
    network = network_of(*random_vertices(seed, size))
    index = pick(network, where)
    other = replace(network.vertices[index], operator="Tanh")
    assert changed(network, index, other) != network


@given(seeds, sizes, seeds, seeds)
def test_another_edge_is_another_network(
    seed: int, size: int, where: int, source: int
) -> None:
    """Any one edge led from another vertex, another slot, or to another position."""
    network = network_of(*random_vertices(seed, size))
    index = pick(network, where)
    vertex = network.vertices[index]
    number = where % len(vertex.operands)
    old = vertex.operands[number]
    rewired = [
        replace(old, output=old.output + 1),
        replace(old, position=old.position + 3),
    ]
    elsewhere = source % index
    if elsewhere != old.source and _differ(network, elsewhere, old.source):
        rewired.append(replace(old, source=elsewhere))
    for operand in rewired:
        operands = (*vertex.operands[:number], operand, *vertex.operands[number + 1 :])
        assert changed(network, index, replace(vertex, operands=operands)) != network


def _differ(network: Network, one: int, other: int) -> bool:
    """Whether two vertices compute different things: equal ones may stand for one another."""
    known: dict[int, object] = {}
    for index, vertex in enumerate(network.vertices):
        sources = tuple((known[o.source], o.output, o.position) for o in vertex.operands)
        known[index] = hash((vertex.operator, vertex.attributes, sources))
    return known[one] != known[other]


@given(seeds, sizes)
def test_swapping_operands_of_sub_is_another_network(seed: int, size: int) -> None:
    network = network_of(*random_vertices(seed, size))
    for index, vertex in enumerate(network.vertices):
        if vertex.operator != "Sub":
            continue
        first, second = vertex.operands
        if (first.source, first.output) == (second.source, second.output):
            continue
        swapped = (replace(second, position=0), replace(first, position=1))
        if _differ(network, first.source, second.source) or first.output != second.output:
            assert changed(network, index, replace(vertex, operands=swapped)) != network


def unary(value: Value) -> Network:
    source = Vertex(INPUT, (("dtype", "float32"), ("shape", (4,))))
    vertex = Vertex("Clip", (("min", value),), (Operand(0),))
    return canonicalise([source, vertex, Vertex(OUTPUT, (), (Operand(1),))], 2)[0]


@pytest.mark.parametrize(
    ("one", "other"),
    [(1, 1.0), (1, "1"), (1, (1,)), (0.0, -0.0), (0.1, 0.1000000001), ((1, 2), (1.0, 2.0))],
)
def test_values_that_look_alike_are_told_apart(one: Value, other: Value) -> None:
    assert unary(one) != unary(other)


def test_it_is_the_same_everywhere() -> None:
    """Fingerprints are keys of tables: another value here means another FORMAT."""
    assert unary(0.5).fingerprint == "e0a05d604f09d5867de7da4e24731ca3"

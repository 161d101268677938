"""Random networks for property tests, as vertices in the order they were made."""

from __future__ import annotations

import random

from hypothesis import strategies as st

from pipeline.graph.canonical import canonicalise
from pipeline.graph.network import INPUT, OUTPUT, Network, Operand, Vertex

OPERATORS = {"Relu": 1, "Sub": 2, "Concat": 3, "Conv": 1, "Split": 1}


def random_vertices(seed: int, size: int) -> tuple[list[Vertex], int]:
    """Vertices and the sink's index: every vertex uses earlier ones, the sink reaches most."""
    draw = random.Random(seed)
    vertices = [Vertex(INPUT, (("dtype", "float32"), ("shape", (3, 8, 8))))]
    for _ in range(size):
        operator = draw.choice(list(OPERATORS))
        latest = range(max(0, len(vertices) - 4), len(vertices))
        operands = tuple(
            Operand(draw.choice(latest), draw.randrange(2), position)
            for position in range(OPERATORS[operator])
        )
        attributes = (("axis", draw.randrange(3)), ("scale", draw.random()))
        vertices.append(Vertex(operator, attributes, operands))
    sinks = (Operand(len(vertices) - 1, 0, 0), Operand(len(vertices) // 2, 0, 1))
    vertices.append(Vertex(OUTPUT, (), sinks))
    return vertices, len(vertices) - 1


def shuffled(vertices: list[Vertex], sink: int, seed: int) -> tuple[list[Vertex], int]:
    """The same graph with its vertices in any order, each with its attributes in any order."""
    draw = random.Random(seed)
    order = list(range(len(vertices)))
    draw.shuffle(order)
    place = {old: new for new, old in enumerate(order)}
    moved = []
    for old in order:
        vertex = vertices[old]
        attributes = draw.sample(vertex.attributes, len(vertex.attributes))
        operands = tuple(
            Operand(place[o.source], o.output, o.position) for o in vertex.operands
        )
        moved.append(Vertex(vertex.operator, tuple(attributes), operands))
    return moved, place[sink]


def network_of(vertices: list[Vertex], sink: int) -> Network:
    return canonicalise(vertices, sink)[0]


seeds = st.integers(0, 2**32)
sizes = st.integers(1, 40)

"""Networks <-> rows: what fits comes back, what does not is a row of zeros."""

from __future__ import annotations

import time

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.compress.attributes import Vocabulary, operator_names
from pipeline.compress.vertices import free_positions, groups, to_draft, to_items
from pipeline.graph.canonical import canonicalise
from pipeline.graph.network import Network, Operand, Vertex

NAMES = ("bvlc_alexnet", "squeezenet", "shufflenet", "densenet121")
EMPTY = Vocabulary.of([])


def random_items(seed: int, rows: int) -> dict[str, torch.Tensor]:
    generator = torch.Generator().manual_seed(seed)
    return {
        group.name: torch.stack(
            [torch.randint(c, (rows,), generator=generator) for c in group.cardinalities], 1
        )
        for group in groups()
    }


@pytest.mark.parametrize("name", NAMES)
def test_real_networks_come_back_vertex_by_vertex(light, name):
    network = light[name]
    vocabulary = Vocabulary.of(network.vertices)
    items = to_items(network, vocabulary)
    for group in groups():
        assert items[group.name].shape == (len(network), len(group.cardinalities))
        assert (items[group.name] < torch.tensor(group.cardinalities)).all()
    assert repr(to_draft(items, vocabulary)) == repr(list(network.vertices))


def test_attributes_that_do_not_fit_are_a_row_of_zeros(light):
    network = light["squeezenet"]
    items = to_items(network, EMPTY)
    assert not items["attributes"].any()
    for made, vertex in zip(to_draft(items, EMPTY), network.vertices, strict=True):
        assert made.operator == vertex.operator
        assert [o.source for o in made.operands] == [o.source for o in vertex.operands]


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 2**31), st.integers(1, 60))
def test_any_rows_give_vertices(seed, rows):
    vocabulary = Vocabulary.of(
        [
            Vertex("Conv", (("group", 1), ("pads", (0, 0, 1, 1)))),
            Vertex("Clip", (("max", 6.0),)),
        ]
    )
    draft = to_draft(random_items(seed, rows), vocabulary)
    assert len(draft) == rows
    for index, vertex in enumerate(draft):
        assert all(0 <= o.source < index for o in vertex.operands)
        positions = [o.position for o in vertex.operands]
        assert len(positions) == len(set(positions))


def test_every_operator_has_free_positions():
    for operator in operator_names():
        assert free_positions(operator, (), 3) == [0, 1, 2]


def test_operands_stand_where_no_parameter_does():
    assert free_positions("Add", (("A.parameter", (8, 1, 1)),), 1) == [1]
    assert free_positions("Add", (("B.parameter", (8, 1, 1)),), 1) == [0]


def deep(vertices: int) -> Network:
    made = [Vertex("Input", (("shape", (3, 8, 8)),)), Vertex("Relu", (), (Operand(0),))]
    for index in range(2, vertices - 1):
        skip = (Operand(index - 2, 0, 1),) if index % 3 == 0 else ()
        made.append(Vertex("Add" if skip else "Relu", (), (Operand(index - 1), *skip)))
    made.append(Vertex("Output", (), (Operand(vertices - 2),)))
    return canonicalise(made, vertices - 1)[0]


def test_three_thousand_vertices_come_back_in_linear_time():
    vocabulary = Vocabulary.of(deep(100).vertices)

    def seconds(vertices: int) -> float:
        network = deep(vertices)
        started = time.process_time()
        draft = to_draft(to_items(network, vocabulary), vocabulary)
        spent = time.process_time() - started
        assert draft == list(network.vertices)
        return spent

    seconds(500)
    small, large = (min(seconds(n) for _ in range(3)) for n in (3000, 12000))
    assert large < 4 * 3 * small

"""A network as JSON and back: the same network, to the last bit."""

from __future__ import annotations

import json
import math

import pytest
from hypothesis import given
from hypothesis import strategies as st
from random_graphs import network_of, random_vertices, seeds, sizes

from pipeline.errors import InvalidNetwork
from pipeline.graph.canonical import canonicalise
from pipeline.graph.json_form import from_json, to_json
from pipeline.graph.network import INPUT, OUTPUT, Network, Operand, Value, Vertex

SCALARS = st.one_of(
    st.integers(-(2**63), 2**64 - 1), st.floats(), st.text(st.characters(codec="utf-8"))
)
VALUES = st.one_of(
    SCALARS,
    st.lists(st.integers()).map(tuple),
    st.lists(st.floats()).map(tuple),
    st.lists(st.text(st.characters(codec="utf-8"))).map(tuple),
)


def unary(value: Value) -> Network:
    source = Vertex(INPUT, (("dtype", "float32"), ("shape", (4,))))
    vertex = Vertex("Clip", (("min", value),), (Operand(0),))
    return canonicalise([source, vertex, Vertex(OUTPUT, (), (Operand(1),))], 2)[0]


@given(seeds, sizes)
def test_networks_come_back(seed: int, size: int) -> None:
    network = network_of(*random_vertices(seed, size))
    again = from_json(to_json(network))
    assert again.vertices == network.vertices
    assert again.fingerprint == network.fingerprint


@given(VALUES)
def test_every_kind_of_value_comes_back(value: Value) -> None:
    network = unary(value)
    assert from_json(to_json(network)).fingerprint == network.fingerprint


def test_infinity_and_one_point_zero() -> None:
    values = (math.inf, -math.inf, 1.0, 0.1)
    again = from_json(to_json(unary(values))).vertices[1].get("min")
    assert repr(again) == repr(values)


@pytest.mark.parametrize(
    "text",
    [
        "", "{", "[]", "{}", "7", "null", '"x"', "[[]]", '[["Input",{},[]]]',
        '[["Input",{},[]],["Output",{},[[1,0,0]]]]',
        '[["Input",{},[]],["Output",{},[[0,0,0,0]]]]',
        '[["Input",{"a":null},[]],["Output",{},[[0,0,0]]]]',
        '[["Input",{"a":{}},[]],["Output",{},[[0,0,0]]]]',
        '[["Input",{"a":[[1]]},[]],["Output",{},[[0,0,0]]]]',
        '[["Input",[],[]],["Output",{},[[0,0,0]]]]',
        '[["Input",{},[]],["Output",{},[["a",0,0]]]]',
    ],
)  # fmt: skip
def test_anything_else_is_refused(text: str) -> None:
    with pytest.raises(InvalidNetwork):
        from_json(text)


def test_it_is_compact() -> None:
    text = to_json(unary(0.5))
    assert " " not in text
    assert json.loads(text)[1] == ["Clip", {"min": 0.5}, [[0, 0, 0]]]

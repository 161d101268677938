"""Attribute rows: values come back as they were, and any row at all says something."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.compress.attributes import (
    ATTRIBUTES,
    ESCAPE,
    FAVOURITES,
    INT64_MAX,
    WORD,
    Vocabulary,
    operator_names,
)
from pipeline.graph.network import Vertex

SMALL = st.integers(-(16**5) + 1, 16**5 - 1)
SINGLE = st.floats(width=32, allow_nan=False)
DIGITS = st.tuples(*[st.integers(0, 15)] * len(ATTRIBUTES.cardinalities))


def vertex(**attributes) -> Vertex:
    return Vertex("Conv", tuple(sorted(attributes.items())))


def restored(vocabulary: Vocabulary, one: Vertex):
    row = vocabulary.to_row(one)
    return None if row is None else vocabulary.from_row(one.operator, row)


def crowded(name: str, values) -> Vocabulary:
    """A vocabulary whose favourites of one attribute are all taken by other values."""
    return Vocabulary.of([vertex(**{name: v}) for v in values for _ in range(2)])


@pytest.mark.parametrize("name", ["bvlc_alexnet", "squeezenet", "shufflenet", "densenet121"])
def test_real_networks_come_back(light, name):
    vertices = light[name].vertices
    vocabulary = Vocabulary.of(vertices)
    for one in vertices:
        assert repr(restored(vocabulary, one)) == repr(one.attributes)


def test_held_out_values_come_back_where_their_signature_is_known(light):
    vocabulary = Vocabulary.of(light["squeezenet"].vertices)
    convs = [v for v in light["densenet121"].vertices if v.operator == "Conv"]
    unseen = [v for v in convs if v.attributes not in {
        w.attributes for w in light["squeezenet"].vertices
    }]  # fmt: skip
    found = [restored(vocabulary, v) for v in unseen]
    assert any(found)
    for one, back in zip(unseen, found, strict=True):
        assert back is None or repr(back) == repr(one.attributes)


@given(SMALL)
def test_every_small_integer_comes_back(value):
    vocabulary = crowded("a", range(1000, 1000 + FAVOURITES))
    assert restored(vocabulary, vertex(a=value)) == (("a", value),)


@given(SINGLE)
def test_every_single_precision_float_comes_back(value):
    vocabulary = crowded("a", [n + 0.5 for n in range(FAVOURITES)])
    assert repr(restored(vocabulary, vertex(a=value))) == repr((("a", value),))


@given(st.lists(st.integers(-1, 7), min_size=4, max_size=4).map(tuple))
def test_tuples_come_back(value):
    vocabulary = crowded("a", [(n, 9, 9, 9) for n in range(FAVOURITES)])
    assert restored(vocabulary, vertex(a=value)) == (("a", value),)


@pytest.mark.parametrize("value", [INT64_MAX, -1, 0, -16, 1048575])
def test_telling_integers_come_back(value):
    vocabulary = crowded("a", range(1000, 1000 + FAVOURITES))
    assert restored(vocabulary, vertex(a=value)) == (("a", value),)


@pytest.mark.parametrize(
    "value", [16**5, -(2**63), 2**63 - 2, 0.1, float("1e300"), "other", (1,) * 30]
)
def test_what_does_not_fit_is_none(value):
    filler = {int: 7, float: 0.5, str: "known", tuple: (0,) * 30}[type(value)]
    assert crowded("a", [filler]).to_row(vertex(a=value)) is None


def test_unknown_signatures_and_operators_are_none():
    vocabulary = crowded("a", [1])
    assert vocabulary.to_row(vertex(b=1)) is None
    assert vocabulary.to_row(vertex(a=1, b=1)) is None
    assert vocabulary.to_row(Vertex("Unheard", (("a", 1),))) is None
    assert vocabulary.from_row("Unheard", (0,) * len(ATTRIBUTES.cardinalities)) == ()


@pytest.mark.parametrize(
    "pair", [(1, 1.0), (0, 0.0), (0.0, -0.0), ((1, 1), (1.0, 1.0)), (1, True)]
)
def test_one_and_one_point_zero_are_two_values(pair):
    vocabulary = Vocabulary.of([vertex(a=value) for value in pair])
    again = Vocabulary.from_plain(json.loads(json.dumps(vocabulary.to_plain())))
    for value in pair:
        for v in (vocabulary, again):
            assert repr(restored(v, vertex(a=value))) == repr((("a", value),))


def test_a_favourite_costs_one_digit():
    vocabulary = crowded("a", [123456])
    row = vocabulary.to_row(vertex(a=123456))
    assert row is not None
    assert row[WORD] != ESCAPE
    assert not any(row[WORD + 1 :])


@given(st.integers(0, 2), DIGITS)
def test_any_row_gives_attributes(which, row):
    vocabulary = Vocabulary.of(
        [
            Vertex("Conv", (("a", 1), ("b", 1.5), ("c", (1, 2)), ("d", "text"))),
            Vertex("Conv", (("c", (0.5,) * 3), ("e", ()))),
            Vertex("Gemm", (("a", ("x", "y")),)),
        ]
    )
    attributes = vocabulary.from_row(("Conv", "Gemm", "Relu")[which], row)
    assert list(attributes) == sorted(attributes, key=lambda pair: pair[0])
    for _, value in attributes:
        elements = value if isinstance(value, tuple) else (value,)
        assert all(isinstance(e, int | float | str) for e in elements)


def test_the_vocabulary_does_not_depend_on_the_order_of_vertices(light):
    vertices = [v for network in light.values() for v in network.vertices]
    forth, back = Vocabulary.of(vertices), Vocabulary.of(reversed(vertices))
    assert json.dumps(forth.to_plain(), sort_keys=True) == json.dumps(
        back.to_plain(), sort_keys=True
    )


def test_the_vocabulary_survives_json(light):
    vocabulary = Vocabulary.of(light["densenet121"].vertices)
    again = Vocabulary.from_plain(json.loads(json.dumps(vocabulary.to_plain())))
    assert again == vocabulary


def test_operators_hold_the_networks_own_and_the_ends(light):
    names = operator_names()
    assert names[:3] == ("?", "Input", "Output")
    assert len(names) == len(set(names))
    assert {v.operator for n in light.values() for v in n.vertices} <= set(names)


@pytest.mark.parametrize("value", [0.0, 1.0, 0.25, -0.0])
@pytest.mark.parametrize("length", [2, 64, 4096])
def test_equal_numbers_are_one_and_how_many(value, length):
    known = Vocabulary.of([Vertex("InstanceNormalization", (("scale", (2.0, 2.0)),))])
    one = Vertex("InstanceNormalization", (("scale", (value,) * length),))
    assert repr(restored(known, one)) == repr(one.attributes)


@pytest.mark.parametrize("attributes", [
    (("B.parameter", (1, 64)),), (("A", 0.5),), (("B", (0.0,) * 16), ("B.shape", (1, 16))),
])  # fmt: skip
def test_operands_of_elementwise_operators_need_no_example(attributes):
    known = Vocabulary.of([Vertex("Mul", ())])
    assert repr(restored(known, Vertex("Mul", attributes))) == repr(attributes)


def test_tuples_of_other_lengths_need_no_example():
    known = Vocabulary.of([Vertex("Transpose", (("perm", (0, 2, 1)),))])
    one = Vertex("Transpose", (("perm", (0, 3, 5, 1, 2, 4)),))
    assert restored(known, one) == one.attributes

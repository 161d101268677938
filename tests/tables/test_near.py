"""Near relatives: by the edit distance of whole vertices."""

from __future__ import annotations

import random

import pytest
from rapidfuzz.distance import Levenshtein
from small_zoo import HEAD, RELU, conv, network_of_layers

from pipeline.tables.near import near_relatives, vertex_words


def test_words_say_operator_attributes_and_operands_from_where_they_stand() -> None:
    shallow = vertex_words(network_of_layers(conv(8), RELU, *HEAD))
    deep = vertex_words(network_of_layers(conv(8), RELU, conv(8), RELU, *HEAD))
    assert deep[:3] == shallow[:3]
    assert deep[-4:] == shallow[-4:]
    wider = vertex_words(network_of_layers(conv(9), RELU, *HEAD))
    assert [a == b for a, b in zip(shallow, wider, strict=True)].count(False) == 1


def test_under_the_limit_is_near_and_the_limit_itself_is_not() -> None:
    test = {"test": "abcdefghij"}
    near = near_relatives(test, {"one": "abcdefghiX", "two": "XbcdefghXj", "far": "klm"}, 0.2)
    assert {name: (r.near, r.distance) for name, r in near.items()} == {"one": ("test", 0.1)}


def test_the_near_of_the_near_are_near_and_none_is_left() -> None:
    others = {"third": "abcdefgXYZ", "second": "abcdefghYZ", "first": "abcdefghiZ"}
    near = near_relatives({"test": "abcdefghij"}, others, 0.15)
    assert [(name, r.near) for name, r in near.items()] == [
        ("first", "test"), ("second", "first"), ("third", "second"),
    ]  # fmt: skip


@pytest.mark.parametrize("seed", range(5))
def test_bounds_lose_no_pair(seed: int) -> None:
    draw = random.Random(seed)
    words = ["".join(draw.choices("ab", k=draw.randint(3, 12))) for _ in range(40)]
    test, others = words[:20], words[20:]
    near = near_relatives(
        {f"t{i}": text for i, text in enumerate(test)},
        {f"o{i}": text for i, text in enumerate(others)},
        0.3,
    )
    left = [text for i, text in enumerate(others) if f"o{i}" not in near]
    moved = [text for i, text in enumerate(others) if f"o{i}" in near]
    assert moved
    for text in left:
        assert all(Levenshtein.normalized_distance(text, t) >= 0.3 for t in (*test, *moved))

"""Groups of fields: their checks, their numbering, comparing items."""

import pytest
import torch

from pipeline.compress.fields import Group, buckets, exact, symbols

MIXED = Group("attributes", (3, 2, 3, 5), 2, ((0, 3), (1, 2)))


@pytest.mark.parametrize(
    ("arguments", "reason"),
    [
        (("a b", (2,), 1), "name"),
        (("a", (), 1), "fields"),
        (("a", (2, 0), 1), "fields"),
        (("a", (2, 2), 2, ((0,), (0, 1))), "exactly once"),
        (("a", (2, 2), 1, ((0,), ())), "exactly once"),
        (("a", (2, 2), 3, ((0,), (1,))), "shared out"),
    ],
)
def test_a_group_that_makes_no_sense_is_refused(arguments, reason):
    with pytest.raises(ValueError, match=reason):
        Group(*arguments)


def test_every_class_of_every_field_has_a_symbol_of_its_own():
    alphabet = symbols(MIXED)
    used = [
        int(alphabet.offsets[field]) + value
        for field, classes in enumerate(MIXED.cardinalities)
        for value in range(-1, classes)
    ]
    assert sorted(used) == list(range(1, alphabet.size))
    assert alphabet.places.tolist() == [[0, 3], [1, 2]]


def test_fields_of_one_cardinality_share_a_bucket():
    found = buckets(MIXED)
    assert [(b.classes, b.fields, b.start, b.stop) for b in found] == [
        (2, (1,), 0, 2),
        (3, (0, 2), 2, 8),
        (5, (3,), 8, 13),
    ]


def test_items_are_exact_where_every_applicable_field_is():
    a = {"g": torch.tensor([[1, -1], [1, 2], [1, 2]]), "h": torch.tensor([[0], [0], [0]])}
    b = {"g": torch.tensor([[1, 7], [1, 3], [1, 2]]), "h": torch.tensor([[0], [0], [1]])}
    assert exact(a, b).tolist() == [True, False, False]

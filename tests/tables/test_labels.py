"""Measurements find the networks whose files they name."""

from __future__ import annotations

import pyarrow as pa
import pytest

from pipeline.harvest.labels import Measurement
from pipeline.tables.conform import conform
from pipeline.tables.labels import count_labels, label_networks
from pipeline.tables.tables import table_of

FILES = pa.table(
    {
        "address": ["a://one", "a://two", "b://one", "a://refused"],
        "fingerprint": ["f1", "f2", "f1", None],
    }
)


def measured(address: str, value: float = 70.0, recipe: str = "first") -> Measurement:
    source = address.partition(":")[0]
    return Measurement(address, source, "imagenet", "top1", recipe, value, "MIT")


def test_a_label_names_the_network_of_its_file() -> None:
    rows = label_networks(
        [measured("a://one"), measured("b://one", 71), measured("a://two", 72)], FILES
    )
    assert [(r["fingerprint"], r["source"], r["value"]) for r in rows] == [
        ("f1", "a", 70.0), ("f1", "b", 71), ("f2", "a", 72),
    ]  # fmt: skip
    assert count_labels(rows) == {
        "labels": 3,
        "networks": 2,
        "by_source": {"a": {"labels": 2, "networks": 2}, "b": {"labels": 1, "networks": 1}},
    }
    assert len(conform(table_of("labels"), rows)) == 3


def test_files_that_are_refused_or_absent_have_no_labels() -> None:
    assert label_networks([measured("a://refused"), measured("a://none")], FILES) == []


def test_one_number_twice_is_one_label_and_two_of_one_key_are_an_error() -> None:
    assert len(label_networks([measured("a://one"), measured("a://one")], FILES)) == 1
    with pytest.raises(ValueError, match="two labels of one key"):
        label_networks([measured("a://one"), measured("a://one", 71)], FILES)

"""The committed split: what the code draws, and no training network near a measured one."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from small_zoo import HEAD, RELU, conv, network_of_layers

from pipeline.errors import DataError
from pipeline.tables.groups import kind_of
from pipeline.tables.read import read_table
from pipeline.tables.read_networks import read_networks
from pipeline.tables.split import (
    NEAR_RELATIVES,
    SPLITS,
    draw_part,
    make_split,
    read_split,
)

ZOO = Path(__file__).parents[2] / "datasets/zoo"


@pytest.fixture(scope="module")
def names() -> dict[str, str]:
    """Fingerprint -> name of the zoo's networks."""
    table = read_table(ZOO / "tables", "networks")
    return dict(
        zip(*(table.column(c).to_pylist() for c in ("fingerprint", "name")), strict=True)
    )


def test_the_committed_tables_are_what_the_zoo_gives(names) -> None:
    made = make_split(names, dict(read_networks(ZOO / "tables")))
    assert (ZOO / SPLITS).read_bytes() == made.splits_csv()
    assert (ZOO / NEAR_RELATIVES).read_bytes() == made.near_relatives_csv(names)


def test_no_name_of_a_resnet_or_alexnet_trains(names) -> None:
    split = read_split(ZOO, names)
    training = [name for f, name in names.items() if split.part_of(f) == "train"]
    assert len(training) > len(names) / 3
    assert not [
        n for n in training if any(w in n for w in ("resn", "alexnet", "wrn", "res2ne"))
    ]


def test_both_parts_hold_real_networks_small_ones_and_sampled_ones(names) -> None:
    split = read_split(ZOO, names)
    kinds = {(split.part_of(f), kind_of(name)) for f, name in names.items()}
    assert len(kinds) == 6


def test_about_a_share_of_the_groups_is_held_out() -> None:
    shares = np.mean([draw_part(f"group{n}") == "test" for n in range(2000)])
    assert 0.17 < shares < 0.23
    assert draw_part("resnet") == draw_part("alexnet") == "test"


def test_a_near_relative_joins_the_group_it_is_near_to(tmp_path) -> None:
    body = (conv(8), RELU) * 10
    networks = {
        "plain": network_of_layers(*body, *HEAD),
        "resnet": network_of_layers(*body, conv(9), RELU, *HEAD),
        "nin": network_of_layers(conv(8), RELU, *HEAD),
    }
    names = {network.fingerprint: name for name, network in networks.items()}
    split = make_split(names, {n.fingerprint: n for n in networks.values()})
    assert draw_part("plain") == draw_part("nin") == "train"
    parts = {name: split.part_of(f) for f, name in names.items()}
    assert parts == {"plain": "test", "resnet": "test", "nin": "train"}
    assert split.summary() == {"test": 2, "train": 1, "groups": 3, "moved": 1}
    (tmp_path / SPLITS).write_bytes(split.splits_csv())
    (tmp_path / NEAR_RELATIVES).write_bytes(split.near_relatives_csv(names))
    again = read_split(tmp_path, names)
    assert (again.parts, again.groups) == (split.parts, split.groups)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (None, "cannot be read"),
        ("group\nresnet\n", "its columns are not group, part"),
        ("group,part\nresnet\n", "its columns are not group, part"),
        ("group,part\nresnet,both\n", "'both' is not train or test"),
    ],
)
def test_a_damaged_table_is_named(tmp_path, content, message) -> None:
    if content is not None:
        (tmp_path / SPLITS).write_text(content)
    with pytest.raises(DataError, match=f"{SPLITS}.*{message}"):
        read_split(tmp_path, {})


def test_a_network_that_is_not_known_has_no_part(names) -> None:
    with pytest.raises(DataError, match="knows no such network"):
        read_split(ZOO, names).part_of("0" * 32)

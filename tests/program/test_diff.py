"""What one would have to change, in the words of show."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from hypothesis import given
from random_programs import networks

from pipeline import Network
from pipeline.program.compare import compare, to_text
from pipeline.program.diff import Change, Depth, diff

NAMES = ("first", "second")


def in_place_of(network: Network, old: str, new: str) -> Network:
    return Network(
        tuple(replace(v, operator=new) if v.operator == old else v for v in network.vertices)
    )


@given(networks)
def test_a_network_and_itself_need_no_change(network: Network) -> None:
    assert diff(network, network) == []
    assert compare(network, network, NAMES)["equal"]


def test_depths(zoo: Callable[[str], Network]) -> None:
    depths = [c for c in diff(zoo("resnet18"), zoo("resnet34")) if isinstance(c, Depth)]
    assert [(d.number, d.before, d.after) for d in depths] == [
        (1, 2, 3), (2, 1, 3), (3, 1, 5), (4, 1, 2)
    ]  # fmt: skip
    assert "block 1, run 2: once -> 3 times" in to_text(
        zoo("resnet18"), zoo("resnet34"), NAMES
    )


def test_one_change_everywhere_is_one_change(zoo: Callable[[str], Network]) -> None:
    network = zoo("resnet18")
    count = sum(v.operator == "Relu" for v in network.vertices)
    changes = diff(network, in_place_of(network, "Relu", "Elu"))
    assert all(isinstance(c, Change) for c in changes)
    assert {(c.removed, c.added) for c in changes if isinstance(c, Change)} == {
        (("Relu",), ("Elu",))
    }
    assert sum(c.times for c in changes if isinstance(c, Change)) == count


def test_one_design_spelled_in_two_ways(zoo: Callable[[str], Network]) -> None:
    first, second = zoo("vgg16"), zoo("vgg16_bn")
    assert first.design == second.design
    assert not compare(first, second, NAMES)["equal"]
    assert compare(first, second, NAMES)["designs_equal"]
    text = to_text(first, second, NAMES)
    assert "one design, spelled in two ways" in text
    assert "behind Conv, in 13 places:\n  + BatchNorm" in text

"""What ``nn2vec show`` prints."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from random_programs import networks

from pipeline import Network
from pipeline.operators.macs import macs
from pipeline.program.show import to_dict, to_text


def test_a_resnet50_is_thirty_lines(zoo: Callable[[str], Network]) -> None:
    text = to_text(zoo("resnet50"), shapes=True)
    lines = text.splitlines()
    assert len(lines) <= 32
    assert "Conv 7x7 64 /2 · BatchNorm · Relu   64x112x112       9,536   118 M" in lines
    assert lines[-1].endswith("25.6 M parameters, 4.09 G MACs")
    assert [line.split()[:3] for line in lines].count(["A", "3", "times"]) == 1


@given(networks)
def test_any_network_has_a_text(network: Network) -> None:
    assert f"{len(network)} vertices" in to_text(network).splitlines()[-1]


@pytest.mark.parametrize("name", ["resnet18", "efficientnet_b0"])
def test_blocks_add_up(zoo: Callable[[str], Network], name: str) -> None:
    network = zoo(name)
    plain = to_dict(network, shapes=True)
    items: list[dict[str, Any]] = plain["program"]
    for column in ("parameters", "macs"):
        assert sum(item[column] for item in items) == plain[column] > 0
    assert plain["macs"] == macs(network)
    assert plain["instructions"] == len(network.program)

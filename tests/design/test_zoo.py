"""The inference form of real networks: networks like any other, and once is enough."""

from __future__ import annotations

from pathlib import Path

import pytest

from pipeline.design.design import design_of
from pipeline.graph.network import Network
from pipeline.operators.read_onnx import read_skeleton_network
from pipeline.operators.shapes import infer_layers
from pipeline.operators.write_onnx import to_skeleton
from pipeline.tables.read import read_table
from pipeline.tables.read_networks import read_networks

TABLES = Path(__file__).parents[2] / "datasets/zoo/tables"
LARGEST, MOST = 110, 16  # vertices; networks


@pytest.fixture(scope="module")
def networks() -> list[Network]:
    """The smallest network of each of the first families that have a small one."""
    smallest: dict[str, tuple[int, str]] = {}
    for row in read_table(TABLES, "networks").to_pylist():
        found = (row["vertices"], row["fingerprint"])
        smallest[row["family"]] = min(found, smallest.get(row["family"], found))
    chosen = [f for size, f in sorted(smallest.values()) if size <= LARGEST][:MOST]
    return [network for _, network in read_networks(TABLES, chosen)]


def test_it_reads_back_from_onnx_as_it_was_written(networks: list[Network]) -> None:
    assert len(networks) == MOST
    for network in networks:
        design = design_of(network)
        assert read_skeleton_network(to_skeleton(design)) == design


def test_it_has_an_inference_form_which_is_itself(networks: list[Network]) -> None:
    for network in networks:
        design = design_of(network)
        assert design_of(design) == design
        assert design.design == network.design == design.fingerprint


def test_it_makes_tensors_of_the_same_shape_and_is_not_longer(networks: list[Network]) -> None:
    for network in networks:
        design = design_of(network)
        assert infer_layers(design)[-1].outputs == infer_layers(network)[-1].outputs
    assert sum(len(design_of(n)) for n in networks) < 0.95 * sum(map(len, networks))


def test_torch_builds_it(networks: list[Network]) -> None:
    from pipeline.operators.to_torch import to_torch

    for network in networks[::8]:
        assert sum(1 for _ in to_torch(design_of(network)).parameters())

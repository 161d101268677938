"""Names that mean one network, and those that do not."""

from __future__ import annotations

from pathlib import Path

import pytest

from pipeline.errors import DataError
from pipeline.tables.names import AmbiguousName, Names, full_name
from pipeline.tables.read import read_tables

ZOO = Path(__file__).parents[2] / "datasets/zoo/tables"
NAMES = Names(
    {
        "timm/resnet18": "f1",
        "torchvision/resnet18": "f1",
        "pytorchcv/resnet18": "f2",
        "timm/resnet34": "f3",
        "torchvision/vgg11": "f4",
    },
    {"f1": "resnet18", "f2": "resnet18", "f3": "resnet34", "f4": "vgg11", "f5": "mine"},
)


@pytest.mark.parametrize(
    ("address", "name"),
    [
        ("timm://resnet18", "timm/resnet18"),
        ("onnx-wheel://light_resnet50.onnx", "onnx-wheel/light_resnet50"),
        ("nasbench201://n5c16/00230", "nasbench201/n5c16/00230"),
        ("https://host/net.onnx", "https://host/net.onnx"),
        ("models/net.onnx", "models/net.onnx"),
    ],
)
def test_a_full_name_says_where_a_network_is_from(address: str, name: str) -> None:
    assert full_name(address) == name


@pytest.mark.parametrize(
    ("wanted", "fingerprint"),
    [
        ("f2", "f2"),
        ("timm/resnet18", "f1"),
        ("pytorchcv/resnet18", "f2"),
        ("resnet34", "f3"),
        ("vgg11", "f4"),
        ("mine", "f5"),
    ],
)
def test_what_means_one_network_finds_it(wanted: str, fingerprint: str) -> None:
    assert NAMES.resolve(wanted) == fingerprint


def test_of_a_name_of_two_networks_it_is_said_which_was_taken() -> None:
    said = "resnet18 is 2 networks; this is timm/resnet18, not pytorchcv/resnet18"
    with pytest.warns(AmbiguousName, match=said):
        assert NAMES.resolve("resnet18") == "f1"


def test_an_unknown_name_is_answered_with_near_ones() -> None:
    with pytest.raises(DataError, match=r"fingerprint resnet35; alike are: .*resnet34"):
        NAMES.resolve("resnet35")
    with pytest.raises(DataError, match=r"fingerprint xyzzy$"):
        NAMES.resolve("xyzzy")


def test_every_full_name_of_the_zoo_means_one_network() -> None:
    tables = read_tables(ZOO, ["networks", "files"])
    names = Names.of(**tables)
    assert (
        len(names.full) == tables["files"].num_rows - tables["files"]["fingerprint"].null_count
    )
    assert names.resolve("torchvision/resnet18") == names.full["timm/resnet18"]
    with pytest.warns(AmbiguousName, match="resnet18 is 2 networks"):
        assert names.resolve("resnet18") == names.full["timm/resnet18"]

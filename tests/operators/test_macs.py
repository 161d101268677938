"""Multiply-accumulates, against those that torchvision publishes of its classifiers."""

from pathlib import Path

import pytest
from torchvision.models import get_model_weights

from pipeline.graph.network import INPUT, Network, Vertex
from pipeline.operators.macs import layer_macs, macs
from pipeline.operators.registry import registered
from pipeline.operators.shapes import infer_layers
from pipeline.tables.read import read_table
from pipeline.tables.read_networks import read_networks

TABLES = Path(__file__).parents[2] / "datasets/zoo/tables"
SCHEME = "torchvision://"
ROUNDED = 0.0005 + 1e-9  # torchvision gives thousandths of a billion


def classifiers() -> dict[str, Network]:
    """torchvision's networks of the zoo by name."""
    files = read_table(TABLES, "files").to_pylist()
    prints = {f["address"]: f["fingerprint"] for f in files if f["fingerprint"]}
    named = {a.removeprefix(SCHEME): p for a, p in prints.items() if a.startswith(SCHEME)}
    networks = dict(read_networks(TABLES, sorted(set(named.values()))))
    return {name: networks[print_] for name, print_ in named.items()}


def of_size(network: Network, side: int) -> Network:
    """The same layers for square images of another size."""
    source = Vertex(INPUT, (("dtype", "float32"), ("shape", (3, side, side))))
    return Network((source, *network.vertices[1:]))


def test_they_are_torchvisions() -> None:
    compared = 0
    for name, network in classifiers().items():
        for weights in get_model_weights(name):
            side = weights.transforms.keywords["crop_size"]
            found = macs(of_size(network, side)) / 1e9
            assert found == pytest.approx(weights.meta["_ops"], abs=ROUNDED, rel=0), weights
            compared += 1
    assert compared > 90


def test_only_matrix_products_count() -> None:
    counted = {o.name for o in registered().values() if o.macs}
    assert counted == {"Conv", "ConvTranspose", "Gemm", "MatMul"}


def test_the_work_of_a_network_is_that_of_its_layers() -> None:
    network = classifiers()["resnet18"]
    by_layer = [layer_macs(layer) for layer in infer_layers(network)]
    assert sum(by_layer) == macs(network)
    assert sum(map(bool, by_layer)) == 21  # 20 Convs and a Gemm

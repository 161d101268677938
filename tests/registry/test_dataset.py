"""A dataset in Python: tables in any form, networks by name, labels, graphs for PyG."""

from __future__ import annotations

import sys
from types import ModuleType, SimpleNamespace

import pytest
from small_zoo import ZOO as FAMILIES_AND_NETWORKS

from pipeline import load_dataset
from pipeline.errors import DataError

ZOO = {name: network for name, (_, network) in FAMILIES_AND_NETWORKS.items()}


@pytest.fixture
def zoo(datasets):
    return load_dataset("zoo", datasets)


def test_tables_in_the_form_that_is_asked_for(zoo):
    assert {"networks", "nodes", "edges"} <= set(zoo.tables)
    assert zoo.table("networks").num_rows == len(ZOO)
    with pytest.raises(DataError, match="has no table 'none'; there are: "):
        zoo.table("none")


def test_what_is_not_installed_is_named(zoo, monkeypatch):
    monkeypatch.setitem(sys.modules, "polars", None)
    with pytest.raises(DataError, match="pip install polars"):
        zoo.table("networks", "polars")


def test_polars_takes_the_arrow_table(zoo, monkeypatch):
    polars = ModuleType("polars")
    polars.from_arrow = lambda table: ("frame", table.num_rows)
    monkeypatch.setitem(sys.modules, "polars", polars)
    assert zoo.table("networks", "polars") == ("frame", len(ZOO))


def test_networks_by_name_and_fingerprint(zoo):
    for name, network in ZOO.items():
        assert zoo.network(name) == zoo.network(network.fingerprint) == network
    assert dict(zoo.networks()) == {n.fingerprint: n for n in ZOO.values()}
    with pytest.raises(DataError, match="alike are: resnet18"):
        zoo.network("resnet19")


def test_labels_name_their_networks(zoo):
    labels = zoo.labels()
    assert labels.num_rows
    assert {"name", "metric", "value"} <= set(labels.column_names)
    assert set(labels["name"].to_pylist()) <= set(ZOO)


def test_graphs_for_pyg(zoo, monkeypatch):
    with pytest.raises(DataError, match="pip install torch_geometric"):
        zoo.to_pyg()
    data = ModuleType("torch_geometric.data")
    data.Data = SimpleNamespace
    monkeypatch.setitem(sys.modules, "torch_geometric", ModuleType("torch_geometric"))
    monkeypatch.setitem(sys.modules, "torch_geometric.data", data)
    graphs = {graph.fingerprint: graph for graph in zoo.to_pyg()}
    network = ZOO["resnet18"]
    graph = graphs[network.fingerprint]
    assert [zoo.operators[n] for n in graph.x[:, 0].tolist()] == [
        v.operator for v in network.vertices
    ]
    edges = [(e.source, e.target) for e in network.edges]
    assert list(zip(*graph.edge_index.tolist(), strict=True)) == edges


def test_a_folder_and_an_address_are_datasets_too(datasets):
    for name in (str(datasets / "zoo"), (datasets / "zoo").as_uri()):
        assert load_dataset(name).network("plain8") == ZOO["plain8"]
    with pytest.raises(DataError, match="no dataset is named 'none'"):
        load_dataset("none", datasets)
    with pytest.raises(DataError, match="cannot be fetched"):
        load_dataset((datasets / "none").as_uri())

import math

import pytest
from small_zoo import ZOO, network_of_layers, shapes_of

from pipeline.errors import DataError
from pipeline.graph.network import Network, Operand, Vertex
from pipeline.tables.networks import network_rows, networks_rows
from pipeline.tables.read_networks import network_of, read_networks
from pipeline.tables.write import write_tables


@pytest.mark.parametrize("name", ZOO)
def test_a_network_survives_its_rows(name):
    network = ZOO[name][1]
    rows = network_rows(network, shapes_of(network))
    back = network_of(**rows)
    assert back.vertices == network.vertices
    assert back.fingerprint == network.fingerprint
    assert rows["nodes"]["output_shape"].to_pylist() == [list(s) for s in shapes_of(network)]


@pytest.mark.parametrize(
    "value",
    [0, -1, 2**63 - 1, 1.0, 0.1, -0.0, 1e-310, math.inf, "é\n\0", (), (1,), (1.0,), (1, -2),
     "", (0.1, math.inf), ("",), ("a", "b")],
)  # fmt: skip
def test_every_kind_of_value_is_exact_and_keeps_its_kind(value):
    network = network_of_layers(("Clip", {"value": value, "other": 1}))
    back = network_of(**network_rows(network, shapes_of(network)))
    assert repr(back.vertices) == repr(network.vertices)


def test_not_a_number_is_kept():
    network = network_of_layers(("Clip", {"one": math.nan, "more": (math.nan,)}))
    back = network_of(**network_rows(network, shapes_of(network)))
    assert back.fingerprint == network.fingerprint


@pytest.mark.parametrize("value", [None, True, b"x", (1, 2.0), ((1,),), [1]])
def test_a_value_without_a_column_is_refused(value):
    network = network_of_layers(("Clip", {"value": value}))
    with pytest.raises(ValueError, match="value"):
        network_rows(network, shapes_of(network))


def test_a_shape_for_every_vertex_is_required():
    network = ZOO["odd"][1]
    with pytest.raises(ValueError, match="shapes"):
        network_rows(network, shapes_of(network)[:-1])


def test_output_slots_and_operand_positions_are_kept():
    network = Network(
        (
            Vertex("Input"),
            Vertex("Split", (("num_outputs", 3),), (Operand(0),)),
            Vertex("Where", (), (Operand(1, 2, 1), Operand(1, 0, 2))),
            Vertex("Output", (), (Operand(2),)),
        )
    )
    assert network_of(**network_rows(network, shapes_of(network))).vertices == network.vertices


def test_reading_all_networks_or_some(tmp_path):
    networks = {network.fingerprint: network for _, network in ZOO.values()}
    rows = networks_rows((n, shapes_of(n)) for n in networks.values())
    write_tables(tmp_path, rows, shard_rows=7)
    assert {f: n.vertices for f, n in read_networks(tmp_path)} == {
        f: n.vertices for f, n in networks.items()
    }
    wanted = list(networks)[2:0:-1]
    assert [fingerprint for fingerprint, _ in read_networks(tmp_path, wanted)] == wanted
    with pytest.raises(DataError, match="no network ffff"):
        list(read_networks(tmp_path, ["ffff"]))


def test_no_networks_are_three_empty_tables(tmp_path):
    write_tables(tmp_path, networks_rows([]))
    assert list(read_networks(tmp_path)) == []

import pyarrow as pa
import pytest

from pipeline.tables.conform import conform
from pipeline.tables.tables import table_of

NODES, ATTRIBUTES = table_of("nodes"), table_of("attributes")


def node(number: int, **changes) -> dict:
    row = {"fingerprint": "f", "node": number, "operator": "Relu", "output_shape": [1, 2]}
    return row | changes


def test_rows_are_sorted_by_key_whatever_comes_in():
    rows = conform(NODES, [node(2), node(0), node(1)])
    assert rows["node"].to_pylist() == [0, 1, 2]
    assert rows.schema == NODES.schema()
    batches = [rows.slice(1).to_batches()[0], rows.slice(0, 1), node(3)]
    assert conform(NODES, batches)["node"].to_pylist() == [0, 1, 2, 3]


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        ([node(0), node(0)], "stands twice"),
        ([node(0), node(1), node(0)], "stands twice"),
        ([node(0, operator=None)], "operator is null"),
        ([node(0, operator=3)], "operator holds int64"),
        ([node(0, node="0")], "node holds string"),
        ([node(0.5)], "node holds double"),
        ([node(2**40)], "is no int32"),
        ([node(0, colour="red")], "no column colour"),
        ([node(0) | {"output_shape": [0.5]}], "output_shape holds"),
        (
            [{"fingerprint": "f", "node": 1, "operator": "Relu"}],
            "lacks its column output_shape",
        ),
    ],
)
def test_rows_that_are_not_as_declared_are_refused(rows, message):
    with pytest.raises(ValueError, match=message):
        conform(NODES, rows)


def test_exactly_one_value_an_attribute():
    row = {"fingerprint": "f", "node": 0, "attribute": "axis"}
    assert conform(ATTRIBUTES, [row | {"int": 1}])["float"].to_pylist() == [None]
    for values in ({}, {"int": 1, "float": 1.0}):
        with pytest.raises(ValueError, match="exactly one"):
            conform(ATTRIBUTES, [row | values])


def test_vectors_have_one_width():
    table = table_of("graph_embeddings")
    row = {"codec": "c", "fingerprint": "f", "vector": [1.0, 2.0], "smooth": [1.0]}
    assert conform(table, [row], {"vector": 2, "smooth": 1})["vector"].to_pylist() == [
        [1.0, 2.0]
    ]
    with pytest.raises(ValueError, match="vector"):
        conform(table, [row], {"vector": 3, "smooth": 1})


def test_no_rows_are_a_table_as_well():
    assert conform(NODES, []).schema == NODES.schema()
    assert len(conform(NODES, NODES.schema().empty_table())) == 0


def test_times_are_read_as_iso_8601():
    row = {"file_digest": "d", "address": "a", "source": "s", "licence": "MIT", "bytes": 1}
    rows = conform(table_of("files"), [row | {"harvested_at": "2026-01-02T03:04:05+00:00"}])
    assert rows["harvested_at"].cast(pa.string()).to_pylist() == ["2026-01-02 03:04:05.000000"]
    with pytest.raises(ValueError, match=r"files.harvested_at is no .*zone"):
        conform(table_of("files"), [row | {"harvested_at": "2026-01-02T03:04:05"}])

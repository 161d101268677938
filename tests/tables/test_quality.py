import pyarrow as pa
import pyarrow.compute as pc
import pytest

from pipeline.tables.quality import Bounds, check_quality
from pipeline.tables.read import read_tables
from pipeline.tables.tables import TABLES


@pytest.fixture
def tables(small_zoo):
    return read_tables(small_zoo, list(TABLES))


def edited(tables, name, column, place, value):
    """The tables with one value of one of them changed."""
    values = tables[name][column].to_pylist()
    values[place] = value
    index = tables[name].schema.get_field_index(column)
    field = tables[name].schema.field(column)
    changed = tables[name].set_column(index, field, pa.array(values, field.type))
    return {**tables, name: changed}


def rules(tables, *args):
    return {(v.rule, v.table) for v in check_quality(tables, *args)}


def test_good_tables_have_no_violations(tables):
    assert check_quality(tables, {n: len(t) for n, t in tables.items()}) == []


def test_a_repeated_key_is_found_in_every_table(tables):
    for name, rows in tables.items():
        doubled = {**tables, name: pa.concat_tables([rows, rows.slice(0, 1)])}
        assert ("key", name) in rules(doubled)


def test_edges_must_refer_to_nodes(tables):
    assert ("reference", "edges") in rules(edited(tables, "edges", "source", 5, 10_000))
    assert ("reference", "edges") in rules(edited(tables, "edges", "target", 5, 10_000))


def test_rows_must_refer_to_networks(tables):
    for name in ("files", "nodes", "graph_embeddings", "residuals"):
        assert ("reference", name) in rules(edited(tables, name, "fingerprint", 0, "f" * 32))
    assert ("reference", "vertex_embeddings") in rules(
        edited(tables, "vertex_embeddings", "node", 0, 10_000)
    )
    assert ("reference", "attributes") in rules(
        edited(tables, "attributes", "node", 0, 10_000)
    )
    fewer = {**tables, "nodes": tables["nodes"].slice(0, 0)}
    assert ("reference", "networks") in rules(fewer)


def test_a_file_without_a_network_is_allowed(tables):
    assert check_quality(edited(tables, "files", "fingerprint", 0, None)) == []


def test_an_operand_must_come_before_its_user(tables):
    target = tables["edges"]["target"][3].as_py()
    assert ("order", "edges") in rules(edited(tables, "edges", "source", 3, target))


@pytest.mark.parametrize("operator", ["Input", "Output"])
def test_there_is_one_input_and_one_output(tables, operator):
    ends = [i for i, o in enumerate(tables["nodes"]["operator"].to_pylist()) if o == operator]
    middle = ends[0] + (1 if operator == "Input" else -1)
    assert ("ends", "nodes") in rules(edited(tables, "nodes", "operator", ends[0], "Relu"))
    assert ("ends", "nodes") in rules(edited(tables, "nodes", "operator", middle, operator))


def test_no_vertex_hangs_loose(tables):
    edges = tables["edges"]
    first = edges["fingerprint"][0].as_py()
    mine = pc.equal(edges["fingerprint"], first)
    without = edges.filter(pc.invert(pc.and_(mine, pc.equal(edges["target"], 2))))
    assert ("ends", "nodes") in rules({**tables, "edges": without})


def test_counts_are_those_of_the_rows(tables):
    assert ("count", "networks") in rules(edited(tables, "networks", "vertices", 0, 99))
    assert ("count", "networks") in rules(edited(tables, "networks", "edges", 0, 99))


def test_the_last_version_bounds_the_next(tables):
    last = {"networks": 100}
    assert rules(tables, last) == {("bounds", "networks")}
    assert rules(tables, last, Bounds(least=0.01)) == set()
    assert rules(tables, {"networks": 1}, Bounds(most=2)) == {("bounds", "networks")}

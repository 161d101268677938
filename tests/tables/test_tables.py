import pyarrow as pa
import pytest
from small_tables import WIDTHS

from pipeline.tables.columns import BY_NAME, COLUMNS
from pipeline.tables.tables import TABLES, table_of

# As design.md has them: key columns, then the others.
DESIGN = {
    "files": "file_digest address | source licence bytes opset producer fingerprint "
    "harvested_at",
    "networks": "fingerprint | name family design group vertices edges instructions "
    "max_out_degree max_in_degree depth parameters macs input_shape output_shape "
    "paper_operators_only",
    "labels": "fingerprint source data_set metric recipe | value epochs resolution licence",
    "splits": "group | part",
    "nodes": "fingerprint node | operator output_shape",
    "edges": "fingerprint target operand | source output",
    "attributes": "fingerprint node attribute | int float string ints floats strings",
    "rejected": "file_digest address stage | reason detail",
    "graph_embeddings": "codec fingerprint | vector smooth",
    "vertex_embeddings": "codec fingerprint node | vector",
    "residuals": "codec fingerprint | residual bits",
}


def test_tables_are_those_of_the_design():
    declared = {
        name: f"{' '.join(t.key)} | {' '.join(c.name for c in t.columns[len(t.key) :])}"
        for name, t in TABLES.items()
    }
    assert declared == DESIGN


@pytest.mark.parametrize("name", TABLES)
def test_every_table_has_a_schema_a_meaning_and_no_null_in_its_key(name):
    table = table_of(name)
    schema = table.schema(WIDTHS.get(table.name))
    assert table.meaning
    assert all(not schema.field(key).nullable for key in table.key)
    assert all(column.meaning for column in table.columns)


def test_columns_are_declared_once():
    assert len(BY_NAME) == len(COLUMNS)


def test_vectors_are_float32_of_the_width_given():
    schema = table_of("graph_embeddings").schema({"vector": 3, "smooth": 2})
    assert schema.field("vector").type == pa.list_(pa.float32(), 3)
    with pytest.raises(ValueError, match="vector"):
        table_of("graph_embeddings").schema()


def test_an_unknown_table_is_answered_with_the_known_ones():
    with pytest.raises(KeyError, match="residuals"):
        table_of("nodez")

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from small_tables import write_small_zoo
from test_normalise import ONE, shelf  # noqa: F401

from pipeline.errors import DataError
from pipeline.tables.normalise import normalise
from pipeline.tables.read import read_table, with_later_columns
from pipeline.tables.shards import read_table_set, sha256
from pipeline.tables.tables import table_of
from pipeline.tables.upgrade import upgrade_networks
from pipeline.tables.write import write_parts

LATER = ("design", "macs")


def without(directory, names):
    """Put the table networks back to what it was before these columns were declared."""
    manifest = read_table_set(directory)
    (shard,) = manifest.tables["networks"].shards
    path = directory / shard.file
    older = pq.read_table(path).drop_columns(list(names))
    pq.write_table(older, path)
    content = path.read_bytes()
    text = (directory / "manifest.json").read_text()
    text = text.replace(f'"digest": "{shard.digest}"', f'"digest": "{sha256(content)}"')
    text = text.replace(f'"bytes": {shard.bytes}', f'"bytes": {len(content)}')
    (directory / "manifest.json").write_text(text)


def test_what_was_declared_later_is_null_in_older_shards(tmp_path):
    write_small_zoo(tmp_path)
    before = read_table(tmp_path, "networks")
    without(tmp_path, LATER)
    older = read_table(tmp_path, "networks")
    assert older.schema == before.schema
    assert all(older[name].null_count == len(older) > 0 for name in LATER)
    assert older.drop_columns(list(LATER)).equals(before.drop_columns(list(LATER)))


def test_a_column_that_may_not_be_null_is_not_made_up(tmp_path):
    write_small_zoo(tmp_path)
    without(tmp_path, ["depth"])
    with pytest.raises(DataError, match="not networks's any more"):
        read_table(tmp_path, "networks")


def test_an_unknown_column_is_no_later_one():
    schema = table_of("networks").schema()
    part = pa.table({"fingerprint": ["f"], "colour": ["red"]})
    assert with_later_columns(part, schema).schema != schema


def test_an_older_set_is_brought_up_out_of_itself(shelf, tmp_path):  # noqa: F811
    found = normalise(shelf, ONE)
    write_parts(tmp_path, [found.facts, *found.graphs])
    before = read_table(tmp_path, "networks")
    assert not any(before[name].null_count for name in LATER)
    without(tmp_path, LATER)
    upgrade_networks(tmp_path)
    assert read_table(tmp_path, "networks").equals(before)

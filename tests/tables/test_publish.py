import pytest
from small_tables import WIDTHS, small_rows, write_small_zoo
from small_zoo import ZOO

from pipeline.errors import DataError
from pipeline.tables.publish import publish_tables
from pipeline.tables.read import read_table, read_tables
from pipeline.tables.shards import read_table_set
from pipeline.tables.tables import TABLES
from pipeline.tables.write import write_table, write_tables


def by_codec(rows, codec):
    return {
        name: [row for row in rows[name] if row["codec"] == codec]
        for name in ("graph_embeddings", "vertex_embeddings", "residuals")
    }


def test_sets_of_several_stages_become_one(tmp_path):
    rows = small_rows()
    graphs = {
        n: r for n, r in rows.items() if "codec" not in [c.name for c in TABLES[n].columns]
    }
    sources = [tmp_path / "graphs", tmp_path / "ae", tmp_path / "vae"]
    write_tables(sources[0], graphs)
    write_tables(sources[1], by_codec(rows, "zoo-ae"), WIDTHS)
    write_tables(sources[2], by_codec(rows, "zoo-vae"), WIDTHS)
    publish_tables(tmp_path / "all", sources)
    write_small_zoo(tmp_path / "whole")
    assert read_tables(tmp_path / "all", list(TABLES)) == read_tables(
        tmp_path / "whole", list(TABLES)
    )


def test_publishing_again_replaces_everything(small_zoo, tmp_path):
    publish_tables(tmp_path / "all", [small_zoo])
    write_small_zoo(small_zoo, ["odd"])
    publish_tables(tmp_path / "all", [small_zoo])
    assert read_table(tmp_path / "all", "networks").num_rows == 1 < len(ZOO)
    manifest = read_table_set(tmp_path / "all")
    assert {p.name for p in (tmp_path / "all").glob("*.parquet")} == manifest.files


def test_damaged_or_missing_shards_are_never_published(small_zoo, tmp_path):
    publish_tables(tmp_path / "all", [small_zoo])
    before = read_table_set(tmp_path / "all")
    manifest = write_table(small_zoo, "rejected", [])
    shard = small_zoo / manifest.tables["rejected"].shards[0].file
    shard.write_bytes(shard.read_bytes()[:-1] + b"?")
    with pytest.raises(DataError, match="damaged"):
        publish_tables(tmp_path / "all", [small_zoo])
    shard.unlink()
    with pytest.raises(DataError, match="missing"):
        publish_tables(tmp_path / "all", [small_zoo])
    assert read_table_set(tmp_path / "all") == before


def test_vectors_of_two_widths_do_not_mix(small_zoo, tmp_path):
    row = {"codec": "other", "fingerprint": "f", "vector": [1.0], "smooth": [1.0]}
    write_table(tmp_path / "other", "graph_embeddings", [row], {"vector": 1, "smooth": 1})
    with pytest.raises(DataError, match="vector"):
        publish_tables(tmp_path / "all", [small_zoo, tmp_path / "other"])

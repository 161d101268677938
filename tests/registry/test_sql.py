import contextlib
import os

import duckdb
import numpy as np
import pytest
from small_dataset import ABOUT, ANY, register_small_zoo
from small_tables import CODECS, small_rows, vector_of, write_small_zoo
from small_zoo import ZOO

from pipeline.atomic import write_atomically
from pipeline.errors import DataError
from pipeline.registry import register as registering
from pipeline.registry.catalogue import verify
from pipeline.registry.export import export_database
from pipeline.registry.register import register
from pipeline.registry.sql import QueryError, connect, run_query
from pipeline.tables import intact, publish, shards
from pipeline.tables.tables import TABLES
from pipeline.tables.write import write_tables


@pytest.fixture
def connection(datasets):
    with connect(datasets) as opened:
        yield opened


def rows(connection, sql):
    return run_query(connection, sql).rows


def test_every_table_is_a_view_with_its_columns(connection):
    for name, table in TABLES.items():
        result = run_query(connection, f"FROM {name}")
        assert result.columns == tuple(column.name for column in table.columns)
        assert result.rows


def test_spellings_of_one_architecture(connection):
    found = rows(connection, "SELECT name FROM spellings_of('resnet18')")
    assert found == [("plain16",), ("resnet18",)]  # as small_tables says
    assert rows(connection, "SELECT name FROM spellings_of('skip8')") == [("skip8",)]


def test_views_work_from_any_folder(datasets, monkeypatch, tmp_path):
    monkeypatch.chdir(datasets.parent)
    with connect(os.path.relpath(datasets)) as opened:
        monkeypatch.chdir("/")
        assert rows(opened, "SELECT count(*) FROM networks") == [(len(ZOO),)]


def test_views_cannot_be_written_to(connection):
    with pytest.raises(QueryError):
        run_query(connection, "DELETE FROM networks")


def test_nearest_orders_the_others_by_distance(connection):
    found = run_query(connection, "FROM nearest('plain8')")
    assert found.columns == ("name", "family", "fingerprint", "similarity")
    assert len(found.rows) == len(ZOO) - 1
    assert {row[0] for row in found.rows[:2]} == {"plain16", "resnet18"}
    similarities = [row[3] for row in found.rows]
    assert similarities == sorted(similarities, reverse=True)
    assert similarities[1] > 0.5 > similarities[2]


def test_nearest_takes_a_name_or_fingerprint_a_count_and_a_codec(connection):
    fingerprint = ZOO["plain8"][1].fingerprint
    by_name = rows(connection, "FROM nearest('plain8', k := 2)")
    assert len(by_name) == 2
    assert rows(connection, f"FROM nearest('{fingerprint}', k := 2)") == by_name
    assert rows(connection, f"FROM similar_to('{fingerprint}', k := 2)") == by_name
    assert rows(connection, "FROM nearest('plain8', 2, codec := 'zoo-vae')") == by_name
    names = [name for name in ZOO if name != "plain8"]
    for codec in CODECS:
        found = rows(connection, f"FROM nearest('plain8', codec := '{codec}')")
        near = {name: similarity(codec, "plain8", name) for name in names}
        assert [row[0] for row in found] == sorted(names, key=near.get, reverse=True)
        assert {row[0]: row[3] for row in found} == pytest.approx(near, abs=1e-5)


def similarity(codec, *names):
    a, b = (np.array(vector_of(codec, ZOO[name][0], name)) for name in names)
    return float(1 / (1 + np.linalg.norm(a - b)))


@pytest.mark.parametrize(
    ("sql", "message"),
    [
        ("FROM nearest('nobody')", "no network has the name or fingerprint nobody"),
        ("FROM nearest('odd', codec := 'none')", "no vectors of codec none"),
        ("FROM similar_to('ffff')", "codec zoo-vae has no vector of network ffff"),
        ("FROM operators_of('nobody')", "no network has the name"),
        ("SELEC 1", "syntax error"),
        ("FROM nodez", "nodez"),
    ],
)
def test_what_is_wrong_with_a_query_is_said(connection, sql, message):
    with pytest.raises(QueryError, match=message):
        run_query(connection, sql)


def test_operators_and_blocks_of_a_network(connection):
    assert rows(connection, "FROM operators_of('plain8')")[:3] == [
        ("BatchNormalization", 2), ("Conv", 2), ("Relu", 2),
    ]  # fmt: skip
    pairs = dict(rows(connection, "FROM block_histogram('skip8', n := 2)"))
    assert pairs["Relu > Add"] == 1
    assert pairs["BatchNormalization > Add"] == 1
    assert sum(pairs.values()) == len(list(ZOO["skip8"][1].edges))
    triples = dict(rows(connection, "FROM block_histogram('plain8')"))
    assert triples["Conv > BatchNormalization > Relu"] == 2


def test_a_table_that_is_not_there_is_named(tmp_path):
    graphs = {n: r for n, r in small_rows().items() if TABLES[n].key[0] != "codec"}
    write_tables(tmp_path / "work", graphs)
    register(tmp_path / "datasets/zoo", [tmp_path / "work"], ABOUT, {}, "zoo-vae")
    with connect(tmp_path / "datasets") as opened:
        assert rows(opened, "FROM operators_of('odd')")
        for sql in ("FROM graph_embeddings", "FROM nearest('odd')", "FROM similar_to('f')"):
            with pytest.raises(QueryError, match="no table graph_embeddings yet"):
                run_query(opened, sql)


def test_a_session_survives_a_new_version(tmp_path):
    register_small_zoo(tmp_path)
    with connect(tmp_path / "datasets") as opened:
        assert rows(opened, "SELECT count(*) FROM networks") == [(len(ZOO),)]
        register_small_zoo(tmp_path, ["odd", "plain8"])
        assert rows(opened, "SELECT count(*) FROM networks") == [(2,)]
        assert rows(opened, "SELECT version FROM settings") == [("1.1.0",)]


def test_a_dataset_that_is_not_there_is_named(tmp_path):
    with pytest.raises(DataError, match="no dataset is named"):
        connect(tmp_path, "zoo")


def test_the_exported_file_is_plain_duckdb(datasets, tmp_path, connection):
    path = export_database(datasets, "zoo", tmp_path / "zoo.duckdb")
    with duckdb.connect(str(path), read_only=True) as plain:
        for name in TABLES:
            count = f"SELECT count(*) FROM {name}"
            assert plain.execute(count).fetchall() == rows(connection, count)
        types = dict(
            plain.execute(
                "SELECT column_name, data_type FROM duckdb_columns()"
                " WHERE table_name = 'graph_embeddings'"
            ).fetchall()
        )
        assert types["smooth"] == "FLOAT[64]"
        nearest = "FROM nearest('plain8', k := 3)"
        assert plain.execute(nearest).fetchall() == rows(connection, nearest)
        assert plain.execute("FROM block_histogram('odd')").fetchall()
        assert plain.execute("SELECT comment FROM duckdb_tables() WHERE table_name = 'edges'"
                             ).fetchone() == ("edges of every network",)  # fmt: skip
        stored = plain.execute("SELECT * FROM settings").fetchall()
        assert stored == [("zoo", "1.0.0", "zoo-vae")]
    assert [p.name for p in tmp_path.glob(".tmp-*")] == []


def read_all(folder):
    return {p: p.read_bytes() for p in folder.rglob("*") if p.is_file()}


SHARD_OVER = "COPY (SELECT 1 AS a) TO '{shard}' (FORMAT parquet, USE_TMP_FILE false)"


@pytest.mark.parametrize(
    "sql",
    [
        "FROM read_csv('/etc/passwd')",
        "FROM '/etc/passwd'",
        "FROM read_text('/etc/hostname')",
        "FROM read_blob('{shard}/../../manifest.json')",
        "FROM glob('/*')",
        SHARD_OVER,
        f"EXPLAIN ANALYZE {SHARD_OVER}",
        f"/* */ EXPLAIN (ANALYZE) {SHARD_OVER}",
        f"PREPARE p AS {SHARD_OVER}; EXECUTE p",
        f"SELECT 1; {SHARD_OVER}; SELECT 2",
        "COPY networks TO '{folder}/out.csv'",
        "ATTACH '{folder}/out.duckdb'",
        "ATTACH '{tables}/out.duckdb'",
        "EXPORT DATABASE '{tables}'",
        "INSTALL httpfs",
        "LOAD httpfs",
        "SET enable_external_access = true",
        "SET lock_configuration = false",
        "SET allowed_directories = ['/']",
        "PRAGMA profiling_output = '{folder}/out.json'",
        "CREATE PERSISTENT SECRET s (TYPE http)",
        "FROM tmp_path",  # a variable of Python's
    ],
)
def test_by_default_no_other_file_is_read_and_none_is_written(datasets, tmp_path, sql):
    tables = datasets / "zoo/tables"
    shard = next(tables.glob("networks-*"))
    before = read_all(tmp_path)
    with connect(datasets) as opened:
        with pytest.raises(QueryError):
            run_query(opened, sql.format(shard=shard, folder=tmp_path, tables=tables))
        assert rows(opened, "SELECT count(*) FROM networks") == [(len(ZOO),)]
    assert read_all(tmp_path) == before


def test_what_only_reads_is_run(connection):
    for sql in ("SHOW TABLES", "DESCRIBE networks", "EXPLAIN FROM networks",
                "EXPLAIN ANALYZE FROM networks", "SUMMARIZE networks",
                "SET VARIABLE n = 1; SELECT getvariable('n')",
                "CREATE TEMP TABLE mine AS FROM networks; FROM mine"):  # fmt: skip
        assert rows(connection, sql)


def test_unrestricted_reads_and_writes(datasets, tmp_path):
    (tmp_path / "mine.csv").write_text("name\nplain8\n")
    with connect(datasets, unrestricted=True) as opened:
        sql = f"FROM networks SEMI JOIN '{tmp_path}/mine.csv' USING (name)"
        assert len(rows(opened, sql)) == 1
        run_query(opened, f"COPY networks TO '{tmp_path}/out.csv'")
    assert (tmp_path / "out.csv").stat().st_size


def test_a_refused_query_says_how_to_run_it(connection):
    for sql in ("FROM read_text('/etc/hostname')", "COPY networks TO 'x.csv'"):
        with pytest.raises(QueryError, match="--unrestricted"):
            run_query(connection, sql)


@pytest.mark.parametrize("damage", ["flip", "cut", "gone", "empty"])
def test_a_damaged_shard_is_named_when_the_dataset_is_opened(datasets, damage):
    with connect(datasets):
        pass  # they were seen whole
    for shard in sorted((datasets / "zoo/tables").glob("*.parquet")):
        content = shard.read_bytes()
        middle = len(content) // 2
        flipped = bytes([content[middle] ^ 16])
        changed = {
            "flip": content[:middle] + flipped + content[middle + 1 :],
            "cut": content[:-9],
            "empty": b"",
        }
        shard.unlink()
        if damage in changed:
            shard.write_bytes(changed[damage])
        with pytest.raises(DataError, match=shard.name):
            connect(datasets)
        shard.write_bytes(content)
    with connect(datasets) as opened:
        assert rows(opened, "SELECT count(*) FROM networks") == [(len(ZOO),)]


def test_a_shard_that_was_seen_whole_is_not_read_again(datasets, monkeypatch):
    with connect(datasets):
        pass
    monkeypatch.setattr(intact, "read_shard", None)
    with connect(datasets) as opened:
        assert rows(opened, "SELECT count(*) FROM networks") == [(len(ZOO),)]


@pytest.mark.parametrize("killed_at", range(5))
def test_rows_and_version_change_together_wherever_registering_is_killed(
    tmp_path, monkeypatch, killed_at
):
    register_small_zoo(tmp_path, ["odd", "plain8"])
    write_small_zoo(tmp_path / "work", list(ZOO))
    writes = iter(range(99))

    def write(path, content):
        if next(writes) == killed_at:
            raise KeyboardInterrupt
        write_atomically(path, content)

    with monkeypatch.context() as patch:
        for module in (publish, shards, registering):
            patch.setattr(module, "write_atomically", write)
        with contextlib.suppress(KeyboardInterrupt):
            register(tmp_path / "datasets/zoo", [tmp_path / "work"], ABOUT, {}, "zoo-vae", ANY)
    with connect(tmp_path / "datasets") as opened:
        state = rows(opened, "SELECT version, (SELECT count(*) FROM networks) FROM settings")
    assert state in ([("1.0.0", 2)], [("1.1.0", len(ZOO))])
    register_small_zoo(tmp_path)  # and registering again completes it
    assert verify(tmp_path / "datasets/zoo") == []

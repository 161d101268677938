import random
import subprocess
import sys
import time

import pyarrow as pa
import pytest
from small_tables import WIDTHS, small_rows
from small_zoo import ZOO

from pipeline.errors import DataError
from pipeline.tables.read import read_table, read_tables
from pipeline.tables.shards import MANIFEST, read_table_set
from pipeline.tables.tables import TABLES
from pipeline.tables.write import write_parts, write_table, write_tables


def contents(directory):
    return {path.name: path.read_bytes() for path in directory.iterdir()}


def test_every_table_is_read_as_it_was_written(small_zoo):
    tables = read_tables(small_zoo, list(TABLES))
    assert tables["networks"].num_rows == len(ZOO)
    for name, rows in tables.items():
        assert rows.schema == TABLES[name].schema(WIDTHS.get(name))
        keys = list(zip(*(rows[key].to_pylist() for key in TABLES[name].key), strict=True))
        assert keys == sorted(set(keys))


def test_same_rows_give_the_same_bytes_whatever_their_order_and_parts(tmp_path):
    rows = small_rows()
    write_tables(tmp_path / "a", rows, WIDTHS, shard_rows=5)
    generator = random.Random(0)
    mixed = {}
    for name, part in rows.items():
        listed = part.to_pylist() if isinstance(part, pa.Table) else list(part)
        generator.shuffle(listed)
        mixed[name] = listed
    nodes = [rows["nodes"].slice(20), *rows["nodes"].slice(0, 20).to_batches(max_chunksize=3)]
    for name in reversed(mixed):
        write_table(
            tmp_path / "b",
            name,
            nodes if name == "nodes" else mixed[name],
            WIDTHS.get(name),
            5,
        )
    assert contents(tmp_path / "a") == contents(tmp_path / "b")
    assert len(read_table_set(tmp_path / "a").tables["nodes"].shards) > 5


def test_parts_whose_keys_ascend_give_the_bytes_of_the_whole(tmp_path):
    rows = small_rows()
    write_tables(tmp_path / "whole", rows, WIDTHS, shard_rows=5)
    whole = read_tables(tmp_path / "whole", list(TABLES))
    parts = (
        {name: table.slice(start, 7) for name, table in whole.items()}
        for start in range(0, max(map(len, whole.values())), 7)
    )
    write_parts(tmp_path / "parts", parts, WIDTHS, shard_rows=5)
    assert contents(tmp_path / "parts") == contents(tmp_path / "whole")


def test_a_part_that_does_not_follow_changes_nothing(small_zoo):
    before = contents(small_zoo)
    nodes = read_table(small_zoo, "nodes")
    for later in (nodes.slice(0, 4), nodes.slice(3, 4)):
        parts = [{"nodes": nodes.slice(0, 4)}, {"nodes": later}]
        with pytest.raises(ValueError, match="nodes: a part does not follow"):
            write_parts(small_zoo, parts, shard_rows=2)
        assert contents(small_zoo) == before


def test_a_refused_write_changes_nothing(small_zoo):
    before = contents(small_zoo)
    rows = small_rows()
    rows["residuals"] = [*rows["residuals"], rows["residuals"][0]]
    with pytest.raises(ValueError, match="residuals"):
        write_tables(small_zoo, rows, WIDTHS)
    assert contents(small_zoo) == before


def test_tables_not_written_stay_and_old_shards_go(small_zoo):
    before = read_table_set(small_zoo)
    after = write_table(small_zoo, "rejected", [])
    assert read_table(small_zoo, "rejected").num_rows == 0
    assert after.tables["nodes"] == before.tables["nodes"]
    assert {p.name for p in small_zoo.glob("*.parquet")} == after.files


def test_damage_is_named(small_zoo):
    shard = next(small_zoo.glob("nodes-*.parquet"))
    good = shard.read_bytes()
    shard.write_bytes(good[:-1] + b"?")
    with pytest.raises(DataError, match=f"{shard.name}: its digest"):
        read_table(small_zoo, "nodes")
    shard.write_bytes(good[:50])
    with pytest.raises(DataError, match="50 bytes"):
        read_table(small_zoo, "nodes")
    shard.unlink()
    with pytest.raises(DataError, match=f"{shard.name}: missing"):
        read_table(small_zoo, "nodes")
    (small_zoo / MANIFEST).write_text("{")
    with pytest.raises(DataError, match=MANIFEST):
        read_table(small_zoo, "edges")
    with pytest.raises(DataError, match="no tables were written"):
        read_table(small_zoo / "nowhere", "edges")


def test_a_table_that_was_never_written_is_named(tmp_path):
    write_table(tmp_path, "rejected", [])
    with pytest.raises(DataError, match=r"no table nodes.*rejected"):
        read_table(tmp_path, "nodes")


WRITER = """
import sys
from small_tables import WIDTHS, small_rows
from pipeline.tables.write import write_tables
both = [small_rows(["plain8", "skip8"]), small_rows(["plain16", "odd", "plain8"])]
print("ready", flush=True)
turn = 0
while True:
    write_tables(sys.argv[1], both[turn % 2], WIDTHS, shard_rows=3)
    turn += 1
"""


def start_writer(directory):
    code = f"import sys; sys.path.insert(0, {str(pytest_folder())!r})\n{WRITER}"
    writer = subprocess.Popen(
        [sys.executable, "-c", code, str(directory)], stdout=subprocess.PIPE, text=True
    )
    assert writer.stdout.readline() == "ready\n"
    return writer


def pytest_folder():
    from pathlib import Path

    return Path(__file__).parent


def counts(directory) -> tuple[int, int, int]:
    tables = read_tables(directory, ["networks", "nodes", "graph_embeddings"])
    return tuple(len(table) for table in tables.values())


def test_readers_see_one_version_or_the_other_while_a_writer_is_at_work_and_killed(tmp_path):
    allowed = set()
    for names in (["plain8", "skip8"], ["plain16", "odd", "plain8"]):
        write_tables(tmp_path / "tables", small_rows(names), WIDTHS)
        allowed.add(counts(tmp_path / "tables"))
    for kill in range(4):
        writer = start_writer(tmp_path / "tables")
        try:
            stop = time.monotonic() + 0.2 + 0.07 * kill
            while time.monotonic() < stop:
                assert counts(tmp_path / "tables") in allowed
        finally:
            writer.kill()
            writer.wait()
        assert counts(tmp_path / "tables") in allowed
    write_tables(tmp_path / "tables", small_rows(["odd"]), WIDTHS)
    current = read_table_set(tmp_path / "tables")
    assert set(contents(tmp_path / "tables")) == {MANIFEST, *current.files}

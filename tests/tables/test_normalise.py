"""Shelf -> rows: duplicates folded, refusals kept, nothing depends on order or processes."""

from __future__ import annotations

import weakref
from pathlib import Path

import pytest
from onnx import ModelProto, parser

from pipeline.errors import DataError, ModelError
from pipeline.harvest.candidate import Candidate, Fetched
from pipeline.harvest.shelf import Shelf
from pipeline.tables import normalise as module
from pipeline.tables.normalise import Normalised, NormaliseParams, normalise
from pipeline.tables.outcomes import Outcome
from pipeline.tables.write import write_parts
from pipeline.weightless.skeleton import DATA_INPUTS

NOON = "2026-01-02T12:00:00+00:00"
ONE = NormaliseParams(processes=1)


def model(activation: str, names: tuple[str, str] = ("a", "b")) -> ModelProto:
    a, b = names
    made = parser.parse_model(f"""
        <ir_version: 9, opset_import: ["" : 20]>
        net (float[1, 3, 8, 8] x, float[4, 3, 3, 3] w, float[4] s, float[4] t, float[4] m,
             float[4] v) => (float[1, 4, 8, 8] y) {{
            {a} = Conv <pads = [1, 1, 1, 1]> (x, w)
            {b} = BatchNormalization ({a}, s, t, m, v)
            y = {activation} ({b})
        }}
    """)
    made.metadata_props.add(key=DATA_INPUTS, value="x")
    return made


def candidate(name: str, source: str = "files", family: str = "net") -> Candidate:
    return Candidate(source, f"https://host/{name}.onnx", name, family, "MIT")


def add(shelf: Shelf, name: str, made: ModelProto, source: str = "files") -> None:
    shelf.add(candidate(name, source), Fetched(made, f"sha256:{name}", 1000), NOON)


@pytest.fixture
def shelf(tmp_path: Path) -> Shelf:
    """Three files of two networks, one that no reader takes, one that could not be had."""
    shelf = Shelf(tmp_path / "shelf")
    add(shelf, "relu", model("Relu"))
    add(shelf, "again", model("Relu", ("first", "second")), "torchvision_zoo")
    add(shelf, "tanh", model("Tanh"))
    add(shelf, "odd", model("Nonsense"))
    shelf.refuse(candidate("gone"), ModelError("missing", "404"), NOON)
    return shelf


def published(rows: Normalised, folder: Path) -> dict[str, bytes]:
    write_parts(folder, [rows.facts, *rows.graphs])
    return {p.name: p.read_bytes() for p in folder.rglob("*.parquet")}


def test_files_of_one_network_are_folded(shelf):
    rows = normalise(shelf, ONE)
    assert sorted(row["name"] for row in rows.facts["networks"]) == ["again", "tanh"]
    prints = {row["address"].split("/")[-1]: row["fingerprint"] for row in rows.facts["files"]}
    assert prints["relu.onnx"] == prints["again.onnx"] != prints["tanh.onnx"]
    assert prints["odd.onnx"] is None


def test_refusals_are_rows(shelf):
    found = {row["address"]: row for row in normalise(shelf, ONE).facts["rejected"]}
    assert found.keys() == {"https://host/odd.onnx", "https://host/gone.onnx"}
    odd, gone = found["https://host/odd.onnx"], found["https://host/gone.onnx"]
    assert (odd["stage"], odd["file_digest"]) == ("normalise", "sha256:odd")
    assert "Nonsense" in odd["detail"]
    assert (gone["stage"], gone["reason"], gone["detail"]) == ("harvest", "missing", "404")


def test_facts_of_a_network(shelf):
    (row,) = [r for r in normalise(shelf, ONE).facts["networks"] if r["name"] == "tanh"]
    assert (row["family"], row["vertices"], row["edges"]) == ("net", 5, 4)
    assert row["parameters"] == 4 * 3 * 9 + 4 + 4  # running statistics are not trained
    assert list(row["input_shape"]) == [1, 3, 8, 8]


def test_the_tables_do_not_depend_on_order_processes_or_cache(shelf, tmp_path):
    expected = published(normalise(shelf, ONE), tmp_path / "a")
    back = Shelf(tmp_path / "back")
    add(back, "odd", model("Nonsense"))
    back.refuse(candidate("gone"), ModelError("missing", "404"), NOON)
    add(back, "tanh", model("Tanh"))
    add(back, "again", model("Relu", ("first", "second")), "torchvision_zoo")
    add(back, "relu", model("Relu"))
    two = normalise(back, NormaliseParams(processes=2), tmp_path / "cache")
    assert published(two, tmp_path / "b") == expected
    cached = normalise(back, ONE, tmp_path / "cache")
    assert published(cached, tmp_path / "c") == expected


def test_what_the_cache_holds_is_not_read_again(shelf, tmp_path, monkeypatch):
    first = normalise(shelf, ONE, tmp_path / "cache")

    def refuse_work(job, tasks, processes):
        assert list(tasks) == [], "read again"
        return iter(())

    monkeypatch.setattr(module, "run_isolated", refuse_work)
    assert (
        normalise(shelf, ONE, tmp_path / "cache").facts["networks"] == first.facts["networks"]
    )
    with pytest.raises(AssertionError, match="read again"):
        normalise(shelf, NormaliseParams(processes=1, max_vertices=9), tmp_path / "cache")


@pytest.mark.parametrize("damage", [b"", b"garbage", None])
def test_a_damaged_cache_entry_is_read_anew(shelf, tmp_path, damage):
    first = normalise(shelf, ONE, tmp_path / "cache")
    entries = sorted((tmp_path / "cache").rglob("*.z"))
    assert len(entries) == 4
    whole = [entry.read_bytes() for entry in entries]
    for entry in entries:
        entry.write_bytes(entry.read_bytes()[:-5] if damage is None else damage)
    again = normalise(shelf, ONE, tmp_path / "cache")
    assert again.facts["networks"] == first.facts["networks"]
    assert [entry.read_bytes() for entry in entries] == whole


def test_larger_networks_than_allowed_are_refused(shelf):
    rows = normalise(shelf, NormaliseParams(processes=1, max_vertices=4))
    assert rows.facts["networks"] == []
    reasons = [r["reason"] for r in rows.facts["rejected"] if r["stage"] == "normalise"]
    assert reasons.count("too_large") == 3


def test_what_takes_too_much_is_refused_and_the_shelf_goes_on(shelf, tmp_path):
    before = normalise(shelf, ONE, tmp_path / "cache")
    add(shelf, "large", model("Abs"))
    starved = NormaliseParams(processes=2, memory_gib=1e-6)
    rows = normalise(shelf, starved, tmp_path / "cache")
    assert rows.facts["networks"] == before.facts["networks"]
    (refused,) = [r for r in rows.facts["rejected"] if r["address"].endswith("large.onnx")]
    assert (refused["reason"], refused["stage"]) == ("memory", "normalise")
    again = normalise(shelf, ONE, tmp_path / "cache")  # with more, it is read after all
    assert len(again.facts["networks"]) == len(before.facts["networks"]) + 1


def test_a_damaged_shelf_is_no_refusal(shelf):
    (skeleton, *_) = sorted(shelf.root.glob("??/*.onnx"))
    skeleton.write_bytes(b"")
    with pytest.raises(DataError, match="its content does not match its name"):
        normalise(shelf, ONE)


def test_an_empty_shelf_gives_empty_rows(tmp_path):
    rows = normalise(Shelf(tmp_path / "none"), ONE)
    assert all(len(table) == 0 for table in rows.facts.values())
    assert all(len(table) == 0 for part in rows.graphs for table in part.values())


ACTIVATIONS = (
    "Relu",
    "Tanh",
    "Sigmoid",
    "Elu",
    "Abs",
    "Exp",
    "Softplus",
    "Neg",
    "Sqrt",
    "Ceil",
)


def test_rows_of_a_bounded_number_of_networks_are_held(tmp_path, monkeypatch):
    shelf = Shelf(tmp_path / "shelf")
    for name in ACTIVATIONS:
        add(shelf, name.lower(), model(name))
    alive: weakref.WeakSet[Outcome] = weakref.WeakSet()
    most = 0
    from_bytes = Outcome.from_bytes.__func__

    def counted(kind: type[Outcome], content: bytes) -> Outcome:
        nonlocal most
        outcome = from_bytes(kind, content)
        if outcome.rows:
            alive.add(outcome)
        most = max(most, len(alive))
        return outcome

    monkeypatch.setattr(Outcome, "from_bytes", classmethod(counted))
    monkeypatch.setattr(Outcome, "__hash__", object.__hash__)
    monkeypatch.setattr(module, "AT_ONCE", 3)
    for cache in (
        None,
        tmp_path / "cache",
        tmp_path / "cache",
    ):  # at last from it
        most = 0
        rows = normalise(shelf, ONE, cache)
        assert write_parts(tmp_path / "t", [rows.facts]).rows["networks"] == len(ACTIVATIONS)
        for part in rows.graphs:
            assert len(set(part["nodes"].column("fingerprint").to_pylist())) <= 3
        assert 0 < most <= 3

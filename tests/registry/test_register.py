import json

import pytest
from small_dataset import ABOUT, ANY, register_small_zoo
from small_tables import WIDTHS, small_rows
from small_zoo import ZOO

from pipeline.errors import DataError
from pipeline.registry.catalogue import verify
from pipeline.registry.manifest import read_manifest
from pipeline.registry.register import QualityError, register
from pipeline.tables.quality import Bounds
from pipeline.tables.write import write_table, write_tables


def contents(folder):
    return {str(p.relative_to(folder)): p.read_bytes() for p in folder.rglob("*.*")}


def test_the_manifest_says_what_the_dataset_is(datasets):
    manifest = read_manifest(datasets / "zoo")
    assert (manifest.version, manifest.parent) == ("1.0.0", None)
    assert manifest.rows["networks"] == len(ZOO)
    assert manifest.parameters == {"seed": 1}
    assert manifest.lineage.sources == {"hand": 4, "found": 1}
    assert manifest.statistics["networks_by_family"] == {"plain": 3, "odd": 1, "skip": 1}
    assert verify(datasets / "zoo") == []


def test_the_same_tables_are_the_same_version_and_the_same_bytes(tmp_path):
    register_small_zoo(tmp_path)
    before = contents(tmp_path / "datasets")
    register_small_zoo(tmp_path)
    assert contents(tmp_path / "datasets") == before


def test_other_tables_are_the_next_version_with_a_parent(tmp_path):
    register_small_zoo(tmp_path, ["plain8", "odd"])
    manifest = register_small_zoo(tmp_path)
    assert (manifest.version, manifest.parent) == ("1.1.0", "1.0.0")
    assert verify(tmp_path / "datasets/zoo") == []


def test_a_column_that_changes_its_type_is_a_major_version(tmp_path):
    register_small_zoo(tmp_path)
    rows = small_rows()
    for row in rows["graph_embeddings"]:
        row["vector"] = row["vector"][:32]
    write_tables(
        tmp_path / "work", rows, WIDTHS | {"graph_embeddings": {"vector": 32, "smooth": 64}}
    )
    manifest = register(
        tmp_path / "datasets/zoo", [tmp_path / "work"], ABOUT, {}, "zoo-vae", ANY
    )
    assert manifest.version == "2.0.0"


def test_the_last_good_version_stays_when_the_gate_fails(tmp_path):
    register_small_zoo(tmp_path)
    before = contents(tmp_path / "datasets")
    edges = small_rows()["edges"].slice(1)
    write_table(tmp_path / "work", "edges", edges)
    arguments = [tmp_path / "datasets/zoo", [tmp_path / "work"], ABOUT, {}, "zoo-vae"]
    with pytest.raises(QualityError, match="the last version stays") as failure:
        register(*arguments)
    assert {violation.rule for violation in failure.value.violations} == {"ends", "count"}
    assert contents(tmp_path / "datasets") == before


def test_a_dataset_that_shrinks_too_much_is_refused(tmp_path):
    register_small_zoo(tmp_path)
    write_tables(tmp_path / "work", small_rows(["odd"]), WIDTHS)
    arguments = [tmp_path / "datasets/zoo", [tmp_path / "work"], ABOUT, {}, "zoo-vae"]
    with pytest.raises(QualityError, match="bounds"):
        register(*arguments, Bounds(least=0.5))
    assert read_manifest(tmp_path / "datasets/zoo").version == "1.0.0"


def test_a_dataset_without_graphs_is_refused(tmp_path):
    write_table(tmp_path / "work", "rejected", [])
    with pytest.raises(DataError, match="files, networks, nodes, edges, attributes"):
        register(tmp_path / "datasets/zoo", [tmp_path / "work"], ABOUT, {}, "zoo-vae")
    assert not (tmp_path / "datasets").exists()


def test_the_card_tells_what_a_person_asks(datasets):
    card = (datasets / "zoo/card.md").read_text()
    for part in (
        "# A small zoo", "Version 1.0.0", "| networks | 5 |", "hand: written by hand | 4",
        "| Apache-2.0 | 1 |", "By a test.", "- It is small.", "| truncated | 1 |", "`zoo-vae`",
    ):  # fmt: skip
        assert part in card


def test_croissant_describes_every_table_and_file(datasets):
    croissant = json.loads((datasets / "zoo/croissant.json").read_text())
    manifest = read_manifest(datasets / "zoo")
    assert croissant["conformsTo"] == "http://mlcommons.org/croissant/1.0"
    assert croissant["datePublished"] == "2026-01-02"
    objects = [o for o in croissant["distribution"] if o["@type"] == "cr:FileObject"]
    assert {o["contentUrl"]: o["sha256"] for o in objects} == {
        name: digest for name, digest in manifest.files.items() if name.startswith("tables/")
    }
    sets = {record["name"]: record for record in croissant["recordSet"]}
    assert sets.keys() == manifest.tables.keys()
    identifiers = {part["@id"] for part in croissant["distribution"]}
    fields = {f["@id"] for record in sets.values() for f in record["field"]}
    for record in sets.values():
        for field in record["field"]:
            origin = field["source"].get("fileObject") or field["source"]["fileSet"]
            assert origin["@id"] in identifiers
            assert field.get("references", {"field": {"@id": field["@id"]}})["field"][
                "@id"
            ] in (fields)

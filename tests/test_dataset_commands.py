"""What people ask of the registry on the command line: get, nearest, sql."""

from __future__ import annotations

from pathlib import Path

import pytest
from command_line import assert_refused, documents, run

ROOT = Path(__file__).parents[1]


def test_datasets_get_and_nearest(tmp_path):
    (found,) = documents(
        run(
            "--root",
            ROOT,
            "datasets",
            "get",
            "zoo:resnet18",
            "-o",
            tmp_path / "a.py",
            "--json",
        )
    )
    compile((tmp_path / "a.py").read_text(), "a.py", "exec")
    (same,) = documents(
        run("--root", ROOT, "inspect", f"zoo:{found['fingerprint']}", "--json")
    )
    assert same["fingerprint"] == found["fingerprint"]
    words = ("--root", ROOT, "nearest", "zoo:resnet18", "-k", "3")
    first, *others = documents(run(*words, "--json"))
    assert (first["name"], len(others)) == ("resnet18", 2)
    assert first["similarity"] == pytest.approx(1, abs=1e-4)
    assert "resnet18" in run(*words).stdout
    assert_refused(run("--root", ROOT, "inspect", "zoo:resnet19"), "alike are: resnet")


def test_a_network_is_drawn_among_those_of_the_dataset(tmp_path):
    words = ("--root", ROOT, "picture", "zoo:resnet18", "-o")
    assert "zoo-vae" in run(*words, tmp_path / "a.svg").stdout
    drawn = (tmp_path / "a.svg").read_text()
    assert "zoo:resnet18: 71 vertices" in drawn
    assert "resnet26 (resnet)" in drawn
    words = ("--root", ROOT, "picture", "zoo:timm/resnet26", "-o", tmp_path / "a.txt")
    assert_refused(run(*words), "name it .png or .svg")


def test_a_name_of_several_networks_is_said_to_be_one_and_a_source_decides():
    def fingerprint(model):
        found = run("--root", ROOT, "inspect", model, "--json")
        return documents(found)[0]["fingerprint"], found.stderr

    taken, said = fingerprint("zoo:resnet18")
    assert said.strip() == (
        "nn2vec: resnet18 is 2 networks; this is timm/resnet18, not pytorchcv/resnet18"
    )
    assert fingerprint("zoo:torchvision/resnet18") == (taken, "")
    other, _ = fingerprint("zoo:pytorchcv/resnet18")
    assert other != taken
    (sql,) = documents(
        run("--root", ROOT, "sql", "--json", "SELECT find_network('resnet18') f")
    )
    assert sql["f"] == taken


def test_a_name_where_a_file_is_meant_is_answered_with_what_to_type():
    refused = run("--root", ROOT, "nearest", "resnet18")
    assert_refused(refused, "resnet18: no such file; there is: zoo:resnet18")
    assert "there is" not in run("--root", ROOT, "nearest", "nobody").stderr


def test_datasets_get_takes_tables_and_versions(tmp_path):
    words = ("--root", ROOT, "datasets", "get", "zoo")
    for ending in ("parquet", "csv", "json"):
        out = tmp_path / f"rejected.{ending}"
        documents(run(*words, "--table", "rejected", "-o", out, "--json"))
        assert out.stat().st_size > 100
    assert_refused(run(*words, "--table", "none", "-o", tmp_path / "a.csv"), "has no table")
    assert_refused(run(*words, "--table", "rejected", "-o", tmp_path / "a.txt"), "a.txt")
    documents(run(*words, "-o", tmp_path / "zoo", "--json"))
    assert (tmp_path / "zoo/manifest.json").is_file()
    assert_refused(run(*words, "-o", tmp_path / "zoo"), "is there already")


def test_sql_prints_every_statement_and_json_is_an_object_a_line():
    words = (
        "--root",
        ROOT,
        "sql",
        "select 1 as a union all select 2 order by a; select 3 as b",
    )
    assert documents(run(*words, "--json")) == [{"a": 1}, {"a": 2}, {"b": 3}]
    assert run(*words, "--json", "--csv").exit_code == 2
    assert "| b |" in run(*words).stdout

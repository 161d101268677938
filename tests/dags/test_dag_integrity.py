"""The DAG files, read in a process of their own as Airflow reads them."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from airflow_home import REPOSITORY, settings

READER = Path(__file__).with_name("read_dags.py")


@pytest.fixture(scope="module")
def read(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    home = tmp_path_factory.mktemp("home")
    done = subprocess.run(
        [sys.executable, str(READER), str(REPOSITORY / "dags")],
        env=settings(home, home),
        capture_output=True,
        text=True,
        timeout=120,
        check=True,
    )
    facts: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return facts


def test_they_parse_fast_and_import_nothing_heavy(read: dict[str, Any]) -> None:
    assert read["errors"] == {}
    assert set(read["dags"]) == {"harvest_models", "refresh_dataset", "validate_roundtrip"}
    assert read["seconds"] < 5
    heavy = {"torch", "torchvision", "timm", "onnx", "pyarrow", "duckdb", "lightning", "dvc"}
    assert heavy.isdisjoint(read["imported"])


def test_each_waits_for_the_asset_of_the_one_before(read: dict[str, Any]) -> None:
    dags = read["dags"]
    assert dags["harvest_models"]["cron"] == "0 0 * * 0"
    assert dags["harvest_models"]["tasks"]["record_shelf"]["outlets"] == ["shelf"]
    assert dags["refresh_dataset"]["assets"] == ["shelf"]
    assert dags["refresh_dataset"]["tasks"]["register"]["outlets"] == ["zoo"]
    assert dags["validate_roundtrip"]["assets"] == ["zoo"]


def test_no_run_catches_up_or_overlaps(read: dict[str, Any]) -> None:
    for dag in read["dags"].values():
        assert not dag["catchup"]
        assert dag["max_active_runs"] == 1


def test_harvest_is_mapped_and_backs_off(read: dict[str, Any]) -> None:
    shard = read["dags"]["harvest_models"]["tasks"]["harvest_shard"]
    assert shard["mapped"]
    assert shard["retries"] == 5
    assert shard["backoff"] == 2.0
    assert shard["after"] == ["list_shards"]


def test_params_are_bounded(read: dict[str, Any]) -> None:
    params = read["dags"]["harvest_models"]["params"]
    assert params["shards"]["minimum"] == 1
    assert params["profile"]["type"] == "string"
    assert read["dags"]["refresh_dataset"]["params"]["targets"]["type"] == "array"


def test_no_pool_has_to_be_made(read: dict[str, Any]) -> None:
    tasks = {n: t for d in read["dags"].values() for n, t in d["tasks"].items()}
    assert {task["pool"] for task in tasks.values()} == {"default_pool"}


def test_every_use_of_dvc_holds_the_lock() -> None:
    for name in ("harvest_models", "refresh_dataset", "validate_roundtrip"):
        source = (REPOSITORY / f"dags/{name}.py").read_text()
        uses = source.count("stages.register(") + source.count("stages.validate(")
        assert source.count("with exclusive(") == uses
        assert "dvc repro" not in source.replace('"""dvc repro', "")
    assert "pipeline.exclusive" in (REPOSITORY / "dags/project.py").read_text()


def test_a_plain_dag_bag_imports_them(tmp_path: Path) -> None:
    code = (
        "import sys; from airflow.dag_processing.dagbag import DagBag; "
        "bag = DagBag(sys.argv[1]); assert bag.import_errors == {}, bag.import_errors; "
        "assert len(bag.dags) == 3"
    )
    subprocess.run(
        [sys.executable, "-c", code, str(REPOSITORY / "dags")],
        env=settings(tmp_path, tmp_path),
        cwd="/",
        timeout=300,
        check=True,
    )


def test_a_refused_refresh_is_not_tried_again(read: dict[str, Any]) -> None:
    tasks = read["dags"]["refresh_dataset"]["tasks"]
    assert tasks["register"]["retries"] == 0
    assert tasks["register"]["after"] == ["reproduce"]
    assert tasks["push"]["after"] == ["register"]


def test_pipeline_is_importable_where_the_tasks_run() -> None:
    found = subprocess.run(
        [sys.executable, "-c", "import pipeline; print(pipeline.__file__)"],
        cwd=Path("/"),
        capture_output=True,
        text=True,
        check=True,
    )
    assert Path(found.stdout.strip()).parent == REPOSITORY / "pipeline"

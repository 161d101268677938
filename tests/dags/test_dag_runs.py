"""`airflow dags test`, which is `dag.test()`: every task really runs, on a tiny project."""

from __future__ import annotations

import json
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
from airflow_home import run_airflow, settings
from tiny_project import write_params

from pipeline.places import places

MANIFEST = Path("datasets/zoo/manifest.json")
RunDag = Callable[..., "subprocess.CompletedProcess[str]"]


@pytest.fixture
def run_dag(tmp_path: Path, project: Path, migrated: Path) -> RunDag:
    environment = settings(tmp_path / "airflow", project)
    shutil.copy(migrated, tmp_path / "airflow/airflow.db")

    def run(dag: str, **conf: object) -> subprocess.CompletedProcess[str]:
        command = ("dags", "test", dag, "--conf", json.dumps(conf))
        return run_airflow(environment, *command, check=False)

    return run


def test_from_the_sources_to_a_registered_version(run_dag: RunDag, project: Path) -> None:
    harvested = run_dag("harvest_models", shards=2)
    assert harvested.returncode == 0, harvested.stdout + harvested.stderr
    assert len(list(places(project).shelf.glob("??/*.onnx"))) == 2
    assert places(project).shelf.with_suffix(".dvc").exists()

    refreshed = run_dag("refresh_dataset", targets=["normalise"])
    assert refreshed.returncode == 0, refreshed.stdout + refreshed.stderr
    assert places(project).normalised.is_dir()
    first = json.loads((project / MANIFEST).read_text())
    assert first["tables"]["networks"]["rows"] == 2
    pushed = project.with_name("project-remote") / "files/md5"
    assert len(list(pushed.glob("??/*"))) > 2

    # DenseNet is refused now, half of the networks are gone: the gate must stop the refresh.
    write_params(project, max_vertices=100)
    stopped = run_dag("refresh_dataset")
    assert stopped.returncode != 0
    assert "QualityError" in stopped.stdout + stopped.stderr
    assert json.loads((project / MANIFEST).read_text()) == first


def test_params_that_break_their_schema_run_nothing(run_dag: RunDag, project: Path) -> None:
    assert run_dag("harvest_models", shards=0).returncode != 0
    assert run_dag("refresh_dataset", targets=["--force"]).returncode != 0
    assert not places(project).shelf.exists()
    assert not places(project).build.exists()

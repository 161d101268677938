"""A scheduler, a processor of DAG files and an API server: assets hand on from DAG to DAG."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest
from airflow_home import settings
from live_airflow import DAGS, Client, free_port, services

from pipeline.places import places

MINUTES = 60.0


@pytest.mark.live
def test_a_weekly_harvest_ends_in_a_validated_version(
    tmp_path: Path, project: Path, migrated: Path
) -> None:
    port = free_port()
    environment = settings(tmp_path / "airflow", project, port)
    shutil.copy(migrated, tmp_path / "airflow/airflow.db")
    with services(environment, tmp_path / "logs"):
        client = Client(f"http://127.0.0.1:{port}")
        client.log_in(4 * MINUTES)
        for dag in reversed(DAGS):
            client.unpause(dag, 2 * MINUTES)  # the weekly one starts at once
        assert client.trigger("harvest_models", {"shards": 0}).status_code == 400
        runs = [client.wait_for_run(dag, 8 * MINUTES) for dag in DAGS]
        assert [run["state"] for run in runs] == ["success"] * 3
        names = [task["task_id"] for task in client.tasks(runs[0])]
        assert names.count("harvest_shard") == 4
        assert runs[1]["run_type"] == runs[2]["run_type"] == "asset_triggered"
    manifest = json.loads((project / "datasets/zoo/manifest.json").read_text())
    assert manifest["tables"]["networks"]["rows"] == 2
    assert json.loads((places(project).metrics / "validate.json").read_text())["exact"] == 1.0

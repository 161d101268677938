"""When the shelf has grown: rebuild what is stale; register it if it passes the gate."""

from __future__ import annotations

import sys
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from airflow.sdk import Param, dag, task

sys.path.insert(0, str(Path(__file__).parent))  # a plain DagBag does not
from project import SHELF, ZOO, dvc, project_root

TARGETS = Param(
    [],
    type="array",
    items={"type": "string", "pattern": "^[A-Za-z0-9_./][A-Za-z0-9_./@:-]*$"},
    description="Stages of dvc.yaml to bring up to date; none: all of them.",
)


@dag(
    schedule=[SHELF],
    start_date=datetime(2026, 1, 1),
    catchup=False,
    max_active_runs=1,
    params={"targets": TARGETS},
    tags=["nn2vec"],
    doc_md=__doc__,
)
def refresh_dataset() -> None:
    """dvc repro -> quality gate and register -> dvc push."""

    @task.bash(
        do_xcom_push=False,
        retries=2,  # a run outside Airflow may hold DVC's lock
        retry_delay=timedelta(minutes=1),
        execution_timeout=timedelta(hours=12),
    )
    def reproduce(params: Any = None) -> str:
        return dvc("repro", *params["targets"])

    # No retry: tables that the quality gate refused are refused again. The last version stays
    # current, and nobody downstream is told of a new one.
    @task(outlets=[ZOO])
    def register(outlet_events: Any = None) -> str:
        from pipeline import stages
        from pipeline.exclusive import exclusive

        with exclusive(project_root()):
            registered = stages.register(project_root())
        outlet_events[ZOO].extra = {"version": registered["version"]}
        return f"{registered['dataset']} {registered['version']}"

    @task.bash(
        do_xcom_push=False,
        retries=5,
        retry_delay=timedelta(seconds=30),
        retry_exponential_backoff=2.0,
        skip_on_exit_code=99,
    )
    def push() -> str:
        return f"{dvc('remote', 'default')} || exit 99; {dvc('push')}"

    reproduce() >> register() >> push()


refresh_dataset()

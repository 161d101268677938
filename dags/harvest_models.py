"""Weekly: what the sources offer -> the shelf, one task a shard, then the shelf into DVC."""

from __future__ import annotations

import sys
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from airflow.sdk import ExceptionRetryPolicy, Param, RetryRule, dag, task
from airflow.sdk.definitions.retry_policy import RetryAction

sys.path.insert(0, str(Path(__file__).parent))  # a plain DagBag does not
from project import AT_ONCE, SHELF, dvc, project_root

HOPELESS = RetryRule(
    exception="pipeline.errors.DataError",
    action=RetryAction.FAIL,
    reason="a file of the project is missing or damaged: trying again changes nothing",
)
PARAMS = {
    "profile": Param(
        "",
        type="string",
        pattern="^[A-Za-z0-9_-]*$",
        description="Which sources, and how much of each: a profile of params.yaml; "
        "empty: that of the dataset which params.yaml names.",
    ),
    "shards": Param(
        4,
        type="integer",
        minimum=1,
        maximum=256,
        description="How many tasks share the models; any number gives the same shelf.",
    ),
}


@dag(
    schedule="@weekly",
    start_date=datetime(2026, 1, 1),
    catchup=False,
    max_active_runs=1,
    params=PARAMS,
    tags=["nn2vec"],
    doc_md=__doc__,
)
def harvest_models() -> None:
    """Shards -> harvest each -> record the shelf."""

    @task
    def list_shards(params: Any = None) -> list[str]:
        return [f"{part}/{params['shards']}" for part in range(params["shards"])]

    # Seconds doubling up to an hour: a source that limits its callers is given time. A retry
    # costs a listing and what is still missing.
    @task(
        max_active_tis_per_dag=AT_ONCE,
        retries=5,
        retry_delay=timedelta(seconds=30),
        retry_exponential_backoff=2.0,
        max_retry_delay=timedelta(hours=1),
        retry_policy=ExceptionRetryPolicy(rules=[HOPELESS]),
        execution_timeout=timedelta(hours=6),
        map_index_template="{{ shard }}",
    )
    def harvest_shard(shard: str, params: Any = None) -> None:
        from airflow.sdk import get_current_context

        from pipeline import stages

        get_current_context()["shard"] = shard  # type: ignore[typeddict-unknown-key]
        part, parts = map(int, shard.split("/"))
        report = stages.harvest(project_root(), params["profile"] or None, (part, parts))
        print(stages.dump(report))
        if report["unreachable"]:
            raise ConnectionError(f"sources that did not answer: {report['unreachable']}")

    @task.bash(outlets=[SHELF], do_xcom_push=False)
    def record_shelf() -> str:
        if not (project_root() / ".dvc").is_dir():
            return "echo no DVC repository: the shelf is kept without versions"
        from pipeline.places import places

        return dvc("add", str(places(project_root()).shelf.relative_to(project_root())))

    harvest_shard.expand(shard=list_shards()) >> record_shelf()


harvest_models()

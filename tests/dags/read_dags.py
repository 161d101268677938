"""Read the DAG files in the folder given, as Airflow does, and print what they say as JSON."""

from __future__ import annotations

import json
import sys
import time
from pathlib import Path
from typing import Any

from airflow.dag_processing.dagbag import BundleDagBag


def describe(dag: Any) -> dict[str, Any]:
    """One DAG's wiring."""
    scheduled = dag.schedule if isinstance(dag.schedule, list) else []
    return {
        "cron": getattr(dag.timetable, "expression", None),
        "assets": [asset.name for asset in scheduled],
        "catchup": dag.catchup,
        "max_active_runs": dag.max_active_runs,
        "params": {name: dag.params.get_param(name).schema for name in dag.params},
        "tasks": {
            task.task_id: {
                "pool": task.pool,
                "retries": task.retries,
                "backoff": task.retry_exponential_backoff,
                "mapped": task.is_mapped,
                "outlets": [asset.name for asset in task.outlets],
                "after": sorted(task.upstream_task_ids),
            }
            for task in dag.tasks
        },
    }


before, started = set(sys.modules), time.process_time()
folder = Path(sys.argv[1])
bag = BundleDagBag(dag_folder=folder, bundle_path=folder, bundle_name="dags")
facts = {
    "errors": bag.import_errors,
    "seconds": time.process_time() - started,
    "imported": sorted({name.split(".")[0] for name in set(sys.modules) - before}),
    "dags": {dag.dag_id: describe(dag) for dag in bag.dags.values()},
}
print(json.dumps(facts, default=str))

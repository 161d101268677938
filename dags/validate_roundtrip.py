"""When the zoo has a new version: send its networks through ONNX and back, and measure."""

from __future__ import annotations

import sys
from datetime import datetime, timedelta
from pathlib import Path

from airflow.sdk import dag, task

sys.path.insert(0, str(Path(__file__).parent))  # a plain DagBag does not
from project import ZOO, project_root


@dag(
    schedule=[ZOO],
    start_date=datetime(2026, 1, 1),
    catchup=False,
    max_active_runs=1,
    tags=["nn2vec"],
    doc_md=__doc__,
)
def validate_roundtrip() -> None:
    """Tables -> metrics."""

    @task(retries=1, execution_timeout=timedelta(hours=6))
    def validate() -> None:
        from pipeline import stages
        from pipeline.exclusive import exclusive
        from pipeline.places import places

        root = project_root()
        output = places(root).metrics / "validate.json"
        with exclusive(root):
            print(stages.dump(stages.validate(root, output)))

    validate()


validate_roundtrip()

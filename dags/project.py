"""What the DAGs share: the two datasets they hand on, where the project stands, DVC commands.

Airflow puts this folder on the path. Nothing heavy is imported here: the process of every
task reads the DAG files again.
"""

from __future__ import annotations

import os
import shlex
import sys
from pathlib import Path

from airflow.sdk import Asset

SHELF = Asset("shelf", group="nn2vec")
ZOO = Asset("zoo", group="nn2vec")
DVC_POOL = "dvc"
"""One slot: two runs of a DVC stage at once refuse each other, and a stage removes its outputs
before it makes them anew, so nobody may read them meanwhile."""


def project_root() -> Path:
    """NN2VEC_ROOT, else the folder above this one. For tasks; not while a DAG file is read."""
    return Path(os.environ.get("NN2VEC_ROOT") or Path(__file__).parent.parent)


def dvc(*arguments: str) -> str:
    """The shell command that runs DVC in the project's root, with this interpreter."""
    return shlex.join([sys.executable, "-m", "dvc", "--cd", str(project_root()), *arguments])

"""What the DAGs share: the two datasets they hand on, where the project stands, DVC commands.

Nothing heavy is imported here: the process of every task reads the DAG files again. No pool is
needed: what may not run at once holds the project's lock.
"""

from __future__ import annotations

import os
import shlex
import sys
from pathlib import Path

from airflow.sdk import Asset

SHELF = Asset("shelf", group="nn2vec")
ZOO = Asset("zoo", group="nn2vec")
AT_ONCE = 4  # shards of one harvest, over all workers


def project_root() -> Path:
    """NN2VEC_ROOT, else the folder above this one. For tasks; not while a DAG file is read."""
    return Path(os.environ.get("NN2VEC_ROOT") or Path(__file__).parent.parent)


def dvc(*arguments: str) -> str:
    """The shell command that runs DVC in the project's root, with this interpreter, alone: two
    runs of a stage refuse each other, and a stage removes its outputs before it makes them."""
    root = str(project_root())
    alone = [sys.executable, "-m", "pipeline.exclusive", root]
    return shlex.join([*alone, sys.executable, "-m", "dvc", "--cd", root, *arguments])

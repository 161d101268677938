"""docker/celery.sh: PostgreSQL, Redis and a worker harvest; then nothing is left running."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from airflow_home import PASSWORD, REPOSITORY
from live_airflow import Client, process

MISSING = [name for name in ("initdb", "redis-server", "setsid") if not shutil.which(name)]


@pytest.mark.live
@pytest.mark.long
@pytest.mark.skipif(bool(MISSING), reason=f"not installed: {', '.join(MISSING)}")
def test_workers_harvest_and_everything_stops(project: Path) -> None:
    environment = os.environ | {
        "NN2VEC_ROOT": str(project),
        "NN2VEC_PYTHON": sys.executable,
        "NN2VEC_PASSWORD": PASSWORD,
        "DVC_NO_ANALYTICS": "1",
    }
    command = [str(REPOSITORY / "docker/celery.sh")]
    with process(command, environment, stdout=subprocess.PIPE) as started:
        url = wait_until_healthy(started)
        client = Client(url)
        client.log_in(60)
        client.unpause("harvest_models", 120)
        run = client.wait_for_run("harvest_models", 480)
        assert run["state"] == "success"
        assert any("celery worker" in command for command in processes_of(project))
    assert (project / "datasets/zoo/shelf.dvc").exists()
    assert not processes_of(project)


def wait_until_healthy(started: subprocess.Popen[bytes]) -> str:
    """The address that the script prints when all of its services answer."""
    assert started.stdout is not None
    said = b""
    for line in started.stdout:
        said += line
        if line.startswith(b"healthy: "):
            return line.split()[1].decode()
    raise AssertionError(said.decode())


def processes_of(project: Path) -> list[str]:
    """The command lines of all processes that were told to work on ``project``."""
    found = []
    for process_folder in Path("/proc").glob("[0-9]*"):
        try:
            environment = (process_folder / "environ").read_bytes()
            command = (process_folder / "cmdline").read_text()
        except (OSError, UnicodeDecodeError):
            continue  # it has ended, or is not ours to look into
        if f"NN2VEC_ROOT={project}\0".encode() in environment:
            found.append(command.replace("\0", " "))
    return found

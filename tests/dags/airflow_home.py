"""An Airflow of its own: settings as an environment, commands as processes."""

from __future__ import annotations

import json
import os
import secrets
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

REPOSITORY = Path(__file__).parents[2]
PASSWORD = secrets.token_urlsafe(16)


def settings(home: Path, project: Path, port: int = 8080) -> dict[str, str]:
    """The environment of every Airflow process whose home is ``home``."""
    passwords = home / "passwords.json"
    passwords.parent.mkdir(parents=True, exist_ok=True)
    passwords.write_text(json.dumps({"admin": PASSWORD}))
    airflow = {
        "CORE__DAGS_FOLDER": str(REPOSITORY / "dags"),
        "CORE__LOAD_EXAMPLES": "False",
        "CORE__EXECUTOR": "LocalExecutor",
        "CORE__PARALLELISM": "2",
        "CORE__SIMPLE_AUTH_MANAGER_USERS": "admin:admin",
        "CORE__SIMPLE_AUTH_MANAGER_PASSWORDS_FILE": str(passwords),
        "DATABASE__SQL_ALCHEMY_CONN": f"sqlite:///{home}/airflow.db",
        "USAGE_DATA_COLLECTION__ENABLED": "False",
        "API__HOST": "127.0.0.1",
        "API__PORT": str(port),
        "API__BASE_URL": f"http://127.0.0.1:{port}",
        "API_AUTH__JWT_SECRET": secrets.token_urlsafe(64),
        "WORKERS__EXECUTION_API_TIMEOUT": "60",
        "WORKERS__MIN_HEARTBEAT_INTERVAL": "1",
        "DAG_PROCESSOR__REFRESH_INTERVAL": "10",
    }
    named = {f"AIRFLOW__{name}": value for name, value in airflow.items()}
    own = {"AIRFLOW_HOME": str(home), "NN2VEC_ROOT": str(project), "DVC_NO_ANALYTICS": "1"}
    return os.environ | named | own


def run_airflow(
    environment: Mapping[str, str], *arguments: str, check: bool = True
) -> subprocess.CompletedProcess[str]:
    """One Airflow command to its end, its output as text."""
    done = subprocess.run(
        [sys.executable, "-m", "airflow", *arguments],
        env=environment,
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    if check and done.returncode:
        raise AssertionError(f"airflow {' '.join(arguments)}:\n{done.stdout}\n{done.stderr}")
    return done

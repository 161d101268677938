from __future__ import annotations

from pathlib import Path

import pytest
from airflow_home import run_airflow, settings
from tiny_project import make_project


@pytest.fixture(scope="session")
def migrated(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An Airflow database, to be copied where a test changes it."""
    home = tmp_path_factory.mktemp("airflow")
    environment = settings(home, home)
    run_airflow(environment, "db", "migrate")
    return home / "airflow.db"


@pytest.fixture
def project(tmp_path: Path) -> Path:
    return make_project(tmp_path / "project")

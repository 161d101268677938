"""Projects to report on, made of the small zoo of tests/tables."""

import sys
from pathlib import Path

import pytest

for folder in ("tables", "registry", "report"):
    sys.path.insert(0, str(Path(__file__).parents[1] / folder))


@pytest.fixture(scope="session")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A project in which every stage has run."""
    import small_project

    root = tmp_path_factory.mktemp("project")
    small_project.write_tables_of_project(root)
    small_project.register_project(root)
    small_project.write_results_of_project(root)
    return root

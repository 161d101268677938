"""A small real table set."""

import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))


@pytest.fixture
def small_zoo(tmp_path: Path) -> Path:
    """The folder of a table set with every table."""
    from small_tables import write_small_zoo

    write_small_zoo(tmp_path / "tables")
    return tmp_path / "tables"

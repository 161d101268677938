"""A small registered dataset, made of the small zoo of tests/tables."""

import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parents[1] / "tables"))
sys.path.insert(0, str(Path(__file__).parent))


@pytest.fixture
def datasets(tmp_path: Path) -> Path:
    """A folder of datasets that holds ``zoo`` at version 1.0.0."""
    from small_dataset import register_small_zoo

    register_small_zoo(tmp_path)
    return tmp_path / "datasets"

"""Makes the modules beside the tests importable; real networks of the zoo by name."""

import sys
from collections.abc import Callable
from functools import cache
from pathlib import Path

import pytest

from pipeline import Network
from pipeline.models import find_model

sys.path.insert(0, str(Path(__file__).parent))
ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="session")
def zoo() -> Callable[[str], Network]:
    """A network of the registered zoo by its name."""
    return cache(lambda name: find_model(f"zoo:{name}", ROOT).network)

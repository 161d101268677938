"""A space of 243 points whose worth is known: five places, three options."""

from __future__ import annotations

from itertools import product

import numpy as np

from pipeline.errors import InvalidNetwork
from pipeline.harvest.candidate import Fetched
from pipeline.search.space import Space, Table


def _assemble(point: int) -> Fetched:
    raise InvalidNetwork("no_path", "a toy")


def toy_table() -> Table:
    """Worth 100 at options 2 everywhere; the second place counts most."""
    choices = np.array(list(product(range(3), repeat=5)))
    worth = 100 - ((2 - choices) * [1.0, 4.0, 1.0, 2.0, 1.0]).sum(axis=1)
    space = Space("toy", choices, lambda point: f"toy://{point}", _assemble)
    return Table(space, worth, worth + 1)

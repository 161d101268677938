"""A search method: it is asked for the next point, and told what that point is worth.

    method = make_method("evolution", space, seed=0)
    for _ in range(150):
        point = method.ask()
        method.tell(point, accuracy_of(space.network(point)))

No method asks for a point twice. Answers may come in another order than questions, and
``tell`` takes points that nobody asked for: what is known already.
"""

from __future__ import annotations

from typing import Protocol

import numpy as np

from pipeline.errors import DataError
from pipeline.search.space import Space


class Method(Protocol):
    """What every method provides."""

    def ask(self) -> int:
        """The point to evaluate next. Raises DataError when the space is exhausted."""
        ...

    def tell(self, point: int, value: float) -> None:
        """What a point is worth: more is better."""
        ...


class Notes:
    """What a method has asked and been told, and its random numbers."""

    def __init__(self, space: Space, seed: int) -> None:
        self.space = space
        self.random = np.random.default_rng(seed)
        self.asked = np.zeros(len(space), bool)
        self.told: dict[int, float] = {}  # in the order of telling

    def ask(self, point: int) -> int:
        """``point``, which is asked from now on."""
        self.asked[point] = True
        return int(point)

    def tell(self, point: int, value: float) -> None:
        """Raises DataError for a point outside the space, or a value that is no number."""
        if not 0 <= point < len(self.space) or not np.isfinite(value):
            raise DataError(f"{self.space.name}: no point {point} or no value {value}")
        self.asked[point] = True
        self.told[int(point)] = float(value)

    def free(self, points: np.ndarray) -> np.ndarray:
        """Those of the points that were not asked for."""
        return points[~self.asked[points]]

    def draw(self) -> int:
        """A point that was not asked for. Raises DataError when there is none."""
        free = np.flatnonzero(~self.asked)
        if not len(free):
            raise DataError(f"{self.space.name}: all {len(self.space)} points were asked for")
        return int(self.random.choice(free))

    def best(self, count: int) -> list[int]:
        """The best points told of, at most ``count``, best first."""
        return sorted(self.told, key=lambda point: -self.told[point])[:count]

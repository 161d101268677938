"""Bayesian optimisation: next is what a Gaussian process expects most of."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import numpy as np

from pipeline.search.method import Notes
from pipeline.search.space import Space
from pipeline.search.surrogate import Surrogate

if TYPE_CHECKING:
    from gpytorch.kernels import Kernel

FIRST = 10  # points drawn before the process says anything
GROWTH = 1.25  # of what is told until lengths and variances are fitted anew
PARENTS, STRANGERS = 5, 300  # whose neighbours are candidates, and points drawn besides


class BayesianOptimisation:
    """Candidates are the neighbours of the best points and others drawn at random.

    ``features``: (points, d), what ``kernel`` compares; a point with a feature that is not a
    number is no candidate.
    """

    def __init__(
        self, space: Space, seed: int, features: np.ndarray, kernel: Callable[[int], Kernel]
    ) -> None:
        self._notes = Notes(space, seed)
        self._notes.asked |= np.isnan(features).any(axis=1)
        self._surrogate = Surrogate(np.nan_to_num(features), kernel)
        self._fitted = 0

    def ask(self) -> int:
        notes = self._notes
        if len(notes.told) < FIRST:
            return notes.ask(notes.draw())
        candidates = self._candidates()
        if not len(candidates):
            return notes.ask(notes.draw())
        refit = len(notes.told) >= self._fitted * GROWTH
        self._fitted = len(notes.told) if refit else self._fitted
        self._surrogate.learn(list(notes.told), list(notes.told.values()), refit)
        return notes.ask(candidates[self._surrogate.promise(candidates).argmax()])

    def tell(self, point: int, value: float) -> None:
        self._notes.tell(point, value)

    def _candidates(self) -> np.ndarray:
        notes = self._notes
        near = [notes.space.neighbours(point) for point in notes.best(PARENTS)]
        far = notes.random.integers(len(notes.space), size=STRANGERS)
        return notes.free(np.unique(np.concatenate([*near, far])))

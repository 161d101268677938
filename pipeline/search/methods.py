"""The methods by name, those that model nothing first."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from pipeline.errors import DataError
from pipeline.search.method import Method
from pipeline.search.simple import Evolution, LocalSearch, RandomSearch
from pipeline.search.space import Space

SIMPLE: dict[str, Callable[[Space, int], Method]] = {
    "random": RandomSearch,
    "evolution": Evolution,
    "local": LocalSearch,
}
# What the Gaussian process compares two points by.
BAYESIAN = {
    "bayes-places": "by_places",
    "bayes-edits": "by_edits",
    "bayes-vectors": "by_vectors",
}
METHODS = (*SIMPLE, *BAYESIAN)
ON_VECTORS = "bayes-vectors"


def make_method(
    name: str, space: Space, seed: int = 0, vectors: np.ndarray | None = None
) -> Method:
    """A method that has asked nothing yet. ``vectors``: (points, d), which bayes-vectors
    needs, not a number at points that are not to be asked for.

    Raises DataError for a name that is not known, or vectors that are missing.
    """
    if name in SIMPLE:
        return SIMPLE[name](space, seed)
    if name not in BAYESIAN:
        raise DataError(f"no method is named {name!r}; known are: {', '.join(METHODS)}")
    from pipeline.search import surrogate  # loads torch: only for who asks
    from pipeline.search.bayesian import BayesianOptimisation
    from pipeline.search.vectors import standardised

    features = space.choices.astype(float)
    if name == ON_VECTORS:
        if vectors is None or len(vectors) != len(space):
            raise DataError(f"{name}: needs a vector for each of {len(space)} points")
        features = standardised(vectors)
    return BayesianOptimisation(space, seed, features, getattr(surrogate, BAYESIAN[name]))

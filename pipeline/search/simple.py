"""Methods that model nothing: random, regularised evolution, local search."""

from __future__ import annotations

from collections import deque

from pipeline.search.method import Notes
from pipeline.search.space import Space

POPULATION, SAMPLE = 20, 5
MUTATIONS = 100  # tries until a child is new; then any new point will do


class RandomSearch:
    """Points in random order."""

    def __init__(self, space: Space, seed: int) -> None:
        self._notes = Notes(space, seed)

    def ask(self) -> int:
        return self._notes.ask(self._notes.draw())

    def tell(self, point: int, value: float) -> None:
        self._notes.tell(point, value)


class Evolution:
    """Regularised evolution (Real et al., arxiv.org/abs/1802.01548): of SAMPLE of the
    POPULATION youngest the best has a child, changed at one place."""

    def __init__(self, space: Space, seed: int) -> None:
        self._notes = Notes(space, seed)
        self._population: deque[int] = deque(maxlen=POPULATION)

    def ask(self) -> int:
        notes = self._notes
        if len(self._population) < POPULATION:
            return notes.ask(notes.draw())
        for _ in range(MUTATIONS):
            parents = notes.random.choice(list(self._population), SAMPLE, replace=False)
            parent = max(parents.tolist(), key=notes.told.__getitem__)
            child = int(notes.random.choice(notes.space.neighbours(parent)))
            if not notes.asked[child]:
                return notes.ask(child)
        return notes.ask(notes.draw())

    def tell(self, point: int, value: float) -> None:
        self._notes.tell(point, value)
        self._population.append(point)


class LocalSearch:
    """Local search (White et al., arxiv.org/abs/2005.02960): the neighbours of the best point
    in random order, on to the first that is better; from a new random point where none is."""

    def __init__(self, space: Space, seed: int) -> None:
        self._notes = Notes(space, seed)
        self._centre: int | None = None
        self._open: list[int] = []

    def ask(self) -> int:
        notes = self._notes
        while self._open:
            point = self._open.pop()
            if not notes.asked[point]:
                return notes.ask(point)
        self._centre = None
        return notes.ask(notes.draw())

    def tell(self, point: int, value: float) -> None:
        notes = self._notes
        notes.tell(point, value)
        if self._centre is None or value > notes.told[self._centre]:
            self._centre = point
            self._open = notes.random.permutation(notes.space.neighbours(point)).tolist()

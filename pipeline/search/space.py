"""A space of networks to search: its points, what is next to what, the network at a point."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from pipeline.errors import DataError, ModelError
from pipeline.graph.network import Network
from pipeline.harvest.candidate import Fetched
from pipeline.operators.read_onnx import read_skeleton_network


@dataclass(frozen=True, eq=False)
class Space:
    """Networks that differ in what stands at each of a few places; a point is a row number.

    ``choices``: (points, places) small integers, the option at each place. ``spell``: a point
    -> its name in the benchmark's words. ``assemble``: a point -> its file. ``nearest``: how
    many neighbours a point has at least, for spaces that are a sample of a larger one.
    """

    name: str
    choices: np.ndarray
    spell: Callable[[int], str]
    assemble: Callable[[int], Fetched]
    nearest: int = 0

    def __len__(self) -> int:
        return len(self.choices)

    def network(self, point: int) -> Network:
        """The whole classifier at a point. Raises ModelError where there is none: nothing
        leads from its input to its output."""
        try:
            return read_skeleton_network(self.assemble(point).skeleton)
        except ModelError as error:
            raise error.at(f"{self.name}: {self.spell(point)}") from error

    def distances(self, point: int) -> np.ndarray:
        """(points,): at how many places each point differs from this one."""
        return (self.choices != self.choices[point]).sum(axis=1)

    def neighbours(self, point: int) -> np.ndarray:
        """The points that differ at one place, and the next ones where these are few."""
        distances = self.distances(point)
        next_to = np.flatnonzero(distances == 1)
        if len(next_to) >= self.nearest:
            return next_to
        return np.argsort(distances, kind="stable")[1 : self.nearest + 1]


@dataclass(frozen=True, eq=False)
class Table:
    """A space whose every point was trained by somebody. ``searched``: (points,) what an
    evaluation answers, ``reported``: (points,) what the found network is worth; in percent."""

    space: Space
    searched: np.ndarray
    reported: np.ndarray

    def __post_init__(self) -> None:
        for values in (self.searched, self.reported):
            if values.shape != (len(self.space),) or not np.isfinite(values).all():
                raise DataError(f"{self.space.name}: some of its points have no accuracy")

    @property
    def optimum(self) -> float:
        """The best reported value."""
        return float(self.reported.max())

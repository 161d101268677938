"""Every method asks for new points only, finds more than chance does, and is its seed."""

from __future__ import annotations

import numpy as np
import pytest
from toy_space import toy_table

from pipeline.errors import DataError
from pipeline.search.methods import METHODS, ON_VECTORS, make_method
from pipeline.search.run import search
from pipeline.search.space import Table

LOOKING = [name for name in METHODS if name != "random"]


def asked(table: Table, name: str, seed: int, evaluations: int) -> list[int]:
    vectors = table.space.choices if name == ON_VECTORS else None
    method = make_method(name, table.space, seed, vectors)
    return list(search(table, method, evaluations))


@pytest.mark.parametrize("name", METHODS)
def test_no_point_is_asked_for_twice_and_a_seed_is_a_run(name: str) -> None:
    points = asked(toy_table(), name, seed=3, evaluations=40)
    assert len(set(points)) == 40
    assert points == asked(toy_table(), name, seed=3, evaluations=40)
    assert points != asked(toy_table(), name, seed=4, evaluations=40)


@pytest.mark.parametrize("name", LOOKING)
def test_a_method_that_looks_beats_chance(name: str) -> None:
    table = toy_table()

    def best(method: str) -> float:
        runs = [asked(table, method, seed, 60) for seed in range(5)]
        return float(np.mean([table.searched[run].max() for run in runs]))

    assert best(name) > best("random")


@pytest.mark.parametrize("name", ["random", "local", "evolution", "bayes-places"])
def test_a_space_can_be_exhausted(name: str) -> None:
    table = toy_table()
    few = Table(
        type(table.space)("few", table.space.choices[:12], str, table.space.assemble),
        table.searched[:12],
        table.reported[:12],
    )
    method = make_method(name, few.space)
    assert sorted(search(few, method, 12)) == list(range(12))
    with pytest.raises(DataError, match="all 12 points"):
        method.ask()


def test_what_is_known_already_can_be_told() -> None:
    table = toy_table()
    method = make_method("local", table.space)
    method.tell(242, 100.0)
    assert method.ask() in table.space.neighbours(242)


def test_points_without_a_vector_are_not_asked_for() -> None:
    space = toy_table().space
    vectors = space.choices.astype(float)
    vectors[::2] = np.nan
    method = make_method(ON_VECTORS, space, 0, vectors)
    points = []
    for _ in range(20):
        points.append(method.ask())
        method.tell(points[-1], float(points[-1]))
    assert all(point % 2 for point in points)


def test_wrong_use_is_said_in_a_line() -> None:
    space = toy_table().space
    with pytest.raises(DataError, match="known are: random, evolution"):
        make_method("annealing", space)
    with pytest.raises(DataError, match="a vector for each of 243"):
        make_method(ON_VECTORS, space)
    for point, value in ((243, 1.0), (0, float("nan"))):
        with pytest.raises(DataError, match="no point"):
            make_method("random", space).tell(point, value)

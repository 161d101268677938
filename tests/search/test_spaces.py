"""The three spaces: their points are the benchmarks' and lead to whole networks."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from pipeline.errors import DataError, ModelError
from pipeline.harvest.download import Downloads
from pipeline.harvest.nasbench201 import CELLS, number_of
from pipeline.search.space import Table
from pipeline.search.spaces import SPACES, load_space, load_table

COPIES = Path(__file__).parents[3] / "shared" / "data"
needs_copies = pytest.mark.skipif(not COPIES.exists(), reason="the measured tables")
BEST_CELL = (
    "|nor_conv_3x3~0|+|nor_conv_3x3~0|nor_conv_3x3~1|+"
    "|skip_connect~0|nor_conv_3x3~1|nor_conv_3x3~2|"
)


@needs_copies
def test_the_optima_are_those_that_were_published(tmp_path: Path) -> None:
    tables = {name: load_table(name, Downloads(tmp_path, COPIES)) for name in SPACES}
    sizes = {name: len(table.space) for name, table in tables.items()}
    assert sizes == {"nasbench201": CELLS, "nasbench_macro": 3**8, "enas6": 20_020}
    cells, macro, enas = (tables[name] for name in SPACES)
    assert cells.optimum == pytest.approx(94.373, abs=0.001)
    assert cells.reported[cells.searched.argmax()] == cells.optimum
    assert macro.optimum == pytest.approx(93.13, abs=0.005)
    assert enas.optimum == pytest.approx(75.02)
    assert min(len(enas.space.neighbours(point)) for point in (0, 777, 20_019)) >= 24


def test_neighbours_differ_at_one_place() -> None:
    for space, count in ((load_space("nasbench201"), 24), (load_space("nasbench_macro"), 16)):
        neighbours = space.neighbours(1234)
        assert len(neighbours) == count
        assert set(space.distances(1234)[neighbours].tolist()) == {1}


def test_a_point_is_the_network_that_the_benchmark_trained() -> None:
    space = load_space("nasbench201")
    network = space.network(number_of(BEST_CELL))
    counts = [v.operator for v in network.vertices].count("Conv")
    assert counts == 1 + 15 * 5 + 2 * 3  # the stem, five in each cell, three in each reduction
    blocks = load_space("nasbench_macro")
    assert len(blocks.network(len(blocks) - 1)) > len(blocks.network(0))


def test_a_cell_that_leads_nowhere_is_no_network() -> None:
    with pytest.raises(ModelError, match="nasbench201: nasbench201://n5c16/00000"):
        load_space("nasbench201").network(0)


def test_what_cannot_be_had_is_said(tmp_path: Path) -> None:
    offline = Downloads(tmp_path, online=False)
    with pytest.raises(ModelError, match=r"nasbench201\.csv: .*after 12 epochs"):
        load_table("nasbench201", offline)
    with pytest.raises(ModelError, match="NAS-Bench-Macro is not here"):
        load_table("nasbench_macro", offline)
    with pytest.raises(DataError, match="known are: nasbench201"):
        load_space("nasbench301")
    with pytest.raises(DataError, match="where its rows are"):
        load_space("enas6")


def test_a_table_has_a_value_for_every_point() -> None:
    space = load_space("nasbench_macro")
    whole = np.ones(len(space))
    with pytest.raises(DataError, match="some of its points"):
        Table(space, whole, whole[1:])

"""The ENAS set: reading, the original's split, graphs and their validity."""

from pathlib import Path

import pytest
import torch

from pipeline.compress import cells as enas
from pipeline.errors import DataError

FILE = Path(__file__).parents[3] / "shared" / "data" / "enas6.txt"
LINES = (
    "[[1], [4, 0], [5, 0, 0], [0, 1, 1, 1], [2, 1, 1, 1, 1], [3, 0, 0, 0, 0, 1]], 0.7302\n"
    "[[5], [3, 1], [2, 1, 1], [3, 1, 1, 0], [5, 0, 0, 0, 1], [2, 0, 1, 1, 1, 0]], 0.7234\n"
)


@pytest.fixture
def drawn() -> enas.Cells:
    return enas.draw_cells(200, torch.Generator().manual_seed(3))


def test_a_line_is_read_in_the_order_of_the_file(tmp_path):
    (tmp_path / "enas.txt").write_text(LINES)
    cells, accuracy = enas.read_cells(tmp_path / "enas.txt")
    assert cells.operations.tolist()[0] == [1, 4, 5, 0, 2, 3]
    assert cells.links.tolist()[0] == [0, 0, 0, 1, 1, 1, 1, 1, 1, 1, 0, 0, 0, 0, 1]
    assert accuracy.tolist() == pytest.approx([0.7302, 0.7234])


@pytest.mark.parametrize(
    "line",
    [
        "",
        "[[1]], 0.5",
        LINES[:40],
        LINES.splitlines()[0].replace("[4, 0]", "[4]"),
        "[[7" + LINES[3:],
    ],
)
def test_a_damaged_file_is_refused_by_name(tmp_path, line):
    (tmp_path / "bad.txt").write_text(line)
    with pytest.raises(DataError, match=r"bad\.txt"):
        enas.read_cells(tmp_path / "bad.txt")


def test_a_missing_file_is_refused_by_name(tmp_path):
    with pytest.raises(DataError, match=r"none\.txt"):
        enas.read_cells(tmp_path / "none.txt")


@pytest.mark.skipif(not FILE.exists(), reason="the ENAS set is not here")
def test_the_split_is_the_originals():
    cells, accuracy = enas.read_cells(FILE)
    (train, train_accuracy), (test, _) = enas.split(cells, accuracy)
    assert (len(cells), len(train), len(test)) == (20020, 17118, 1902)
    assert len(train_accuracy) == 17118
    train_numbers, test_numbers = enas.numbers(train), enas.numbers(test)
    assert int(torch.isin(test_numbers, train_numbers).sum()) == 1
    assert len(torch.unique(torch.cat([train_numbers, test_numbers]))) == 19015


def test_graphs_and_cells_are_two_forms_of_one_network(drawn):
    graphs = enas.to_graphs(drawn)
    assert enas.is_valid(graphs).all()
    assert enas.same(enas.to_cells(graphs), drawn).all()
    assert graphs.edges.sum((1, 2)).tolist() == (7 + drawn.links.sum(1)).tolist()


def test_numbers_tell_networks_apart(drawn):
    changed = enas.Cells(drawn.operations, drawn.links.clone())
    changed.links[:, 7] ^= 1
    assert not enas.same(drawn, changed).any()
    assert not (enas.numbers(drawn) == enas.numbers(changed)).any()


def _break(graphs: enas.Graphs, how: str) -> enas.Graphs:
    types, edges = graphs.types.clone(), graphs.edges.clone()
    if how == "second input":
        types[:, 3] = enas.INPUT
    elif how == "output in the middle":
        types[:, 3] = enas.OUTPUT
    elif how == "no output":
        types[:, 7] = 4
    elif how == "chain cut":
        edges[:, 2, 3] = False
    elif how == "backward edge":
        edges[:, 4, 2] = True
    elif how == "output reads two":
        edges[:, 3, 7] = True
    return enas.Graphs(types, edges)


@pytest.mark.parametrize(
    "how",
    [
        "second input",
        "output in the middle",
        "no output",
        "chain cut",
        "backward edge",
        "output reads two",
    ],
)
def test_what_is_broken_is_not_valid(drawn, how):
    assert not enas.is_valid(_break(enas.to_graphs(drawn), how)).any()


def test_a_shorter_network_is_valid_only_where_size_is_not_looked_at(drawn):
    graphs = enas.to_graphs(drawn)
    types, edges = graphs.types.clone(), graphs.edges.clone()
    types[:, 6], types[:, 7] = enas.OUTPUT, enas.ABSENT
    edges[:, :, 6], edges[:, :, 7], edges[:, 5, 6] = False, False, True
    shorter = enas.Graphs(types, edges)
    assert enas.is_valid(shorter, exact_size=False).all()
    assert not enas.is_valid(shorter).any()


@pytest.mark.parametrize("vertices", [1, 5, 8, 11])
def test_mending_makes_any_graph_valid_and_leaves_valid_ones(drawn, vertices):
    choose = torch.Generator().manual_seed(vertices)
    types = torch.randint(-1, 8, (200, vertices), generator=choose)
    edges = torch.rand(200, vertices, vertices, generator=choose) < 0.5
    mended = enas.mend(enas.Graphs(types, edges))
    assert enas.is_valid(mended).all()
    good = enas.to_graphs(drawn)
    same = enas.mend(good)
    assert torch.equal(same.types, good.types)
    assert torch.equal(same.edges, good.edges)

"""The sampled search spaces: same seed, same networks; cells as their papers define them."""

from __future__ import annotations

import random
from pathlib import Path

import pytest
import torch
import torch_spaces

from pipeline.errors import DataError, ModelError
from pipeline.harvest.enas6 import LAYERS, Row, fetch_enas6, parse_row, read_enas6
from pipeline.harvest.export import export_fetched
from pipeline.harvest.nasbench201 import CELLS, cell_of
from pipeline.harvest.params import NasBench101, NasBench201, Sampled
from pipeline.harvest.sources import (
    enas6,
    nasbench101,
    nasbench201,
    nasbench_macro,
    random_cnn,
)
from pipeline.operators.read_onnx import read_skeleton_network

DATA = Path(__file__).parents[3] / "shared" / "data" / "enas6.txt"
LINE = "[[1], [4, 0], [5, 0, 0], [0, 1, 1, 1], [2, 1, 1, 1, 1], [3, 0, 0, 0, 0, 1]], 0.7302"
IMAGE = torch.zeros(2, 3, 32, 32)


@pytest.mark.parametrize(
    ("source", "params"),
    [
        (nasbench201, NasBench201(limit=5, seed=3)),
        (nasbench101, NasBench101(limit=5, seed=3)),
        (nasbench_macro, Sampled(limit=5, seed=3)),
        (random_cnn, Sampled(limit=5, seed=3)),
    ],
)
def test_a_seed_draws_the_same_distinct_networks(source, params) -> None:
    first, again = (list(source.list_candidates(params)) for _ in range(2))
    other = list(source.list_candidates(params.model_copy(update={"seed": 4})))
    assert first == again
    assert len({c.address for c in first}) == 5
    assert {c.address for c in first} != {c.address for c in other}


@pytest.mark.parametrize("number", range(12))
def test_random_networks_run_and_take_gradients(number: int) -> None:
    module, shape = random_cnn.draw_network(random.Random(f"test/{number}"))
    output = module(torch.rand(2, *shape[1:]))
    output.square().mean().backward()
    assert output.shape[0] == 2
    assert bool(torch.isfinite(output).all())


def test_random_networks_differ() -> None:
    texts = {str(random_cnn.draw_network(random.Random(n))[0]) for n in range(10)}
    assert len(texts) == 10


def test_a_cell_of_201_drops_what_is_on_no_path() -> None:
    digits = (3, 0, 0, 0, 2, 4)  # 0-1 conv 3x3, 1-3 conv 1x1, 2-3 a pool that nothing reaches
    number = sum(digit * 5**i for i, digit in enumerate(digits))
    assert cell_of(number) == {(0, 1): "nor_conv_3x3", (1, 3): "nor_conv_1x1"}
    assert cell_of(0) == {}


def test_a_network_of_201_is_as_large_as_the_paper_says() -> None:
    all_3x3 = cell_of(sum(3 * 5**i for i in range(6)))
    module = torch_spaces.build(all_3x3, cells=5, channels=16)
    count = sum(p.numel() for p in module.parameters())
    assert module(IMAGE).shape == (2, 10)
    assert count == pytest.approx(1.53e6, rel=0.01)  # the benchmark's figure: 1.53 MB


def test_a_cell_of_101_reads_back() -> None:
    draw = random.Random(0)
    cells = [cell for cell in (nasbench101.draw_cell(draw) for _ in range(200)) if cell]
    assert len(cells) > 20
    for cell in cells:
        assert nasbench101.parse(cell.spell()) == cell
        assert len(cell.edges) <= 9
        assert all(cell.sources(vertex) for vertex in range(1, cell.last + 1))


def test_widths_of_101_follow_the_original() -> None:
    # The example of nasbench's compute_vertex_channels: three vertices share the output.
    cell = nasbench101.parse("01.02.03.14.24.34-000")
    assert nasbench101.vertex_channels(cell, 16, 32) == [16, 11, 11, 10, 32]


def test_networks_of_101_run() -> None:
    draw = random.Random(1)
    cells = [cell for cell in (nasbench101.draw_cell(draw) for _ in range(60)) if cell]
    for cell in cells[:6]:
        assert nasbench101.build(cell, cells=1, channels=12)(IMAGE).shape == (2, 10)


def test_a_row_of_enas_is_parsed_and_built() -> None:
    row = parse_row(LINE)
    assert row.operators == (1, 4, 5, 0, 2, 3)
    assert row.skips[3] == (True, True, True)
    assert row.accuracy == 0.7302
    assert torch_spaces.EnasNetwork(row, channels=8)(IMAGE).shape == (2, 10)


@pytest.mark.parametrize(
    "line", ["", "[]", "[[1]], 0.5", LINE.replace("[1]", "[6]"), LINE.replace("[4, 0]", "[4]")]
)
def test_what_is_no_row_is_refused(line: str) -> None:
    with pytest.raises(ModelError, match="malformed"):
        parse_row(line)


def test_a_file_that_is_not_the_set_is_refused(tmp_path: Path) -> None:
    (tmp_path / "rows.txt").write_text(LINE + "\n")
    with pytest.raises(DataError, match="not the ENAS set"):
        fetch_enas6(tmp_path / "rows.txt")
    with pytest.raises(DataError, match="missing"):
        read_enas6(tmp_path / "absent.txt")


@pytest.mark.skipif(not DATA.exists(), reason="the ENAS set is not here")
def test_the_set_has_all_its_rows() -> None:
    rows = read_enas6(DATA)
    assert len(rows) == 20_020
    assert rows[0] == parse_row(LINE)
    assert len(rows[0].operators) == LAYERS


def fingerprint(fetched) -> str:
    return read_skeleton_network(fetched.skeleton).fingerprint


def exported(module) -> str:
    return fingerprint(export_fetched(module, IMAGE[:1]))


def draw_row(draw: random.Random) -> Row:
    skips = tuple(tuple(draw.random() < 0.5 for _ in range(i)) for i in range(LAYERS))
    return Row(tuple(draw.randrange(6) for _ in range(LAYERS)), skips, 0.5)


def test_what_is_assembled_of_201_is_what_torch_exports() -> None:
    numbers = random.Random(0).sample([n for n in range(CELLS) if cell_of(n)], 20)
    for cell in map(cell_of, numbers):
        assembled = fingerprint(nasbench201.assemble(cell, 5, 16))
        assert assembled == exported(torch_spaces.build(cell, 5, 16)), cell


def test_what_is_assembled_of_macro_is_what_torch_exports() -> None:
    draw = random.Random(0)
    for blocks in ("00000000", *("".join(draw.choices("012", k=8)) for _ in range(19))):
        assembled = fingerprint(nasbench_macro.assemble(blocks))
        assert assembled == exported(torch_spaces.build_macro(blocks)), blocks


def test_what_is_assembled_of_enas_is_what_torch_exports() -> None:
    draw = random.Random(0)
    for row in (parse_row(LINE), *(draw_row(draw) for _ in range(19))):
        assembled = fingerprint(enas6.assemble(row, 36))
        assert assembled == exported(torch_spaces.EnasNetwork(row, 36)), row


def test_parameters_of_macro_are_the_benchmarks() -> None:
    module = torch_spaces.build_macro("02012100")
    assert sum(p.numel() for p in module.parameters()) == 890_666  # as its file states

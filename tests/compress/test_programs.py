"""Rows of programs, how epochs draw them, and distances that vectors are to follow."""

import torch

from pipeline import Network
from pipeline.compress.augment import example_of
from pipeline.compress.programs import (
    DESIGN,
    EXACT,
    OWN,
    cost,
    distance_misfit,
    draw_rows,
    edit_distances,
    to_rows,
    token_parts,
)
from pipeline.compress.vocabulary import Vocabulary
from pipeline.design.design import design_of
from pipeline.program.program import Program


def test_rows_are_padded_and_long_ones_left_out(light: dict[str, Network]) -> None:
    networks = list(light.values())
    vocabulary = Vocabulary.of([Program.of(n).lines for n in networks], least=1)
    examples = [example_of(n, design_of(n), vocabulary) for n in networks]
    longest = sorted(max(len(e.exact), len(e.design)) for e in examples)[-2]
    rows = to_rows(examples, range(len(examples)), longest)
    assert len(rows[OWN]) == len(networks) - 1
    for row, own in enumerate(rows[OWN].tolist()):
        tokens = rows[EXACT][row][rows[EXACT][row] >= 0].tolist()
        assert Program(tuple(vocabulary.lines(tokens))).network() == networks[own]
        assert int(cost(rows)[row]) == len(tokens)
        assert (rows[DESIGN][row] >= 0).any()
    assert len(token_parts(vocabulary)) == vocabulary.size


def test_an_epoch_has_its_share_of_real_networks() -> None:
    rows = {OWN: torch.tensor([0, 1, 2, -1, -1, -1, -1])}
    draw = draw_rows(rows, torch.tensor([1.0, 0.0, 1.0]), real=0.25)
    drawn = draw(400, torch.Generator().manual_seed(0))[OWN]
    assert int((drawn >= 0).sum()) == 100
    assert set(drawn.tolist()) == {0, 2, -1}


def test_distances_that_agree_have_no_misfit() -> None:
    points = torch.randn(12, 3, generator=torch.Generator().manual_seed(0))
    distances = torch.cdist(points, points)
    assert float(distance_misfit(points * 5, distances)) < 1e-5
    assert float(distance_misfit(torch.randn(12, 3), distances)) > 0.3


def test_edit_distances_are_shares_of_the_longer(light: dict[str, Network]) -> None:
    networks = [light["squeezenet"], light["bvlc_alexnet"], light["squeezenet"]]
    found = edit_distances(networks)
    assert found[0, 2] == 0
    assert 0.5 < found[0, 1] <= 1
    assert (found == found.T).all()

"""What is measured of an ENAS codec, on codecs whose figures are known beforehand."""

import pytest
import torch
from torch import nn

from pipeline.compress import cells as enas
from pipeline.compress.cells import Cells, Graphs
from pipeline.compress.dvae import DVAEConfig
from pipeline.compress.enas6 import CellModel
from pipeline.evaluate import enas6


class Perfect(nn.Module):
    """Writes the bits of a network down: a vector of 21 numbers, decoded by rounding."""

    config = None

    def encode(self, cells: Cells) -> torch.Tensor:
        return torch.cat([cells.operations, cells.links], 1).float()

    def decode(self, z: torch.Tensor, generator=None) -> Cells | Graphs:
        z = z.round().long()
        return Cells(z[:, :6].clamp(0, 5), z[:, 6:].clamp(0, 1))

    def losses(self, cells: Cells) -> tuple[torch.Tensor, torch.Tensor]:
        return torch.zeros(()), torch.tensor(10.0 * len(cells))


class Forgetful(Perfect):
    """Gets the first operator wrong when it samples."""

    def decode(self, z: torch.Tensor, generator=None) -> Cells | Graphs:
        cells = super().decode(z)
        if generator is not None:
            cells.operations[:, 0] = (cells.operations[:, 0] + 1) % 6
        return cells


class Cutting(Perfect):
    """Decodes graphs that lack the edge between the second and the third vertex."""

    def decode(self, z: torch.Tensor, generator=None) -> Cells | Graphs:
        graphs = enas.to_graphs(super().decode(z))
        graphs.edges[:, 1, 2] = False
        return graphs


@pytest.fixture
def cells() -> Cells:
    return enas.draw_cells(300, torch.Generator().manual_seed(0))


def test_accuracy_strict_and_sampled_are_told_apart(cells):
    perfect = enas6.measure_accuracy(CellModel(Perfect()), cells)
    assert perfect == {"accuracy_strict": 1.0, "accuracy_dvae_protocol": 1.0}
    forgetful = enas6.measure_accuracy(CellModel(Forgetful()), cells)
    assert forgetful == {"accuracy_strict": 1.0, "accuracy_dvae_protocol": 0.0}


def test_one_wrong_edge_or_vertex_is_a_wrong_network(cells):
    graphs = enas.to_graphs(cells)
    graphs.edges[0, 1, 2] = False
    graphs.types[1, 4] = 2 + (graphs.types[1, 4] - 1) % 6
    assert enas6.came_back(graphs, cells).tolist() == [False, False] + [True] * 298


def test_a_vertex_too_many_is_a_wrong_network(cells):
    graphs = enas.to_graphs(cells)
    longer = Graphs(
        nn.functional.pad(graphs.types, (0, 1), value=3),
        nn.functional.pad(graphs.edges, (0, 1, 0, 1)),
    )
    assert not enas6.came_back(longer, cells).any()


def test_validity_is_before_and_after_mending(cells):
    found = enas6.measure_prior(CellModel(Cutting()), cells)
    assert (found["validity"], found["validity_repaired"]) == (0.0, 1.0)
    found = enas6.measure_prior(CellModel(Perfect()), cells)
    whole = (found["validity"], found["validity_eight_vertices"], found["validity_repaired"])
    assert whole == (1.0, 1.0, 1.0)


def test_ten_equal_decodes_of_a_point_are_a_tenth_unique_and_the_space_is_new(cells):
    found = enas6.measure_prior(CellModel(Perfect()), cells)
    assert found["uniqueness"] == pytest.approx(0.1, abs=0.002)
    assert found["novelty"] > 0.99


def test_what_stands_in_train_is_not_novel(cells):
    class Parrot(Perfect):
        def decode(self, z, generator=None):
            return cells[torch.arange(len(z)) % len(cells)]

    found = enas6.measure_prior(CellModel(Parrot()), cells)
    assert found["novelty"] == 0.0


def test_latent_size_in_numbers_and_bits(cells):
    found = enas6.measure_latent(CellModel(Perfect()), cells)
    assert found["dimensions_per_graph"] == 21
    assert found["dimensions_per_vertex"] == 21 / 8
    assert found["bits_per_graph"] == pytest.approx(14.427, abs=1e-3)
    assert found["bits_of_the_space"] == pytest.approx(30.51, abs=0.01)


def test_where_training_takes_less_than_the_posterior_bits_are_none(cells):
    class Sharper(Perfect):
        config = DVAEConfig(noise=0.01)

    assert enas6.measure_latent(CellModel(Sharper()), cells)["bits_per_graph"] is None

"""D-VAE against the paper's procedure, done edge by edge on one graph at a time."""

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor

from pipeline.compress.cells import (
    ABSENT,
    INPUT,
    OUTPUT,
    VERTICES,
    Cells,
    draw_cells,
    is_valid,
    same,
    to_cells,
    to_graphs,
)
from pipeline.compress.dvae import DVAE
from pipeline.compress.message_pass import Cell, Message


@pytest.fixture
def model() -> DVAE:
    torch.manual_seed(0)
    return DVAE(DVAE.Config(hidden=24, dimensions=7)).eval()


@pytest.fixture
def cells() -> Cells:
    return draw_cells(11, torch.Generator().manual_seed(1))


def state_of(cell: Cell, tell: Message, type_: int, told: list[tuple[Tensor, int]]) -> Tensor:
    """A vertex' state from its type and its predecessors' states and numbers, as published."""
    gate_bias = torch.cat([tell.bias, torch.zeros_like(tell.bias)])
    summed = torch.zeros(tell.weight.shape[1])
    for state, place in told:
        gate, content = (tell.weight @ state + tell.place[place] + gate_bias).chunk(2)
        summed = summed + gate.sigmoid() * content
    features = cell.features(torch.tensor([type_]))
    return cell.gru(features, summed[None])[0]


def nats_edge_by_edge(model: DVAE, z: Tensor, types: Tensor, edges: Tensor) -> Tensor:
    def renew(v: int, into: list[int]) -> Tensor:
        told = [(states[k], k) for k in into]
        return state_of(model.write, model.tell_forward, int(types[v]), told)

    first = model.write.features(torch.tensor([INPUT]))
    states = [model.write.gru(first, model.start(z).tanh()[None])[0]]
    nats = torch.zeros(())
    for v in range(1, VERTICES):
        nats = nats + F.cross_entropy(model.score_type(states[-1]), types[v])
        into: list[int] = []
        state = renew(v, into)
        for k in reversed(range(v)):
            pair = torch.cat([states[k], state])
            odds = model.score_edge.logit(model.score_edge.layer(pair).relu())[0]
            nats = nats + F.binary_cross_entropy_with_logits(odds, edges[k, v].float())
            if edges[k, v]:
                into.append(k)
                state = renew(v, into)
        states.append(state)
    return nats


def test_batched_likelihood_is_the_published_one(model: DVAE, cells: Cells) -> None:
    graphs, z = to_graphs(cells), torch.randn(len(cells), 7)
    rows = zip(z, graphs.types, graphs.edges, strict=True)
    one_by_one = [nats_edge_by_edge(model, *row) for row in rows]
    torch.testing.assert_close(model.nats(z, graphs), torch.stack(one_by_one).sum())


def test_encoder_is_the_published_one(model: DVAE, cells: Cells) -> None:
    graphs = to_graphs(cells[:1])
    types, edges = graphs.types[0], graphs.edges[0]
    ahead: dict[int, Tensor] = {}
    back: dict[int, Tensor] = {}
    for v in range(VERTICES):
        told = [(ahead[k], k) for k in range(v) if edges[k, v]]
        ahead[v] = state_of(model.read_forward, model.tell_forward, int(types[v]), told)
    for v in reversed(range(VERTICES)):
        told = [(back[k], k) for k in range(v + 1, VERTICES) if edges[v, k]]
        back[v] = state_of(model.read_backward, model.tell_backward, int(types[v]), told)
    expected = model.mean(model.unify(torch.cat([ahead[VERTICES - 1], back[0]])))
    torch.testing.assert_close(model.encode(cells[:1])[0], expected)


def test_gradients_are_those_of_the_published_procedure(model: DVAE, cells: Cells) -> None:
    graphs, z = to_graphs(cells[:2]), torch.randn(2, 7)
    model.nats(z, graphs).backward()
    batched = {n: p.grad for n, p in model.named_parameters() if p.grad is not None}
    model.zero_grad()
    for row in zip(z, graphs.types, graphs.edges, strict=True):
        nats_edge_by_edge(model, *row).backward()
    for name, parameter in model.named_parameters():
        if name in batched:  # the decoder's
            expected = parameter.grad
            torch.testing.assert_close(batched[name], expected, msg=name)


def test_mixed_precision_gives_nearly_the_same_losses_and_gradients(cells: Cells) -> None:
    found = []
    for mixed in (False, True):
        torch.manual_seed(0)
        model = DVAE(DVAE.Config(hidden=24, dimensions=7, mixed=mixed)).train()
        loss = sum(model.losses(cells))
        loss.backward()
        found.append((loss.detach(), {n: p.grad for n, p in model.named_parameters()}))
    (exact, gradients), (rough, rough_gradients) = found
    assert rough != exact
    torch.testing.assert_close(rough, exact, rtol=1e-2, atol=0)
    for name, gradient in gradients.items():
        error = (rough_gradients[name] - gradient).norm() / gradient.norm()
        assert error < 0.05, name


def test_number_of_parameters_is_the_authors_without_an_unused_layer() -> None:
    unused = 1002 * 501 + 501  # hv_unify is made and never called
    count = sum(p.numel() for p in DVAE(DVAE.Config()).parameters())
    assert count == 6_937_969 - unused


def test_a_trained_model_restores_networks_and_samples_them(cells: Cells) -> None:
    cells = cells[:5]
    torch.manual_seed(0)
    model = DVAE(DVAE.Config(hidden=48, dimensions=8))
    optimizer = torch.optim.Adam(model.parameters(), 2e-3)
    for _ in range(200):
        optimizer.zero_grad()
        reconstruction, divergence = model.losses(cells)
        (reconstruction + 0.005 * divergence).backward()
        optimizer.step()
    model.eval()
    restored = model.decode(model.encode(cells))
    assert is_valid(restored).all()
    assert same(to_cells(restored), cells).all()
    sampled = model.decode(model.encode(cells), torch.Generator().manual_seed(0))
    assert same(to_cells(sampled), cells).float().mean() > 0.8


def test_decoded_graphs_end_with_an_output_that_leaves_no_loose_end(model: DVAE) -> None:
    z = 9 * torch.randn(500, 7)
    for generator in (None, torch.Generator().manual_seed(0)):
        graphs = model.decode(z, generator)
        present = graphs.types != ABSENT
        assert ((graphs.types == OUTPUT).sum(1) == 1).all()
        last = present.sum(1) - 1
        assert (graphs.types.gather(1, last[:, None]) == OUTPUT).all()
        loose = present & ~graphs.edges.any(2)
        assert (loose.sum(1) == 1).all()
        assert not graphs.edges[~present].any()
        assert not graphs.edges.mT[~present].any()
    assert (present.sum(1) < VERTICES).any()  # untrained, it ends some of them early


def test_samples_follow_the_generator(model: DVAE) -> None:
    z = torch.randn(50, 7)
    first, again, other = (
        model.decode(z, torch.Generator().manual_seed(seed)) for seed in (3, 3, 4)
    )
    assert torch.equal(first.types, again.types)
    assert torch.equal(first.edges, again.edges)
    assert not torch.equal(first.edges, other.edges)

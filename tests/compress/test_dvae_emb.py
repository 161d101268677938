"""DVAE-EMB: D-VAE but for its learned features."""

import torch

from pipeline.compress.cells import draw_cells, same, to_cells
from pipeline.compress.dvae_emb import DVAEEmb
from pipeline.compress.message_pass import Cell


def cells_of(model: DVAEEmb) -> tuple[Cell, ...]:
    return model.read_forward, model.read_backward, model.write


def test_number_of_parameters_is_the_authors_without_an_unused_layer() -> None:
    unused = 1002 * 501 + 501  # hv_unify is made and never called
    count = sum(p.numel() for p in DVAEEmb(DVAEEmb.Config()).parameters())
    assert count == 6_915_448 - unused


def test_embeddings_start_at_random_and_are_shared_and_learned() -> None:
    tables = []
    for seed in (0, 1):
        torch.manual_seed(seed)
        model = DVAEEmb(DVAEEmb.Config(hidden=16, dimensions=4))
        tables.append(model.read_forward.features.weight.detach().clone())
        assert len({id(c.features) for c in cells_of(model)}) == 1
    assert not torch.equal(*tables)
    before = model.write.features.weight.detach().clone()
    sum(model.losses(draw_cells(5, torch.Generator().manual_seed(0)))).backward()
    torch.optim.SGD(model.parameters(), 0.1).step()
    assert not torch.equal(model.write.features.weight, before)


def test_a_trained_model_restores_networks() -> None:
    torch.manual_seed(0)
    cells = draw_cells(5, torch.Generator().manual_seed(1))
    model = DVAEEmb(DVAEEmb.Config(hidden=48, dimensions=8))
    optimizer = torch.optim.Adam(model.parameters(), 2e-3)
    for _ in range(150):
        optimizer.zero_grad()
        model.losses(cells)[0].backward()
        optimizer.step()
    assert same(to_cells(model.eval().decode(model.encode(cells))), cells).all()

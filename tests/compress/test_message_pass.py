"""The hand-written gradients against numerical ones."""

import pytest
import torch

from pipeline.compress.cells import draw_cells, to_graphs
from pipeline.compress.message_pass import Pass, Step


def doubles(*shape: int) -> torch.Tensor:
    return torch.randn(shape, dtype=torch.float64, requires_grad=True)


def test_step_gradients() -> None:
    torch.manual_seed(0)
    assert torch.autograd.gradcheck(Step.apply, (doubles(4, 9), doubles(4, 9), doubles(4, 3)))


@pytest.mark.parametrize("telling", [7, 8])
def test_pass_gradients(telling: int) -> None:
    torch.manual_seed(0)
    h, cells = 2, draw_cells(3, torch.Generator().manual_seed(0))
    links = to_graphs(cells).edges.permute(1, 2, 0)[..., None].double()
    weights = doubles(3 * h, h), doubles(3 * h), doubles(2 * h, h), doubles(telling, 2 * h)
    inputs = (doubles(8, 3, 3 * h), links, doubles(8, 3, h), *weights)
    assert torch.autograd.gradcheck(Pass.apply, inputs)

"""The transformer of programs: padding, likelihoods, parts of tokens."""

import pytest
import torch

from pipeline.compress.transformer import PAD, ProgramTransformer, TransformerConfig

SIZES = (5, 4, 3)
PARTS = tuple((i % 4, 4) for i in range(sum(SIZES)))


@pytest.fixture
def model() -> ProgramTransformer:
    torch.manual_seed(0)
    config = TransformerConfig(sizes=SIZES, parts=PARTS, width=16, heads=2, latent=3)
    return ProgramTransformer(config).eval()


def test_padding_changes_nothing(model: ProgramTransformer) -> None:
    tokens = torch.tensor([[0, 5, 9, 1, 6]])
    padded = torch.cat([tokens, torch.full((1, 4), PAD)], 1)
    torch.testing.assert_close(model.encode(padded)[0], model.encode(tokens)[0])
    z = torch.randn(1, 3)
    nats = model.negative_log_likelihood(z, padded)
    torch.testing.assert_close(nats[:, :5], model.negative_log_likelihood(z, tokens))
    assert (nats[:, 5:] == 0).all()


def test_probabilities_of_a_kind_add_up(model: ProgramTransformer) -> None:
    z, before = torch.randn(1, 3), [0, 5]
    for kind, size in enumerate(SIZES):
        first = int(model.offsets[kind])
        rows = torch.tensor([[*before, first + c] for c in range(size)])
        nats = model.negative_log_likelihood(z.expand(size, -1), rows)[:, -1]
        torch.testing.assert_close((-nats).exp().sum(), torch.tensor(1.0))


def test_later_tokens_are_not_seen(model: ProgramTransformer) -> None:
    z = torch.randn(1, 3)
    a, b = torch.tensor([[0, 5, 9, 1]]), torch.tensor([[0, 5, 10, 2]])
    first, second = (model.negative_log_likelihood(z, row)[0, :2] for row in (a, b))
    torch.testing.assert_close(first, second)


def test_the_vector_is_seen(model: ProgramTransformer) -> None:
    tokens = torch.tensor([[0, 5, 9, 1]])
    nats = [model.negative_log_likelihood(z, tokens) for z in torch.randn(2, 1, 3)]
    assert not torch.allclose(*nats)


def test_tokens_share_their_parts(model: ProgramTransformer) -> None:
    before = model.table().detach()
    with torch.no_grad():
        model.shared.weight[0] += 1
    moved = (model.table() != before).any(1).tolist()
    assert moved == [0 in parts for parts in PARTS]


def test_every_token_needs_parts() -> None:
    with pytest.raises(ValueError, match="parts"):
        ProgramTransformer(TransformerConfig(sizes=(2,), parts=((0,),)))

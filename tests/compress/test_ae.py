"""The autoencoder: shapes, blocks that never meet, fields that do not apply, learning."""

import pytest
import torch

from pipeline.compress.ae import AEConfig, AutoEncoder
from pipeline.compress.fields import Group, Items, exact
from pipeline.compress.seq2seq import SequenceToSequence
from pipeline.compress.vae import VariationalAutoEncoder

KINDS = (AutoEncoder, VariationalAutoEncoder, SequenceToSequence)
GROUPS = (
    Group("structure", (2, 2, 2, 2, 2), 2, ((0, 1, 2), (3, 4))),
    Group("attributes", (3, 2, 4), 2),
)


def make(kind: type[AutoEncoder]) -> AutoEncoder:
    torch.manual_seed(0)
    return kind(AEConfig(groups=GROUPS, width=32, depth=1, frequencies=5))


def items(n: int, seed: int = 0) -> Items:
    torch.manual_seed(seed)
    found = {
        g.name: torch.stack([torch.randint(c, (n,)) for c in g.cardinalities], 1)
        for g in GROUPS
    }
    found["attributes"][: n // 4, 2] = -1
    return found


@pytest.mark.parametrize("kind", KINDS)
def test_shapes_go_there_and_back(kind):
    model, batch = make(kind).eval(), items(7)
    latents = model.encode(batch)
    assert {g: tuple(z.shape) for g, z in latents.items()} == {
        "structure": (7, 2),
        "attributes": (7, 2),
    }
    for generator in (None, torch.Generator().manual_seed(1)):
        made = model.decode(latents, generator=generator)
        for g in GROUPS:
            assert made[g.name].shape == batch[g.name].shape
            assert (made[g.name] >= 0).all()
            assert (made[g.name] < torch.tensor(g.cardinalities)).all()


@pytest.mark.parametrize("kind", KINDS)
def test_a_field_moves_only_the_dimension_of_its_block(kind):
    model, batch = make(kind).eval(), items(9)
    before = model.encode(batch)["structure"]
    batch["structure"][:, 4] ^= 1
    after = model.encode(batch)["structure"]
    assert torch.equal(before[:, 0], after[:, 0])
    assert (before[:, 1] != after[:, 1]).all()


@pytest.mark.parametrize("kind", KINDS)
def test_losses_are_sums_over_the_batch(kind):
    model, batch = make(kind).eval(), items(8)
    whole = torch.stack(model.losses(batch))
    halves = [{g: f[part] for g, f in batch.items()} for part in (slice(4), slice(4, 8))]
    torch.testing.assert_close(whole, sum(torch.stack(model.losses(half)) for half in halves))


@pytest.mark.parametrize("kind", [AutoEncoder, VariationalAutoEncoder])
def test_what_does_not_apply_costs_nothing_but_is_seen(kind):
    model, batch = make(kind).eval(), items(1)
    nothing = {"attributes": torch.full((1, 3), -1)}
    assert model.losses(nothing)[0].item() == 0
    z = model.encode({"attributes": batch["attributes"]})["attributes"]
    assert not torch.equal(model.encode(nothing)["attributes"], z)


def test_samples_follow_the_probabilities():
    writer = make(AutoEncoder).writer("structure")
    p = torch.tensor([0.9, 0.1])
    logits = p.log().repeat(20000, 5)
    drawn = writer.pick(logits, torch.Generator().manual_seed(0)).float().mean()
    assert abs(float(drawn) - 0.1) < 0.005
    assert not writer.pick(logits).any()


@pytest.mark.parametrize("kind", KINDS)
def test_it_learns_to_restore_combinations_never_seen(kind):
    """Trained without one combination of two blocks, it restores exactly that one."""
    everything = torch.cartesian_prod(*[torch.arange(2)] * 5)
    seen = everything[:-1]
    torch.manual_seed(0)
    model = kind(AEConfig(groups=GROUPS[:1], width=32, depth=1, frequencies=5))
    optimizer = torch.optim.Adam(model.parameters(), 5e-3)
    for _ in range(300):
        reconstruction, divergence = model.losses({"structure": seen})
        optimizer.zero_grad()
        (reconstruction + 0.02 * divergence).backward()
        optimizer.step()
    model.eval()
    batch = {"structure": everything}
    assert exact(batch, model.decode(model.encode(batch))).all()

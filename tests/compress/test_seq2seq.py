"""The sequence model: what it is told in training is what it writes on its own."""

import torch

from pipeline.compress.ae import AEConfig
from pipeline.compress.fields import Group
from pipeline.compress.seq2seq import SequenceToSequence

GROUP = Group("attributes", (3, 2, 4, 2), 2, ((2, 0, 3), (1,)))


def make() -> SequenceToSequence:
    torch.manual_seed(0)
    return SequenceToSequence(AEConfig(groups=(GROUP,), width=16, frequencies=3)).eval()


def test_probabilities_of_all_sequences_sum_to_one():
    """Every field's classes and "does not apply": the likelihood is a distribution."""
    model = make()
    everything = torch.cartesian_prod(*[torch.arange(-1, c) for c in GROUP.cardinalities])
    z = torch.randn(1, 2)
    nats = [model.nats("attributes", z, row[None]) for row in everything]
    torch.testing.assert_close((-torch.stack(nats)).exp().sum(), torch.tensor(1.0))


def test_writing_step_by_step_is_greedy_under_the_same_likelihood():
    """Each written field is the likeliest after those written before it in its block."""
    model, z = make(), torch.randn(6, 2)
    with torch.no_grad():  # every field applies
        model.decoder("attributes").head.bias[..., 0] = -50.0
    written = model.write("attributes", z, None)
    for field, before in ((2, []), (0, [2]), (3, [2, 0])):
        nats = []
        for value in range(GROUP.cardinalities[field]):
            probe = torch.full((6, 4), -1)
            probe[:, [*before]] = written[:, [*before]]
            probe[:, field] = value
            later = [f for f in (2, 0, 3) if f not in (*before, field)]
            nats.append(_marginal(model, z, probe, later))
        assert torch.stack(nats).argmin(0).tolist() == written[:, field].tolist()


def _marginal(model, z, probe, later):
    """-log p of the fields of the first block up to now, the later ones summed out."""
    total = torch.zeros(len(z))
    grids = [torch.arange(-1, GROUP.cardinalities[f]) for f in later]
    rows = torch.cartesian_prod(*grids).view(-1, len(later)) if later else torch.zeros(1, 0)
    for row in rows:
        whole = probe.clone()
        for f, v in zip(later, row.long(), strict=True):
            whole[:, f] = v
        nats = [
            model.nats("attributes", z[i : i + 1], whole[i : i + 1]) for i in range(len(z))
        ]
        total += (-torch.stack(nats)).exp().detach()
    return -total.log()

"""Refining: gradient steps on vectors against a fixed decoder.

The encoder's guess is amortised over all networks; a few steps for one network find a vector
from which the decoder is likelier to write it. Steps are batched over networks, and what is
kept is the best vector seen, never worse than the guess.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch

from pipeline.compress.transformer import PAD, ProgramTransformer

RATE = 0.05  # of Adam, on numbers of deviation one


def refine(
    model: ProgramTransformer, vectors: np.ndarray, tokens: Sequence[Sequence[int]], steps: int
) -> np.ndarray:
    """(n, latent) vectors and the programs they are to give -> (n, latent) better ones."""
    longest = max(map(len, tokens))
    rows = torch.full((len(tokens), longest), PAD)
    for place, row in enumerate(tokens):
        rows[place, : len(row)] = torch.tensor(row)
    for parameter in model.parameters():
        parameter.requires_grad_(False)
    table = model.table().detach()
    z = torch.tensor(vectors, dtype=torch.float32, requires_grad=True)
    best, least = z.detach().clone(), torch.full((len(tokens),), torch.inf)
    optimiser = torch.optim.Adam([z], RATE)
    for step in range(steps + 1):
        nats = model.negative_log_likelihood(z, rows, table).sum(1)
        better = nats.detach() < least
        best[better], least[better] = z.detach()[better], nats.detach()[better]
        if step < steps:
            optimiser.zero_grad()
            nats.sum().backward()
            optimiser.step()
    return best.numpy()

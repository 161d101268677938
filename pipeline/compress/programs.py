"""Training a codec of whole networks: their programs, edited ones, and what is minimised."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import nullcontext
from typing import Any

import numpy as np
import torch
from rapidfuzz.distance import Levenshtein
from rapidfuzz.process import cdist
from torch import Tensor

from pipeline.compress.augment import Example
from pipeline.compress.grammar import Word
from pipeline.compress.tokens import DIRECT, ESCAPE, Field
from pipeline.compress.trainer import Draw, Objective, Rows
from pipeline.compress.transformer import PAD, ProgramTransformer
from pipeline.compress.vocabulary import Vocabulary
from pipeline.graph.network import Network
from pipeline.tables.near import Spelling, vertex_words

EXACT, DESIGN, OWN = "exact", "design", "own"  # columns of rows
LONGEST_COMPARED = 4096  # vertices of a network whose edit distance is measured
COMPARED = 24  # networks whose distances are compared at each step


def to_rows(examples: Sequence[Example], own: Sequence[int], longest: int) -> Rows:
    """Examples -> padded rows; ``own``: the index of a network of the data set, or -1. Those
    with more tokens than ``longest`` are left out."""
    kept = [(e, o) for e, o in zip(examples, own, strict=True) if _tokens(e) <= longest]
    return {
        EXACT: padded([e.exact for e, _ in kept], longest),
        DESIGN: padded([e.design for e, _ in kept], longest),
        OWN: torch.tensor([o for _, o in kept], dtype=torch.long),
    }


def cost(rows: Rows) -> Tensor:
    """Tokens of each row."""
    return (rows[EXACT] != PAD).sum(1)


def draw_rows(rows: Rows, weights: Tensor, real: float) -> Draw:
    """Each epoch's rows: the share ``real`` from the data set, by ``weights``, the others from
    the edited ones."""
    known = torch.nonzero(rows[OWN] >= 0).flatten()
    edited = torch.nonzero(rows[OWN] < 0).flatten()
    chances = weights[rows[OWN][known]]

    def draw(count: int, generator: torch.Generator) -> Rows:
        share = int(count * real) if len(edited) else count
        a = known[torch.multinomial(chances, share, replacement=True, generator=generator)]
        b = edited[torch.randint(max(len(edited), 1), (count - share,), generator=generator)]
        chosen = torch.cat([a, b])
        return {name: values[chosen] for name, values in rows.items()}

    return draw


def objective(
    model: ProgramTransformer,
    known: Tensor,
    distances: Tensor,
    distance_weight: float,
    precision: str,
) -> Objective:
    """Rows -> reconstruction and divergence in nats, and the misfit of distances, summed.

    ``known`` (n, steps): the designs of networks whose ``distances`` (n, n) are known. At each
    step of training some are drawn, of any size, while the rows of a batch are alike in size.
    """

    def losses(rows: Rows) -> tuple[Tensor, ...]:
        exact, design = _trimmed(rows[EXACT]), _trimmed(rows[DESIGN])
        hide = model.config.word_dropout if model.training else 0.0
        with _autocast(exact.device.type, precision):
            table = model.table()
            mean, log_variance = model.encode(design, table)
            z = mean
            if model.config.variational and model.training:
                z = mean + torch.randn_like(mean) * (log_variance / 2).exp()
            nats = model.negative_log_likelihood(z, exact, table, hide).sum()
            misfit = mean.new_zeros(())
            if model.training and distance_weight:
                drawn = _drawn(known)
                means = torch.cat([
                    model.encode(_trimmed(known[part].to(exact.device)), table)[0]
                    for part in drawn.split(COMPARED // 3)  # of like size, for the padding
                ])  # fmt: skip
                misfit = distance_misfit(means, distances[drawn][:, drawn])
        divergence = (mean.square() + log_variance.exp() - log_variance - 1).sum() / 2
        if not model.config.variational:
            divergence = divergence * 0
        return nats, divergence, misfit * distance_weight * len(exact)

    return losses


def _drawn(known: Tensor) -> Tensor:
    """A few of the networks, from the smallest to the largest."""
    drawn = torch.randperm(len(known))[:COMPARED]
    return drawn[(known[drawn] != PAD).sum(1).argsort()]


def distance_misfit(vectors: Tensor, distances: Tensor) -> Tensor:
    """One minus the correlation of the distances between vectors (n, latent) and ``distances``
    (n, n)."""
    found = torch.pdist(vectors.float())
    rows, columns = torch.triu_indices(len(vectors), len(vectors), 1)
    wanted = distances[rows, columns].to(found)
    a, b = found - found.mean(), wanted - wanted.mean()
    return 1 - (a * b).sum() / (a.norm() * b.norm()).clamp(min=1e-6)


def edit_distances(networks: Sequence[Network]) -> np.ndarray:
    """(n, n) float32: the edit distance of the networks' vertices over the longer's length."""
    spell = Spelling().spell
    texts = [spell(vertex_words(n)[:LONGEST_COMPARED]).text for n in networks]
    return cdist(
        texts, texts, scorer=Levenshtein.normalized_distance, dtype=np.float32, workers=1
    )


def token_parts(vocabulary: Vocabulary) -> tuple[tuple[int, ...], ...]:
    """What each token is made of, numbered: words share operators and attributes, operands
    the ways they are named. The last number is of what has no parts."""
    known: dict[str, int] = {}
    parts = [
        tuple(known.setdefault(name, len(known)) for name in _names(field, token, vocabulary))
        for field in Field
        for token in range(vocabulary.sizes[field])
    ]
    return tuple(found or (len(known),) for found in parts)


def _names(field: Field, token: int, vocabulary: Vocabulary) -> list[str]:
    if field in DIRECT and token != ESCAPE:
        sixteens, ones = divmod(token - 1, 16)
        return [f"{field.name} {sixteens} * 16", f"{field.name} + {ones}"]
    first = vocabulary.sizes[field] - len(vocabulary.entries.get(field, ()))
    if token < first or field not in vocabulary.entries:
        return []
    entry = vocabulary.at(field, token)
    if isinstance(entry, Word):
        return [entry.operator, *(f"{name}={value!r}" for name, value in entry.attributes)]
    if field is Field.OPERATOR:
        return [entry]
    if field is Field.OPERANDS:
        return [repr(symbol) for symbol in entry]
    return []


def _autocast(device: str, precision: str) -> Any:
    """Products in bfloat16, where they are asked for or, by "auto", the device has them."""
    if precision == "auto":
        precision = "bfloat16" if computes_bfloat16(device) else "float32"
    if precision == "float32":
        return nullcontext()
    return torch.autocast(device, dtype=torch.bfloat16)


def computes_bfloat16(device: str) -> bool:
    """Whether a kind of device computes in bfloat16 rather than emulating it."""
    if device == "cuda":
        return torch.cuda.is_bf16_supported(including_emulation=False)
    if device == "cpu":
        return torch.cpu.get_capabilities().get("avx512_bf16", False) or bool(
            torch.cpu.get_capabilities().get("amx_bf16", False)
        )
    return False


def _tokens(example: Example) -> int:
    return max(len(example.exact), len(example.design))


def padded(rows: Sequence[np.ndarray], longest: int) -> Tensor:
    """Rows of token numbers -> (n, longest), PAD behind the end of each."""
    found = torch.full((len(rows), longest), PAD, dtype=torch.long)
    for place, row in enumerate(rows):
        found[place, : len(row)] = torch.from_numpy(row.astype(np.int64))
    return found


def _trimmed(tokens: Tensor) -> Tensor:
    longest = int((tokens != PAD).sum(1).max())
    return tokens[:, :longest]

"""Vectors -> programs, many at once, step by step; and how likely a given program is.

The arithmetic is float64 on the processor, so that what one machine encodes another decodes:
probabilities are rounded, and only the rounding of float64 is left to differ.
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from pipeline.compress.grammar import Field, Reading, read_lines
from pipeline.compress.transformer import PAD, Cache, ProgramTransformer
from pipeline.compress.vocabulary import Vocabulary
from pipeline.program.instruction import Line

Choose = Callable[[int, np.ndarray], int]  # row, logits of one kind -> the class
Most = int | Sequence[int]  # tokens of every program, or of each
MOST_TOKENS = 3072  # of a program that is written from a vector
POSITIONS_AT_ONCE = 2048


def likeliest(_: int, logits: np.ndarray) -> int:
    """The class that a decoder thinks most likely."""
    return int(logits.argmax())


@dataclass
class _Row:
    """A program that is being written."""

    index: int
    reading: Reading
    wanted: Field
    lines: list[Line] | None = None


class Writer:
    """A decoder in float64, and the vocabulary in whose tokens it writes."""

    def __init__(self, model: ProgramTransformer, vocabulary: Vocabulary) -> None:
        self.model = copy.deepcopy(model).double().eval()
        self.vocabulary = vocabulary
        with torch.no_grad():
            self.table = self.model.table()

    @torch.inference_mode()
    def write(
        self, vectors: np.ndarray, choose: Choose = likeliest, most: Most = MOST_TOKENS
    ) -> list[list[Line] | None]:
        """(n, latent) -> the lines that ``choose`` says, for each; None where no Output has
        come after ``most`` tokens (of all, or of each)."""
        limits = [most] * len(vectors) if isinstance(most, int) else list(most)
        z = torch.from_numpy(np.asarray(vectors, np.float64))
        rows = [self._begin(index) for index in range(len(z))]
        written: list[list[Line] | None] = [None] * len(rows)
        caches = [Cache() for _ in self.model.decoder]
        previous = torch.full((len(rows), 1), PAD)
        for step in range(max(limits, default=0)):
            if not rows:
                break
            kinds = torch.tensor([[row.wanted] for row in rows])
            states = self.model.states(z, previous, kinds, self.table, caches, step)[:, 0]
            tokens = self._step(rows, states, choose)
            for row in rows:
                if row.lines is not None:
                    written[row.index] = row.lines
            going = [row.lines is None and step + 1 < limits[row.index] for row in rows]
            left = torch.tensor([i for i, on in enumerate(going) if on], dtype=torch.long)
            if len(left) < len(rows):
                rows = [row for row, on in zip(rows, going, strict=True) if on]
                z = z[left]
                for cache in caches:
                    cache.keep(left)
            previous = torch.tensor(tokens)[left, None] if rows else previous
        return written

    def _begin(self, index: int) -> _Row:
        reading = read_lines(self.vocabulary)
        return _Row(index, reading, next(reading))

    def _step(self, rows: Sequence[_Row], states: Tensor, choose: Choose) -> list[int]:
        """One token more in every row -> their numbers through all kinds."""
        tokens = [0] * len(rows)
        wanted = [row.wanted for row in rows]  # before any row goes on to its next token
        for kind in set(wanted):
            places = [i for i, known in enumerate(wanted) if known == kind]
            logits = self.model.logits(states[places], kind, self.table).numpy()
            for place, known in zip(places, logits, strict=True):
                row = rows[place]
                token = choose(row.index, known)
                tokens[place] = self.vocabulary.offsets[kind] + token
                try:
                    row.wanted = row.reading.send(token)
                except StopIteration as end:
                    row.lines = end.value
        return tokens

    @torch.inference_mode()
    def score(self, vector: np.ndarray, tokens: Sequence[int]) -> list[np.ndarray]:
        """A vector (latent,) and a program's token numbers -> the logits of every token's
        kind, given the vector and all tokens before it."""
        z = torch.from_numpy(np.asarray(vector, np.float64))[None]
        numbers = torch.tensor(tokens)[None]
        kinds = self.model.kinds[numbers]
        previous = torch.cat([torch.full((1, 1), PAD), numbers[:, :-1]], 1)
        caches = [Cache() for _ in self.model.decoder]
        states = self.model.states(z, previous, kinds, self.table, caches)[0]
        found: list[np.ndarray] = [np.empty(0)] * len(tokens)
        for kind in kinds[0].unique().tolist():
            places = torch.nonzero(kinds[0] == kind).flatten()
            for part in places.split(POSITIONS_AT_ONCE):
                logits = self.model.logits(states[part], kind, self.table).numpy()
                for place, known in zip(part.tolist(), logits, strict=True):
                    found[place] = known
        return found

    def classes(self, tokens: Sequence[int]) -> list[int]:
        """Token numbers -> the class of each within its kind."""
        numbers = torch.tensor(tokens)
        return (numbers - self.model.offsets[self.model.kinds[numbers]]).tolist()

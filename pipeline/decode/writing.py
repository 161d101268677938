"""Vectors -> programs, many at once, step by step; and how likely a given program is.

The arithmetic is float64 on the processor, so that what one machine encodes another decodes:
probabilities are rounded, and only the rounding of float64 is left to differ.
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Sequence
from random import Random

import numpy as np
import torch
from torch import Tensor

from pipeline.compress.copies import POINTING, Copies, follow_all
from pipeline.compress.grammar import read_lines
from pipeline.compress.tokens import Field
from pipeline.compress.transformer import PAD, Cache, ProgramTransformer
from pipeline.compress.vocabulary import Vocabulary
from pipeline.decode.entropy import probabilities
from pipeline.decode.prefix import Prefix
from pipeline.program.instruction import Line

Choose = Callable[[int, np.ndarray], int]  # row, logits of one kind -> the class
Most = int | Sequence[int]  # tokens of every program, or of each
MOST_TOKENS = 3072  # of a program that is written from a vector
WARMER = 8  # lines drawn until what is drawn from is as even as logits halved
MOST_DRAWN = 32  # lines drawn at random where those that were chosen do not fit
POSITIONS_AT_ONCE = 1024


def likeliest(_: int, logits: np.ndarray) -> int:
    """The class that a decoder thinks most likely."""
    return int(logits.argmax())


class _Row:
    """A program that is being written.

    ``patience``: how many lines of the chooser's may fit no network before lines are drawn at
    random; None where whatever it says is written. Where none of those fits either, the rest
    is written as it comes, and repair's to mend.
    """

    def __init__(self, index: int, vocabulary: Vocabulary, patience: int | None) -> None:
        self.index, self._vocabulary, self._patience = index, vocabulary, patience
        self.tokens: list[int] = []
        self.copies = Copies()
        self.done = False
        self.refused = 0  # lines, of all
        self._lines: list[Line] = []
        self._prefix = None if patience is None else Prefix()
        self._tried = 0  # lines at this place
        self._random = Random(0)
        self._begin_line()

    @property
    def lines(self) -> list[Line]:
        return self._lines

    def _begin_line(self) -> None:
        self._from = len(self.tokens), len(self.copies.said)
        self._reading = read_lines(self._vocabulary, self._lines)
        self.wanted: Field = next(self._reading)

    def choose(self, logits: np.ndarray, choose: Choose) -> int:
        """The class of the next token: the chooser's, or drawn at random."""
        if self._patience is None or self._tried < self._patience:
            return choose(self.index, logits)
        warmth = 1 + (self._tried - self._patience) / WARMER
        chances = probabilities(logits / warmth)
        drawn = np.searchsorted(chances.cumsum(), self._random.random())
        return min(int(drawn), len(chances) - 1)

    def take(self, token: int) -> None:
        """One token more, a class of the kind that is wanted."""
        self.copies.follow(len(self.tokens), self.wanted, token)
        self.tokens.append(self._vocabulary.offsets[self.wanted] + token)
        known = len(self._lines)
        try:
            self.wanted = self._reading.send(token)
        except StopIteration:
            self.done = True
        if len(self._lines) > known and self._prefix is not None:
            self._weigh(self._prefix)

    def _weigh(self, prefix: Prefix) -> None:
        """A line is there: if it fits it stays, else it is as if it had never been."""
        longer = prefix.after(self._lines[-1])
        if longer is not None:
            self._prefix, self._tried = longer, 0
            self._from = len(self.tokens), len(self.copies.said)
        elif self._tried == (self._patience or 0) + MOST_DRAWN:
            self._prefix = self._patience = None
        else:
            self._tried, self.refused, self.done = self._tried + 1, self.refused + 1, False
            self._lines.pop()
            del self.tokens[self._from[0] :], self.copies.said[self._from[1] :]
            self._begin_line()


class Writer:
    """A decoder in float64, and the vocabulary in whose tokens it writes."""

    def __init__(self, model: ProgramTransformer, vocabulary: Vocabulary) -> None:
        self.model = copy.deepcopy(model).double().eval()
        self.vocabulary = vocabulary
        with torch.no_grad():
            self.table = self.model.table()

    @torch.inference_mode()
    def write(
        self, vectors: np.ndarray, choose: Choose = likeliest, most: Most = MOST_TOKENS,
        patience: int | None = None,
    ) -> list[list[Line] | None]:  # fmt: skip
        """(n, latent) -> the lines that ``choose`` says, for each; None where no Output has
        come after ``most`` tokens (of all, or of each). With ``patience`` each line fits those
        before it, as long as there is one that does: see :class:`Prefix`."""
        limits = [most] * len(vectors) if isinstance(most, int) else list(most)
        z = torch.from_numpy(np.asarray(vectors, np.float64))
        rows = [_Row(index, self.vocabulary, patience) for index in range(len(z))]
        written: list[list[Line] | None] = [None] * len(rows)
        caches = [(Cache(), Cache()) for _ in self.model.decoder]
        keys = Cache()
        while rows:
            at = torch.tensor([len(row.tokens) for row in rows])
            kinds = torch.tensor([[row.wanted] for row in rows])
            previous = torch.tensor([[row.tokens[-1] if row.tokens else PAD] for row in rows])
            states = self.model.states(z, previous, kinds, self.table, caches, at)
            known = keys.put(self.model.key(states), at)
            self._step(rows, states[:, 0], known, choose)
            for row in rows:
                if row.done:
                    written[row.index] = row.lines
            going = [not r.done and len(r.tokens) < limits[r.index] for r in rows]
            left = torch.tensor([i for i, on in enumerate(going) if on], dtype=torch.long)
            if len(left) < len(rows):
                rows, z = [rows[i] for i in left], z[left]
                for cache in (keys, *(c for pair in caches for c in pair)):
                    cache.keep(left)
        return written

    def _step(
        self, rows: Sequence[_Row], states: Tensor, keys: Tensor, choose: Choose
    ) -> None:
        """One token more in every row."""
        wanted = [row.wanted for row in rows]  # before any row goes on to its next token
        for kind in set(wanted):
            places = [i for i, known in enumerate(wanted) if known == kind]
            logits = self.model.logits(states[places], kind, self.table)
            if kind in POINTING:
                pointed = np.stack([rows[i].copies.places(kind) for i in places])
                logits = logits + self.model.pointing(
                    states[places], kind, keys[places], torch.from_numpy(pointed)
                )
            for place, known in zip(places, logits.numpy(), strict=True):
                rows[place].take(rows[place].choose(known, choose))

    @torch.inference_mode()
    def score(self, vector: np.ndarray, tokens: Sequence[int]) -> list[np.ndarray]:
        """A vector (latent,) and a program's token numbers -> the logits of every token's
        kind, given the vector and all tokens before it."""
        z = torch.from_numpy(np.asarray(vector, np.float64))[None]
        numbers = torch.tensor(tokens)[None]
        kinds, classes = self.model.classes(numbers)
        previous = torch.cat([torch.full((1, 1), PAD), numbers[:, :-1]], 1)
        states = self.model.states(z, previous, kinds, self.table)
        pointers, _ = follow_all(kinds, classes)
        keys, states = self.model.key(states), states[0]
        found: list[np.ndarray] = [np.empty(0)] * len(tokens)
        for kind in kinds[0].unique().tolist():
            places = torch.nonzero(kinds[0] == kind).flatten()
            targets = pointers[kind].places if kind in pointers else places
            for part, of in zip(
                places.split(POSITIONS_AT_ONCE), targets.split(POSITIONS_AT_ONCE), strict=True
            ):
                logits = self.model.logits(states[part], kind, self.table)
                if kind in pointers:
                    logits = logits + self.model.pointing(
                        states[part], kind, keys.expand(len(part), -1, -1), of
                    )
                for place, known in zip(part.tolist(), logits.numpy(), strict=True):
                    found[place] = known
        return found

    def classes(self, tokens: Sequence[int]) -> list[int]:
        """Token numbers -> the class of each within its kind."""
        return self.model.classes(torch.tensor(tokens))[1].tolist()

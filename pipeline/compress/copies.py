"""What the repeats of a program point at: the tokens that its instructions were said with.

A repeat says how far back to begin and where to stop. Both are places in the program as it
runs, while a model sees tokens; here is which token stands for which place, so that a model
can point at what it means instead of counting instructions.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from pipeline.compress.tokens import (
    BASE,
    DIRECT,
    END_NUMBER,
    ESCAPE,
    LONGEST_NUMBER,
    REPEAT,
    Field,
)
from pipeline.program.repeats import LARGEST

POINTING = (Field.LENGTH, Field.REST)  # kinds whose classes are places
NOWHERE = -1  # what a class points at that points at nothing
_NUMBERS = (Field.LENGTH, Field.TIMES, Field.REST)


class Copies:
    """Follows the tokens of one program. ``said``: of every instruction said so far, repeats
    included, the place of the token that stands for it."""

    def __init__(self) -> None:
        self.said: list[int] = []
        self._repeat: list[int] = []  # the numbers of the repeat that is being read
        self._digits: list[int] | None = None  # of a number that is spelled out

    def follow(self, place: int, field: Field, token: int) -> None:
        """The token at a place: a class of a kind."""
        if field is Field.WORD:
            self._repeat = []
            if token != REPEAT:
                self.said.append(place)
        elif field in _NUMBERS:
            if token == ESCAPE:
                self._digits = []
            else:
                self._number(token - 1)
        elif field is Field.DIGIT and self._digits is not None:
            if token != END_NUMBER and len(self._digits) < LONGEST_NUMBER:
                self._digits.append(token)
                return
            number = 0
            for digit in self._digits:  # a sign changes nothing
                number = number * BASE + digit if digit < BASE else number
            self._digits = None
            self._number(number % 2**31)

    def _number(self, number: int) -> None:
        self._repeat.append(number)
        if len(self._repeat) == len(_NUMBERS):
            length, times, rest = self._repeat
            body = self.said[-length:] if length else []
            times = min(times, (LARGEST - len(self.said)) // max(len(body), 1))
            self.said += body * max(times, 0) + body[:rest]

    def places(self, field: Field) -> np.ndarray:
        """(classes of a pointing kind,): the token that each class points at, NOWHERE for one
        that points at none: for ``LENGTH`` where the copy begins, for ``REST`` where it
        stops."""
        found = np.full(DIRECT[field] + 1, NOWHERE)
        if field is Field.LENGTH:
            there = self.said[: -DIRECT[field] : -1]  # from the last one back
            found[2 : 2 + len(there)] = there
        else:
            length = min(self._repeat[0], len(self.said))
            first = len(self.said) - length
            there = self.said[first : first + min(length, DIRECT[field])]
            found[1 : 1 + len(there)] = there
        return found


@dataclass(frozen=True)
class Pointers:
    """The tokens of a pointing kind in a batch of programs: the row and the step of each,
    (n,), and what its classes point at, (n, classes)."""

    rows: Tensor
    steps: Tensor
    places: Tensor


def follow_all(fields: Tensor, tokens: Tensor) -> tuple[dict[int, Pointers], Tensor]:
    """The kinds and classes of the tokens of programs, (batch, steps), a negative kind behind
    the end -> the tokens of each pointing kind, and how often what each token stands for is
    said, (batch, steps) float32."""
    found: dict[Field, list[tuple[int, int, np.ndarray]]] = {f: [] for f in POINTING}
    said = np.zeros(tokens.shape, np.float32)
    for row, (kinds, classes) in enumerate(zip(fields.tolist(), tokens.tolist(), strict=True)):
        copies = Copies()
        for step, (kind, token) in enumerate(zip(kinds, classes, strict=True)):
            if kind < 0:
                break
            field = Field(kind)
            if field in found:
                found[field].append((row, step, copies.places(field)))
            copies.follow(step, field, token)
        if copies.said:
            said[row] = np.bincount(copies.said, minlength=said.shape[1])
    device = tokens.device
    pointers = {
        int(field): Pointers(
            torch.tensor([row for row, _, _ in told], device=device),
            torch.tensor([step for _, step, _ in told], device=device),
            torch.from_numpy(np.stack([places for _, _, places in told])).to(device),
        )
        for field, told in found.items()
        if told
    }
    return pointers, torch.from_numpy(said).to(device)

"""Tokens <-> bits, under probabilities that a model gives token by token.

A range coder (Martin 1979; constriction's) with probabilities from logits that are rounded, so
that writer and reader agree where their arithmetic differs in the last digits.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import constriction
import numpy as np
from scipy.special import log_softmax

STEP = 1 / 32  # nats that logits are rounded to
WORD = 32  # bits of the coder's words
LEAST = 1e-7  # no class is less likely: what a slip costs is bounded


def probabilities(logits: np.ndarray) -> np.ndarray:
    """(n,) float64 logits -> (n,) probabilities, the same for logits that differ by 1e-12."""
    rounded = np.round(np.asarray(logits, np.float64) / STEP) * STEP
    found = np.exp(log_softmax(rounded)) + LEAST
    return found / found.sum()


def to_bits(tokens: Sequence[int], chances: Sequence[np.ndarray]) -> np.ndarray:
    """Tokens and the probabilities of all that could stand at their places -> the fewest bits,
    (n,) bool, that :class:`BitReader` reads back when all bits after them are 0."""
    encoder = constriction.stream.queue.RangeEncoder()
    for token, known in zip(tokens, chances, strict=True):
        encoder.encode(token, _model(known))
    words = encoder.get_compressed()
    bits = np.unpackbits(words.astype(">u4").view(np.uint8)).astype(bool)
    return min(_shortened(bits, tokens, chances), key=len)


def _shortened(
    bits: np.ndarray, tokens: Sequence[int], chances: Sequence[np.ndarray]
) -> Iterator[np.ndarray]:
    """The fewest first bits that still say the tokens, as they stand and rounded up: the coder
    names a number in an interval, and any other in it will do."""
    for cut in (lambda n: bits[:n], lambda n: _rounded_up(bits[:n])):
        least, most = 0, len(bits)
        while least < most:
            middle = (least + most) // 2
            if _reads(cut(middle), tokens, chances):
                most = middle
            else:
                least = middle + 1
        if most < len(bits):
            yield cut(most)
    yield bits


def _rounded_up(bits: np.ndarray) -> np.ndarray:
    number = int("0" + "".join("01"[int(b)] for b in bits), 2) + 1
    text = f"{number:0{len(bits)}b}"
    overflowed = len(text) > len(bits)  # 1 is no number below 1: it says nothing
    return bits if overflowed else np.array([c == "1" for c in text], bool)


class BitReader:
    """Bits -> token after token; all bits after those given are 0."""

    def __init__(self, bits: np.ndarray) -> None:
        padded = np.zeros(-(-len(bits) // WORD) * WORD, bool)
        padded[: len(bits)] = bits
        words = np.packbits(padded).view(">u4").astype(np.uint32)
        # The coder reads two words ahead, and must find zeros there.
        words = np.concatenate([words, np.zeros(4, np.uint32)])
        self._decoder = constriction.stream.queue.RangeDecoder(words)
        self._lost = False

    def read(self, chances: np.ndarray) -> int:
        """The next token, given the probabilities of all that could stand here; the likeliest
        from where bits that nobody wrote mean nothing."""
        if not self._lost:
            try:
                return int(self._decoder.decode(_model(chances)))
            except AssertionError:  # the coder's word for bits that it cannot have written
                self._lost = True
        return int(chances.argmax())


def cost(tokens: Sequence[int], chances: Sequence[np.ndarray]) -> float:
    """Bits that the tokens need by their probabilities, without rounding to whole ones."""
    return float(-sum(np.log2(c[t]) for t, c in zip(tokens, chances, strict=True)))


def _model(chances: np.ndarray) -> constriction.stream.model.Categorical:
    return constriction.stream.model.Categorical(chances, perfect=False)


def _reads(bits: np.ndarray, tokens: Sequence[int], chances: Sequence[np.ndarray]) -> bool:
    reader = BitReader(bits)
    return all(reader.read(c) == token for token, c in zip(tokens, chances, strict=True))

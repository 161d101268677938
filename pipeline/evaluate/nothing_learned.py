"""What trivial methods reach by the same measures: the rows that keep a codec's honest.

A vector of quantiles holds any bits. So a program's tokens under counts of training programs
(a zero-order model), or its text under a compressor, fit in a vector as well, with nothing
learned; what such vectors are not is near where networks are alike.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from math import log2
from typing import Any

import numpy as np

from pipeline.compress.grammar import write_lines
from pipeline.compress.tokens import Token
from pipeline.compress.vocabulary import Vocabulary
from pipeline.decode.quantiles import capacity
from pipeline.evaluate.intervals import share
from pipeline.graph.network import Network
from pipeline.program.instruction import Line

PLACE_VALUE_BITS = 153  # a vertex: its fields, packed (49 + 7.6 + 96)


class ZeroOrder:
    """How likely each class of a token's kind is, whatever came before it: as often as it
    stands in some programs, and ``given`` times more."""

    def __init__(
        self, programs: Iterable[Sequence[Line]], vocabulary: Vocabulary, given: float = 1
    ) -> None:
        self._vocabulary, self._given = vocabulary, given
        self._counts = Counter(t for p in programs for t in write_lines(p, vocabulary))
        self._totals = {f: given * size for f, size in vocabulary.sizes.items()}
        for (field, _), count in self._counts.items():
            self._totals[field] += count

    def bits(self, lines: Sequence[Line]) -> float:
        """Bits of a program, its escapes counted."""
        return sum(map(self._bits, write_lines(lines, self._vocabulary)))

    def _bits(self, token: Token) -> float:
        return log2(self._totals[token[0]] / (self._counts[token] + self._given))


def measure_nothing_learned(
    networks: Sequence[Network],
    training: Sequence[Network],
    vocabulary: Vocabulary,
    width: int,
) -> dict[str, Any]:
    """Bits and exactness of the trivial methods in a vector of ``width`` float16 numbers."""
    vertices = np.array([len(network) for network in networks])
    model = ZeroOrder((network.program.lines for network in training), vocabulary)
    rows = {
        "fields and place value": vertices * PLACE_VALUE_BITS,
        "program, zero-order counts": np.array(
            [model.bits(n.program.lines) for n in networks]
        ),
    }
    return {
        "nothing_learned": {
            name: {
                "exact": share(bits <= capacity(width)),
                "bits_median": float(np.median(bits)),
                "bits_p95": float(np.percentile(bits, 95)),
                "bits_per_vertex": float(bits.sum() / vertices.sum()),
                "bits_per_vertex_median": float(np.median(bits / vertices)),
            }
            for name, bits in rows.items()
        }
    }

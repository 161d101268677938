"""What trivial methods reach by the same measures: the rows that keep a codec's honest.

A vector of quantiles holds any bits. So a program's tokens under counts of training programs
(a zero-order model), or its text under a compressor, fit in a vector as well, with nothing
learned; what such vectors are not is near where networks are alike.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Any

import numpy as np

from pipeline.compress.grammar import Field, write_lines
from pipeline.compress.vocabulary import Vocabulary
from pipeline.decode.quantiles import capacity
from pipeline.evaluate.intervals import share
from pipeline.graph.network import Network
from pipeline.program.program import Program

PLACE_VALUE_BITS = 153  # a vertex: its fields, packed (49 + 7.6 + 96)


def zero_order_bits(
    networks: Sequence[Network], training: Sequence[Network], vocabulary: Vocabulary
) -> np.ndarray:
    """(n,) bits of the networks' programs, each token by its share of its kind in training."""
    counts: dict[Field, Counter[int]] = {field: Counter() for field in Field}
    for network in training:
        for field, token in write_lines(Program.of(network).lines, vocabulary):
            counts[field][token] += 1
    totals = {f: sum(c.values()) + vocabulary.sizes[f] for f, c in counts.items()}
    return np.array(
        [
            -sum(
                np.log2((counts[field][token] + 1) / totals[field])
                for field, token in write_lines(Program.of(network).lines, vocabulary)
            )
            for network in networks
        ]
    )


def measure_nothing_learned(
    networks: Sequence[Network],
    training: Sequence[Network],
    vocabulary: Vocabulary,
    width: int,
) -> dict[str, Any]:
    """Bits and exactness of the trivial methods in a vector of ``width`` float16 numbers."""
    vertices = np.array([len(network) for network in networks])
    rows = {
        "fields and place value": vertices * PLACE_VALUE_BITS,
        "program, zero-order counts": zero_order_bits(networks, training, vocabulary),
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

"""The fingerprint: a hash of the canonical form, linear in the size of the graph.

Equal fingerprints mean the same architecture, operand order included. Names, weights, file
layout and opset spelling are not part of a :class:`~pipeline.graph.network.Network`, so they
cannot play a part. A Weisfeiler-Lehman hash is neither order-aware nor complete; the canonical
order (see :mod:`pipeline.graph.canonical`) is both, because operands are ordered.
"""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pipeline.graph.network import Network, Vertex

FORMAT = b"nn2vec network 1\n"


def fingerprint(network: Network) -> str:
    """128-bit BLAKE2b digest of the canonical form, as 32 hexadecimal digits."""
    digest = hashlib.blake2b(FORMAT, digest_size=16)
    for vertex in network.vertices:
        digest.update(canonical_form(vertex))
    return digest.hexdigest()


def canonical_form(vertex: Vertex) -> bytes:
    """One vertex as bytes. ``repr`` tells 1 from 1.0 from "1" and restores floats exactly."""
    operands = [(o.source, o.output, o.position) for o in vertex.operands]
    return f"{vertex.operator!r} {vertex.attributes!r} {operands!r}\n".encode()

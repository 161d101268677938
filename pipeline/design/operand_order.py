"""Operands whose order plays no part stand in one order: the longer way from the input first.

Reason: ``x + branch`` and ``branch + x`` are one sum. With the longer way first a residual
block reads the same in every stage; ways of one length are ordered by what they hold.
Requires: nothing. Ensures: of two networks that differ in such orders only, one result, unless
two operands hold the same all the way from the input (then each keeps its place).
"""

from __future__ import annotations

import hashlib

from pipeline.graph.canonical import canonicalise
from pipeline.graph.network import Network, Operand, Vertex

COMMUTATIVE = frozenset({"Add", "Mul", "Max", "Min", "Mean", "Sum"})


def order_operands(network: Network) -> Network:
    """The network with commutative operands in order."""
    depths: list[int] = []
    digests: list[bytes] = []
    vertices: list[Vertex] = []

    def place(operand: Operand) -> tuple[int, str, bytes, int]:
        source = network.vertices[operand.source]
        spelled = f"{source.operator} {source.attributes!r}"
        return -depths[operand.source], spelled, digests[operand.source], operand.output

    for vertex in network.vertices:
        operands = vertex.operands
        if vertex.operator in COMMUTATIVE and len(operands) > 1:
            positions = [o.position for o in operands]
            ordered = sorted(operands, key=place)
            operands = tuple(
                Operand(o.source, o.output, position)
                for o, position in zip(ordered, positions, strict=True)
            )
        depths.append(1 + max((depths[o.source] for o in operands), default=-1))
        digest = hashlib.blake2b(
            f"{vertex.operator} {vertex.attributes!r}".encode(), digest_size=16
        )
        for o in operands:
            digest.update(digests[o.source] + f"{o.output} {o.position}".encode())
        digests.append(digest.digest())
        vertices.append(Vertex(vertex.operator, vertex.attributes, operands))
    return canonicalise(vertices, len(vertices) - 1)[0]

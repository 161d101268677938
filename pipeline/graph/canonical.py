"""The canonical order of a graph, and with it the way to build a Network.

Depth-first from the sink, following operands in their order, each vertex numbered once all its
operands are (post-order). Operands are ordered, so nothing is left to choose: two graphs get
the same order exactly when they are the same. Linear in vertices and edges, no recursion.
"""

from __future__ import annotations

from collections.abc import Sequence

from pipeline.errors import InvalidNetwork
from pipeline.graph.network import INPUT, Network, Operand, Vertex

DEPTH_FIRST, DONE = 1, 2


def canonicalise(vertices: Sequence[Vertex], sink: int) -> tuple[Network, list[int]]:
    """Vertices in any order, operands naming their indices -> Network, and the old index of
    each of its vertices. Vertices that do not reach the sink are dropped.

    Raises InvalidNetwork for a cycle, and for a graph without exactly one source.
    """
    order = canonical_order([[o.source for o in v.operands] for v in vertices], sink)
    place = {old: new for new, old in enumerate(order)}
    sources = [old for old in order if not vertices[old].operands]
    if len(sources) != 1 or vertices[sources[0]].operator != INPUT:
        raise InvalidNetwork(
            "several_sources", f"a network has one source, this graph has {len(sources)}"
        )
    renumbered = (_renumber(vertices[old], place) for old in order)
    return Network(tuple(renumbered)), order


def canonical_order(operands: Sequence[Sequence[int]], sink: int) -> list[int]:
    """Indices of the vertices that reach ``sink``, operands first. Raises on a cycle."""
    state = bytearray(len(operands))
    order: list[int] = []
    stack = [(sink, iter(operands[sink]))]
    state[sink] = DEPTH_FIRST
    while stack:
        vertex, remaining = stack[-1]
        for operand in remaining:
            if state[operand] == DEPTH_FIRST:
                raise InvalidNetwork("cycle", f"vertex {operand} depends on itself")
            if not state[operand]:
                state[operand] = DEPTH_FIRST
                stack.append((operand, iter(operands[operand])))
                break
        else:
            state[vertex] = DONE
            order.append(vertex)
            stack.pop()
    return order


def _renumber(vertex: Vertex, place: dict[int, int]) -> Vertex:
    operands = tuple(Operand(place[o.source], o.output, o.position) for o in vertex.operands)
    return Vertex(vertex.operator, tuple(sorted(vertex.attributes)), operands)

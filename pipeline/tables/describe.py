"""One network and what is known about it -> its row in the table networks."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Any

from pipeline.graph.network import Network, Shape


def network_facts(
    network: Network,
    shapes: Sequence[Shape],
    *,
    name: str,
    family: str,
    parameters: int,
    paper_operators_only: bool,
) -> dict[str, Any]:
    """The row of ``networks``. ``shapes``: of each vertex's first output, in vertex order."""
    out_degrees = Counter(edge.source for edge in network.edges)
    depths: list[int] = []
    for vertex in network.vertices:
        depths.append(max((depths[o.source] + 1 for o in vertex.operands), default=0))
    return {
        "fingerprint": network.fingerprint,
        "name": name,
        "family": family,
        "vertices": len(network),
        "edges": out_degrees.total(),
        "max_out_degree": max(out_degrees.values()),
        "max_in_degree": max(len(vertex.operands) for vertex in network.vertices),
        "depth": depths[-1],
        "parameters": parameters,
        "input_shape": list(shapes[0]),
        "output_shape": list(shapes[-1]),
        "paper_operators_only": paper_operators_only,
    }

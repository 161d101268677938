"""Where one tensor carries a network: the natural ends of its blocks."""

from __future__ import annotations

from pipeline.graph.network import Network


def cut_points(network: Network) -> list[int]:
    """The vertices that all that comes later hangs on alone, the Input among them."""
    points = []
    earliest = len(network)
    for index in range(len(network) - 1, 0, -1):
        earliest = min([earliest, *(o.source for o in network.vertices[index].operands)])
        if earliest >= index - 1:
            points.append(index - 1)
    return points[::-1]

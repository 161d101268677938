"""NAS-Bench-201: cells of four nodes and six edges, each edge one of five operators.

Source: https://arxiv.org/abs/2001.00326. An edge "none" is no edge; a node that nothing
reaches, or that reaches nothing, is left out.
"""

from __future__ import annotations

import re

from pipeline.errors import ModelError

SCHEME = "nasbench201://"
EDGES = ((0, 1), (0, 2), (1, 2), (0, 3), (1, 3), (2, 3))  # node 0 is the input, 3 the output
OPERATORS = ("none", "skip_connect", "nor_conv_1x1", "nor_conv_3x3", "avg_pool_3x3")
CELLS = len(OPERATORS) ** len(EDGES)

Cell = dict[tuple[int, int], str]


def cell_of(number: int) -> Cell:
    """Cell ``number`` of the 15,625: its edges that matter and their operators."""
    digits = [number // len(OPERATORS) ** i % len(OPERATORS) for i in range(len(EDGES))]
    edges = {
        edge: OPERATORS[digit] for edge, digit in zip(EDGES, digits, strict=True) if digit
    }
    forward, backward = {0}, {3}
    for source, target in EDGES:
        if (source, target) in edges and source in forward:
            forward.add(target)
    for source, target in reversed(EDGES):
        if (source, target) in edges and target in backward:
            backward.add(source)
    return {(a, b): op for (a, b), op in edges.items() if a in forward and b in backward}


def number_of(spelling: str) -> int:
    """``"|skip_connect~0|+|none~0|none~1|+|..."``, the benchmark's spelling -> the number.

    Raises ModelError ``malformed`` for anything else.
    """
    nodes = [re.findall(r"(\w+)~(\d)\|", node) for node in spelling.split("+")]
    edges = {(int(a), b): op for b, node in enumerate(nodes, 1) for op, a in node}
    if set(edges) != set(EDGES) or not set(edges.values()) <= set(OPERATORS):
        raise ModelError("malformed", f"not a cell of NAS-Bench-201: {spelling[:100]!r}")
    return sum(OPERATORS.index(edges[edge]) * 5**i for i, edge in enumerate(EDGES))


def address_of(number: int, cells: int = 5, channels: int = 16) -> str:
    """Where the harvest has the network of a cell, ``cells`` a stage, ``channels`` at first;
    the defaults are the benchmark's own."""
    return f"{SCHEME}n{cells}c{channels}/{number:05d}"

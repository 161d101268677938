"""A Concat of Concats is one, and one that continues another starts from it.

Reason: exporters join a Concat with the one that reads it; and a dense block is written as
``cat([a, b, c])`` by one library, as ``cat([cat([a, b]), c])`` by another.
Requires: tensors at every position, none of them a weight.
Ensures: no Concat that only another of the same axis reads; no Concat that begins with all the
operands of another, which it takes whole instead.
"""

from __future__ import annotations

from typing import NamedTuple

from pipeline.design.rewriter import Rewriter, Rule, vertex_of
from pipeline.graph.canonical import canonicalise
from pipeline.graph.network import Network, Operand, Value, Vertex

ROOT = 0


def join(rewriter: Rewriter, index: int) -> bool:
    """``cat(a, cat(b, c))`` -> ``cat(a, b, c)`` where nothing else reads the inner one."""
    vertex = rewriter.vertices[index]
    if not is_of_tensors(vertex):
        return False
    joined: list[Operand] = []
    for operand in vertex.operands:
        inner = rewriter.only(operand.source, "Concat")
        is_alike = inner is not None and inner.attributes == vertex.attributes
        once = sum(o.source == operand.source for o in vertex.operands) == 1
        joined += inner.operands if inner is not None and is_alike and once else (operand,)
    if len(joined) == len(vertex.operands):
        return False
    rewriter.replace(index, vertex_of("Concat", dict(vertex.attributes), *joined))
    return True


def is_of_tensors(vertex: Vertex) -> bool:
    """Whether it is a Concat without weights or constants."""
    return vertex.operator == "Concat" and [n for n, _ in vertex.attributes] == ["axis"]


class _Step(NamedTuple):
    """One more operand of a list of operands that begins elsewhere."""

    before: int
    axis: Value
    source: int
    output: int


def share_beginnings(network: Network) -> Network:
    """``cat(a, b, c)`` -> ``cat(cat(a, b), c)`` where ``cat(a, b)`` is there already.

    Lists of operands are a tree of steps, so that all of them together take a time linear in
    the number of edges.
    """
    steps: dict[_Step, int] = {}
    ends: dict[int, int] = {}  # Concat -> the step at which its list ends
    owners: dict[int, int] = {}  # step -> the first Concat whose list ends there
    for index, vertex in enumerate(network.vertices):
        if is_of_tensors(vertex):
            path = _walk(network, vertex, steps, ends)
            ends[index] = path[-1]
            owners.setdefault(path[-1], index)
    vertices = [
        _start_from_owner(vertex, index, _walk(network, vertex, steps, ends), owners)
        if index in ends
        else vertex
        for index, vertex in enumerate(network.vertices)
    ]
    return canonicalise(vertices, len(vertices) - 1)[0]


def _walk(
    network: Network, vertex: Vertex, steps: dict[_Step, int], ends: dict[int, int]
) -> list[int]:
    """The steps of a Concat's operands; a first operand that is a Concat is its own list."""
    path: list[int] = []
    axis = vertex.get("axis")
    assert axis is not None
    for number, operand in enumerate(vertex.operands):
        before = network.vertices[operand.source]
        if not number and operand.source in ends and before.attributes == vertex.attributes:
            path.append(ends[operand.source])
            continue
        step = _Step(path[-1] if path else ROOT, axis, operand.source, operand.output)
        path.append(steps.setdefault(step, len(steps) + 1))
    return path


def _start_from_owner(
    vertex: Vertex, index: int, path: list[int], owners: dict[int, int]
) -> Vertex:
    for taken in range(len(path) - 1, 1, -1):
        owner = owners.get(path[taken - 1])
        if owner is not None and owner != index:
            rest = vertex.operands[taken:]
            return vertex_of("Concat", dict(vertex.attributes), Operand(owner), *rest)
    return vertex


RULES = (Rule("concat of concat", ("Concat",), join),)

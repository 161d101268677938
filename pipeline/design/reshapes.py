"""Flatten, Squeeze, Unsqueeze and Reshape are Reshape, to sizes that are spelled out.

Reason: what a library writes as ``flatten(1)``, ``view(n, -1)``, ``[:, :, 0, 0]`` or
``squeeze`` is the same move of no value, and exporters choose among the four freely.
Requires: a target known from the shapes. Ensures: no Flatten; Squeeze and Unsqueeze only of
the batch's own axis; a Reshape names every size but the batch's, which is 0 (as it was) or -1
(by the others); no Reshape of a Reshape.
"""

from __future__ import annotations

from pipeline.design.rewriter import Rewriter, Rule, vertex_of
from pipeline.graph.network import Operand, Shape, Vertex


def spell_out(rewriter: Rewriter, index: int) -> bool:
    """Any of the four -> Reshape with its sizes."""
    vertex = rewriter.vertices[index]
    if len(vertex.operands) != 1 or vertex.operands[0].position or not known(vertex):
        return False
    reshaped = reshape(rewriter, vertex.operands[0], rewriter.outputs[index][0].shape)
    if reshaped is None or reshaped == vertex:
        return False
    rewriter.replace(index, reshaped)
    return True


def join(rewriter: Rewriter, index: int) -> bool:
    """``reshape(reshape(x, s), t)`` -> ``reshape(x, t)``."""
    vertex = rewriter.vertices[index]
    inner = rewriter.vertices[vertex.operands[0].source]
    if inner.operator != "Reshape" or len(vertex.operands) + len(inner.operands) != 2:
        return False
    return put_reshape(rewriter, index, inner.operands[0])


def from_gather(rewriter: Rewriter, index: int) -> bool:
    """``x[[0, 1, ..., n - 1]]`` -> a Reshape, which an exporter makes of strides so."""
    vertex = rewriter.vertices[index]
    values = vertex.get("indices")
    shape = rewriter.tensor(vertex.operands[0]).shape
    if len(vertex.operands) != 1 or len(shape) != 1 or values != tuple(range(shape[0])):
        return False
    return put_reshape(rewriter, index, vertex.operands[0])


def put_reshape(rewriter: Rewriter, index: int, operand: Operand) -> bool:
    """A Reshape of the operand in a vertex's place, where one to its shape is possible."""
    reshaped = reshape(rewriter, operand, rewriter.outputs[index][0].shape)
    if reshaped is None:
        return False
    rewriter.replace(index, reshaped)
    return True


def reshape(rewriter: Rewriter, operand: Operand, shape: Shape) -> Vertex | None:
    """A Reshape of ``operand``; None to or from a scalar, which has no batch."""
    given = rewriter.tensor(operand).shape
    if not shape or not given:
        return None
    batch = 0 if shape[0] == given[0] else -1
    return vertex_of("Reshape", {"shape": (batch, *shape[1:])}, operand)


def known(vertex: Vertex) -> bool:
    """Whether it is one of the four, and lets the batch be."""
    axes = vertex.get("axes")
    if vertex.operator == "Reshape":
        return isinstance(vertex.get("shape"), tuple)
    if vertex.operator == "Flatten":
        return vertex.get("axis") != 0
    return isinstance(axes, tuple) and 0 not in axes


RULES = (
    Rule("reshape", ("Flatten", "Squeeze", "Unsqueeze", "Reshape"), spell_out),
    Rule("reshape of reshape", ("Reshape",), join),
    Rule("gather in order", ("Gather",), from_gather),
)

"""Slices that share an axis out among themselves are one Split; a Split's only part a Slice.

Reason: ``chunk`` and ``split`` leave the exporters as Split, as Slices or as both.
Requires: known bounds along one axis that is not the batch's. Ensures: no set of Slices of one
tensor that covers an axis without overlap; no Split of which one part is read.
"""

from __future__ import annotations

from typing import Any

from pipeline.design.rewriter import Rewriter, Rule, vertex_of
from pipeline.graph.network import Operand, Vertex
from pipeline.operators.layout import equal_parts


def to_split(rewriter: Rewriter, index: int) -> bool:
    """``x[:, :a]`` and ``x[:, a:]`` -> ``split(x, (a, n - a))``."""
    piece = piece_of(rewriter.vertices[index])
    source = rewriter.vertices[index].operands[0]
    if piece is None or piece[1]:
        return False  # the first piece is the one that looks for the others
    axis, size = piece[0], rewriter.tensor(source).shape[piece[0]]
    found: dict[int, tuple[int, int]] = {}
    for reader in rewriter.readers(source.source):
        vertex = rewriter.vertices[reader]
        other = piece_of(vertex)
        if other and other[0] == axis and vertex.operands[0].output == source.output:
            if other[1] in found:
                return False
            found[other[1]] = (other[2], reader)
    sizes, slices, start = [], [], 0
    while start in found:
        end, reader = found.pop(start)
        sizes.append(end - start)
        slices.append(reader)
        start = end
    if found or start != size or len(sizes) < 2:
        return False
    shapes = [rewriter.outputs[reader][0].shape for reader in slices]
    split = rewriter.insert(split_vertex(axis, tuple(sizes), size, source), *shapes)
    for slot, reader in enumerate(slices):
        rewriter.bypass(reader, Operand(split.source, slot))
    return True


def piece_of(vertex: Vertex) -> tuple[int, int, int] | None:
    """(axis, start, end) of a Slice of one axis, step by step, not of the batch."""
    if vertex.operator != "Slice" or len(vertex.operands) != 1 or vertex.get("steps") != (1,):
        return None
    bounds: Any = [vertex.get(name) for name in ("axes", "starts", "ends")]
    if not all(isinstance(bound, tuple) and len(bound) == 1 for bound in bounds):
        return None
    (axis,), (start,), (end,) = bounds
    return (axis, start, end) if axis else None


def split_vertex(axis: int, sizes: tuple[int, ...], size: int, source: Operand) -> Vertex:
    """A Split in its one spelling: equal parts by their number."""
    if sizes == equal_parts(size, len(sizes)):
        return vertex_of("Split", {"axis": axis, "num_outputs": len(sizes)}, source)
    return vertex_of("Split", {"axis": axis, "split": sizes}, source)


def to_slice(rewriter: Rewriter, index: int) -> bool:
    """A Split of which one part is read -> the Slice that makes it."""
    vertex = rewriter.vertices[index]
    slots = {
        operand.output
        for reader in rewriter.readers(index)
        for operand in rewriter.vertices[reader].operands
        if operand.source == index
    }
    axis: Any = vertex.get("axis")
    if len(slots) != 1 or len(rewriter.outputs[index]) < 2 or not axis:
        return False
    (slot,) = slots
    sizes = [tensor.shape[axis] for tensor in rewriter.outputs[index]]
    start = sum(sizes[:slot])
    values: dict[str, Any] = {"axes": (axis,), "starts": (start,), "steps": (1,)}
    values["ends"] = (start + sizes[slot],)
    shape = rewriter.outputs[index][slot].shape
    piece = rewriter.insert(vertex_of("Slice", values, vertex.operands[0]), shape)
    rewriter.bypass(index, piece)
    return True


RULES = (
    Rule("split of slices", ("Slice",), to_split),
    Rule("slice of split", ("Split",), to_slice),
)

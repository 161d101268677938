"""The rule on Resizes that ONNX Runtime would spoil.

Its optimiser moves a Transpose down through what follows, and through a Resize of named axes
wrongly: the sizes are lost (seen with 1.32). It moves none through what is spatial.
"""

from __future__ import annotations

from pipeline.decode.repair.builder import Builder, sorted_attributes
from pipeline.decode.repair.graph import INSERTED
from pipeline.graph.network import INPUT, Attributes, Operand, Vertex
from pipeline.operators.registry import operator_of


def shield_resize(builder: Builder, index: int, operand: Operand) -> Operand:
    """Rule: between a Transpose and a Resize stands a pool, of windows of 1 if there is no
    other."""
    rank = len(builder.tensor(operand).shape) - 2
    if not 1 <= rank <= 3 or not _follows_transpose(builder, operand.source):
        return operand
    source = Operand(operand.source, operand.output)
    vertex = Vertex("AveragePool", _single(rank), (source,))
    verdict = builder.call(vertex).check()
    if verdict.reason is not None:
        return operand
    builder.log("shield_resize", index, "ONNX Runtime would move a Transpose through it")
    placed = builder.append(vertex, verdict, INSERTED)
    return Operand(placed.source, 0, operand.position)


def _follows_transpose(builder: Builder, source: int) -> bool:
    waiting, seen = [source], {source}
    while waiting:
        vertex = builder.vertices[waiting.pop()]
        if vertex.operator == "Transpose":
            return True
        operator = operator_of(vertex.operator)
        if vertex.operator != INPUT and operator is not None and not operator.spatial:
            before = {o.source for o in vertex.operands} - seen
            seen |= before
            waiting += before
    return False


def _single(rank: int) -> Attributes:
    """Windows of one place."""
    return sorted_attributes({
        "kernel_shape": (1,) * rank, "strides": (1,) * rank, "dilations": (1,) * rank,
        "pads": (0,) * 2 * rank, "ceil_mode": 0, "count_include_pad": 0,
    })  # fmt: skip

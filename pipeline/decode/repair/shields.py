"""The rule on Resizes that ONNX Runtime would spoil.

Its optimiser moves a Transpose down through what follows, and through a Resize of named axes
wrongly: the sizes are lost (seen with 1.32). It moves none through a pool.
"""

from __future__ import annotations

from pipeline.decode.repair.case import sorted_attributes
from pipeline.decode.repair.graph import INSERTED
from pipeline.decode.repair.made import Made, case_of, judged
from pipeline.graph.network import Attributes, Operand, Vertex

STOPPING = frozenset({  # what no Transpose is moved through
    "Input", "Conv", "ConvTranspose", "AveragePool", "MaxPool", "GlobalAveragePool",
    "GlobalMaxPool", "Gemm",
})  # fmt: skip


def shield_resize(made: Made, index: int, operand: Operand) -> Operand:
    """Rule: between a Transpose and a Resize stands a pool, of windows of 1 if there is no
    other."""
    rank = len(made.flow(operand).shape) - 2
    if not 1 <= rank <= 3 or not _follows_transpose(made, operand.source):
        return operand
    source = Operand(operand.source, operand.output)
    vertex = Vertex("AveragePool", _single(rank), (source,))
    verdict = judged(case_of(made, vertex))
    if verdict.reason is not None:
        return operand
    made.log("shield_resize", index, "ONNX Runtime would move a Transpose through it")
    placed = made.append(vertex, verdict, INSERTED)
    return Operand(placed.source, 0, operand.position)


def _follows_transpose(made: Made, source: int) -> bool:
    waiting, seen = [source], {source}
    while waiting:
        vertex = made.vertices[waiting.pop()]
        if vertex.operator == "Transpose":
            return True
        if vertex.operator not in STOPPING:
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

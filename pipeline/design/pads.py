"""A Pad before a Conv or a pool is that one's own pads.

Reason: libraries that pad as TensorFlow does (more at the end) need a Pad of its own in torch,
none in ONNX; exporters fold it into the Conv, or do not.
Requires: a constant Pad of spatial axes by known numbers, by 0 for a Conv and for an average
that counts its pads, by -inf for a maximum, or by 0 where nothing is below 0.
Ensures: no such Pad before a Conv or a pool that can have it.
"""

from __future__ import annotations

from typing import Any

from pipeline.design.rewriter import Rewriter, Rule
from pipeline.graph.network import Operand, Vertex

LOWEST = float("-inf")
NOT_NEGATIVE = {"Relu", "Sigmoid", "HardSigmoid", "Softmax", "Abs"}


def fold(rewriter: Rewriter, index: int) -> bool:
    """``conv(pad(x))`` -> ``conv(x)`` with more pads."""
    vertex = rewriter.vertices[index]
    pad = rewriter.vertices[vertex.operands[0].source]
    if pad.operator != "Pad" or len(pad.operands) != 1 or vertex.operands[0].position:
        return False
    added = spatial_pads(pad)
    if added is None or not accepts(rewriter, vertex, pad, added):
        return False
    values: dict[str, Any] = dict(vertex.attributes)
    values["pads"] = tuple(a + b for a, b in zip(values["pads"], added, strict=True))
    if vertex.operator == "AveragePool":
        values["count_include_pad"] = 1
    source = pad.operands[0]
    operands = (Operand(source.source, source.output), *vertex.operands[1:])
    rewriter.replace(index, Vertex(vertex.operator, tuple(sorted(values.items())), operands))
    return True


def spatial_pads(pad: Vertex) -> tuple[int, ...] | None:
    """Begins, then ends, of the axes after batch and channels; None where others are padded
    too, or something is taken away, or they are not known."""
    pads = pad.get("pads")
    if not isinstance(pads, tuple) or pad.get("mode") != "constant":
        return None
    rank = len(pads) // 2
    begins, ends = pads[:rank], pads[rank:]
    if any((*begins[:2], *ends[:2])) or min(pads) < 0:  # type: ignore[operator]
        return None
    return (*begins[2:], *ends[2:])


def accepts(rewriter: Rewriter, vertex: Vertex, pad: Vertex, added: tuple[int, ...]) -> bool:
    """Whether the layer's own pads would have the value that the Pad has, and ONNX Runtime
    would take them (a pool's window must reach beyond them)."""
    value = pad.get("constant_value", 0.0)
    values: dict[str, Any] = dict(vertex.attributes)
    if vertex.operator == "Conv":
        return value == 0
    total = [a + b for a, b in zip(values["pads"], added, strict=True)]
    if max(total) >= min(values["kernel_shape"]) or values["ceil_mode"]:
        return False
    if vertex.operator == "AveragePool":
        own = any(values["pads"]) and not values["count_include_pad"]
        return value == 0 and not own
    padded = rewriter.vertices[pad.operands[0].source]
    return value == LOWEST or (value == 0 and padded.operator in NOT_NEGATIVE)


RULES = (Rule("pads", ("Conv", "MaxPool", "AveragePool"), fold),)

"""A pool says of its windows only what matters to its result.

Reason: ``ceil_mode`` is without effect where the windows fit, ``count_include_pad`` where
there are no pads; libraries set them by habit.
Requires: attributes as the reader gives them. Ensures: both are 0 where they have no effect.
"""

from __future__ import annotations

from typing import Any

from pipeline.design.rewriter import Rewriter, Rule
from pipeline.graph.network import Vertex


def forget_idle_modes(rewriter: Rewriter, index: int) -> bool:
    """The modes that change nothing -> 0."""
    vertex = rewriter.vertices[index]
    values: dict[str, Any] = dict(vertex.attributes)
    size = rewriter.tensor(vertex.operands[0]).shape[2:]
    rank = len(size)
    floored = tuple(
        (
            width + values["pads"][axis] + values["pads"][axis + rank]
            - values["dilations"][axis] * (values["kernel_shape"][axis] - 1) - 1
        ) // values["strides"][axis] + 1
        for axis, width in enumerate(size)
    )  # fmt: skip
    if floored == rewriter.outputs[index][0].shape[2:]:
        values["ceil_mode"] = 0
    if "count_include_pad" in values and not values["ceil_mode"] and not any(values["pads"]):
        values["count_include_pad"] = 0
    settled = Vertex(vertex.operator, tuple(sorted(values.items())), vertex.operands)
    if settled == vertex:
        return False
    rewriter.replace(index, settled)
    return True


RULES = (Rule("idle modes of pools", ("MaxPool", "AveragePool"), forget_idle_modes),)

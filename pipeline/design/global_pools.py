"""An average, or a maximum, over the whole map is a global pool.

Reason: ``AdaptiveAvgPool2d(1)``, ``mean((2, 3))`` and ``AvgPool2d(7)`` at 7 x 7 are the same
layer by three names, and exporters add three of their own.
Requires: a map (batch, channels, and one to three spatial axes).
Ensures: no reduction over all spatial axes by mean or maximum, no unpadded window as large as
its map: they are GlobalAveragePool and GlobalMaxPool, and a Reshape where axes go.
"""

from __future__ import annotations

from pipeline.design.reshapes import reshape
from pipeline.design.rewriter import Rewriter, Rule, vertex_of

GLOBAL = {
    "ReduceMean": "GlobalAveragePool",
    "AveragePool": "GlobalAveragePool",
    "ReduceMax": "GlobalMaxPool",
    "MaxPool": "GlobalMaxPool",
}
RANKS = (3, 4, 5)


def from_reduction(rewriter: Rewriter, index: int) -> bool:
    """``mean(x, (2, 3))`` -> ``reshape(global_average_pool(x))``."""
    vertex = rewriter.vertices[index]
    shape = rewriter.tensor(vertex.operands[0]).shape
    if len(shape) not in RANKS or vertex.get("axes") != tuple(range(2, len(shape))):
        return False
    pool = vertex_of(GLOBAL[vertex.operator], {}, vertex.operands[0])
    if vertex.get("keepdims"):
        rewriter.replace(index, pool)
        return True
    pooled = rewriter.insert(pool, (*shape[:2], *(1,) * (len(shape) - 2)))
    flattened = reshape(rewriter, pooled, rewriter.outputs[index][0].shape)
    assert flattened is not None  # both have a batch
    rewriter.replace(index, flattened)
    return True


def from_window(rewriter: Rewriter, index: int) -> bool:
    """A window as large as the map -> the global pool."""
    vertex = rewriter.vertices[index]
    shape = rewriter.tensor(vertex.operands[0]).shape
    is_whole = vertex.get("kernel_shape") == shape[2:]
    dilations = set(vertex.get("dilations") or ())  # type: ignore[arg-type]
    if not is_whole or any(vertex.get("pads") or ()) or dilations != {1}:  # type: ignore[arg-type]
        return False
    if set(rewriter.outputs[index][0].shape[2:]) != {1}:
        return False
    rewriter.replace(index, vertex_of(GLOBAL[vertex.operator], {}, vertex.operands[0]))
    return True


RULES = (
    Rule("global pool of a reduction", ("ReduceMean", "ReduceMax"), from_reduction),
    Rule("global pool of a window", ("AveragePool", "MaxPool"), from_window),
)

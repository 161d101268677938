"""How large the results of folding may be, known before anything is evaluated.

Sizes are reckoned from the shapes of the inputs, and from the few inputs that are themselves
shapes or counts. They bound what is made on the way as well, so an axis of no elements counts
as one: a tile of nothing, a billion times, is large.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
from onnx import NodeProto

LARGEST = 16_384  # elements of a result; a larger one is a weight
# Strings, and Python's own objects, grow without bound; no shape is complex.
UNFIT_KINDS = "OSUc"
BROADCASTING = frozenset(
    {
        "Add", "Sub", "Mul", "Div", "Pow", "Mod", "Max", "Min", "Equal", "Less", "LessOrEqual",
        "Greater", "GreaterOrEqual", "And", "Or", "Where", "Clip",
    }
)  # fmt: skip
Array = np.ndarray
Values = Mapping[str, Any]


def is_small(node: NodeProto, attributes: Values, inputs: Sequence[Array | None]) -> bool:
    """Whether a node's outputs, all together, are of at most LARGEST elements.

    Raises ValueError for inputs that no shape is computed from, and whatever else numpy does
    of inputs that do not fit: IndexError, TypeError, ZeroDivisionError.
    """
    given = [array for array in inputs if array is not None]
    for array in given:
        check_kind(array.dtype)
    if node.op_type in BROADCASTING:
        return broadcast_size(*(array.shape for array in given)) <= LARGEST
    reckon = SIZES.get(node.op_type)
    if reckon is not None:
        return reckon(attributes, *inputs) <= LARGEST
    if node.op_type == "Split" and attributes.get("num_outputs", len(node.output)) != len(
        node.output
    ):
        raise ValueError(f"{attributes['num_outputs']} parts for {len(node.output)} outputs")
    return max((array.size for array in given), default=0) <= LARGEST


def check_kind(dtype: np.dtype) -> None:
    """Raises ValueError for an element type that is no number of a bounded size."""
    if dtype.kind in UNFIT_KINDS:
        raise ValueError(f"elements of type {dtype}")


def broadcast_size(*shapes: Sequence[int]) -> int:
    """At most so many elements has what tensors of these shapes broadcast to."""
    rank = max(map(len, shapes), default=0)
    padded = [(1,) * (rank - len(shape)) + tuple(shape) for shape in shapes]
    return math.prod(max(1, *sizes) for sizes in zip(*padded, strict=True))


def _expanded(attributes: Values, x: Array, shape: Array) -> int:
    return broadcast_size(x.shape, shape.tolist())


def _tiled(attributes: Values, x: Array, repeats: Array) -> int:
    return broadcast_size(x.shape) * broadcast_size(repeats.tolist())


def _filled(attributes: Values, shape: Array) -> int:
    return broadcast_size(shape.tolist())


def _counted(attributes: Values, start: Array, limit: Array, delta: Array) -> float:
    steps = (limit.item() - start.item()) / delta.item()
    if math.isnan(steps):
        raise ValueError("a range of no number")
    return steps


def _gathered(attributes: Values, x: Array, indices: Array) -> int:
    axis = range(x.ndim)[attributes["axis"]]  # an IndexError beyond the last
    kept = x.shape[:axis] + x.shape[axis + 1 :]
    return max(1, indices.size) * broadcast_size(kept)


SIZES: dict[str, Callable[..., float]] = {
    "Concat": lambda attributes, *inputs: sum(array.size for array in inputs),
    "ConstantOfShape": _filled,
    "Expand": _expanded,
    "Gather": _gathered,
    "NonZero": lambda attributes, x: x.ndim * x.size,
    "Range": _counted,
    "Tile": _tiled,
}

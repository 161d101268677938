"""Slice and Pad: taking ends off axes and putting them on."""

from __future__ import annotations

import operator
from typing import Any

import numpy as np

from pipeline.errors import UnsupportedOperator
from pipeline.graph.network import Shape, Value
from pipeline.operators.axes import (
    Filled,
    from_front,
    integers,
    known_integers,
    plain,
    scalar,
)
from pipeline.operators.registry import Example, Operator, Shapes, Values, register
from pipeline.operators.windows import all_below, torch_pads

NUMPY_MODES = {"reflect": "reflect", "edge": "edge", "wrap": "wrap"}
TORCH_MODES = {"reflect": "reflect", "edge": "replicate", "wrap": "circular"}


def fill_slice(values: Values, first: Shape, parameters: Shapes) -> Filled:
    """Axes and steps spelled out, axes in order, bounds clamped to the axis: a bound that
    counts from the end, or lies far beyond it, is the number it stands for. The batch axis
    (0) keeps the bounds it was given."""
    starts, ends = integers(values, "starts"), integers(values, "ends")
    if starts is None or ends is None:
        return {}
    axes = from_front(integers(values, "axes") or range(len(starts)), len(first))
    steps = integers(values, "steps") or (1,) * len(starts)
    rows = []
    for axis, start, end, step in zip(axes, starts, ends, steps, strict=True):
        if axis:
            start, end = clamp_bounds(start, end, step, first[axis])
        rows.append((axis, start, end, step))
    filled: Filled = {}
    columns = zip(*sorted(rows), strict=True)
    for name, column in zip(("axes", "starts", "ends", "steps"), columns, strict=True):
        filled |= plain(name, tuple(column))
    return filled


def clamp_bounds(start: int, end: int, step: int, size: int) -> tuple[int, int]:
    """Python's own rule (``slice.indices``); an end before the first place is -size - 1."""
    first, last, _ = slice(start, end, step).indices(size)
    return first, last if last >= 0 else -size - 1


def build_slice(layer: Any) -> Any:
    """``x[:, start:end:step]``; a negative step is a positive one, flipped."""
    bounds = [known_integers(layer, name) for name in ("axes", "starts", "ends", "steps")]
    index, flipped = [slice(None)] * len(layer.shape), []
    for axis, start, end, step in zip(*bounds, strict=True):
        if step > 0:
            index[axis] = slice(start, end, None if step == 1 else step)
            continue
        places = range(*slice(start, end, step).indices(layer.shape[axis]))
        index[axis] = slice(places[-1], places[0] + 1, -step)
        flipped.append(axis)
    while index[-1] == slice(None) and len(index) > 1:
        index.pop()
    y = layer.call(operator.getitem, layer.x, tuple(index))
    return layer.method("flip", y, tuple(flipped)) if flipped else y


def fill_pad(values: Values, first: Shape, parameters: Shapes) -> Filled:
    """Pads of every axis, begins then ends; a constant of 0, the default, is left out."""
    pads, axes = integers(values, "pads"), integers(values, "axes")
    if pads is None:
        return {}
    rank = len(first)
    if len(pads) != 2 * (rank if axes is None else len(axes)):
        raise ValueError("two pads an axis")
    if axes is not None:
        begins, ends = [0] * rank, [0] * rank
        for number, axis in enumerate(from_front(axes, rank)):
            begins[axis], ends[axis] = pads[number], pads[number + len(axes)]
        pads = (*begins, *ends)
    filled = plain("pads", pads) | {"axes": None, "axes.dtype": None}
    filled |= scalar(values, "constant_value")
    value = filled.get("constant_value", values.get("constant_value"))
    if values["mode"] != "constant" or value == 0:
        filled |= {"constant_value": None, "constant_value.dtype": None}
    return filled


def build_pad(layer: Any) -> Any:
    """nn.functional.pad where it has the mode for these axes, else a copy by index."""
    pads, mode, rank = known_integers(layer, "pads"), layer["mode"], len(layer.shape)
    begins, ends = pads[:rank], pads[rank:]
    if mode == "constant":
        value = layer.operand(2) if 2 in layer.positions else 0.0
        if not isinstance(value, int | float):
            raise UnsupportedOperator("data_dependent", "Pad: the value is known at run time")
        return layer.call(
            layer.functional.pad, layer.x, trim(torch_pads(begins, ends)), value=value
        )
    if rank in (3, 4, 5) and not any(pads[:2] + ends[:2]) and min(pads) >= 0:
        flat = torch_pads(begins[2:], ends[2:])
        return layer.call(layer.functional.pad, layer.x, flat, mode=TORCH_MODES[mode])
    y = layer.x
    for axis in (a for a in range(rank) if begins[a] or ends[a]):
        places = copied_places(layer.shape[axis], begins[axis], ends[axis], mode)
        y = layer.call(operator.getitem, y, (*(slice(None),) * axis, places))
    return y


def trim(flat: tuple[int, ...]) -> tuple[int, ...]:
    """``F.pad``'s list without the leading axes that stay as they are."""
    while len(flat) > 2 and flat[-2:] == (0, 0):
        flat = flat[:-2]
    return flat


def copied_places(size: int, begin: int, end: int, mode: str) -> list[int]:
    """The place of an axis that stands at each of the padded one; negative pads crop first."""
    places: Any = np.arange(size)[max(0, -begin) : size - max(0, -end)]
    return np.pad(places, (max(0, begin), max(0, end)), NUMPY_MODES[mode]).tolist()  # type: ignore[call-overload]


def check_pad(layer: Any) -> str | None:
    """Pads of every axis, of a value that is known, and what is reflected is there."""
    if len(layer.operands) > 1:
        return "of a value that is known at run time"
    values: dict[str, Any] = dict(layer.vertex.attributes)
    shape, pads = layer.operands[0].shape, values.get("pads", ())
    if "axes" not in values and len(pads) != 2 * len(shape):
        return f"{len(pads)} pads of {len(shape)} axes"
    if values.get("mode") == "reflect" and not all_below(pads, shape):
        return f"reflects {pads} of {shape}"
    return None


CUBE = ((1, 4, 5, 6),)
FAR = 2**63 - 1


def bounds(**named: list[int]) -> dict[str, Value]:
    """Constant operands of an example."""
    return {name: tuple(values) for name, values in named.items()}


register(
    Operator(
        name="Slice", paper=True, fill=fill_slice, build=build_slice,
        structural=("starts", "ends", "axes", "steps"), any_dtype=True,
        examples=(
            Example(CUBE, constants=bounds(starts=[0, 1], ends=[1, 3])),
            Example(CUBE, constants=bounds(starts=[1], ends=[FAR], axes=[2])),
            Example(CUBE, constants=bounds(starts=[-3, -2], ends=[-1, FAR], axes=[-1, 1])),
            Example(CUBE, constants=bounds(starts=[0, 1], ends=[FAR, 6], axes=[2, 3],
                                           steps=[2, 3])),
            Example(CUBE, constants=bounds(starts=[-1, 4], ends=[-FAR, 1], axes=[2, 3],
                                           steps=[-1, -2])),
        ),
    )
)  # fmt: skip
register(
    Operator(
        name="Pad", paper=True, fill=fill_pad, build=build_pad,
        structural=("pads", "constant_value", "axes"), check=check_pad,
        choices={"mode": ("constant", "reflect", "edge", "wrap")},
        ranges={"constant_value": (-np.inf, np.inf)},
        usual=lambda shape: {"pads": (0,) * 2 * len(shape)},
        examples=(
            Example(CUBE, constants={"pads": [0, 0, 1, 2, 0, 0, 3, 0]}),
            Example(CUBE, constants={"pads": [0, 1, 0, 0, 0, 2, 0, -1],
                                     "constant_value": 1.5}),
            Example(CUBE, constants={"pads": [1, 2, 0, 1], "axes": [-2, -1]}),
            Example(CUBE, {"mode": "reflect"}, constants={"pads": [0, 0, 1, 2, 0, 0, 3, 0]}),
            Example(CUBE, {"mode": "edge"}, constants={"pads": [0, 0, 1, 2, 0, 0, 3, 0]}),
            Example(CUBE, {"mode": "edge"}, constants={"pads": [0, 1, 1, 2, 0, 0, -1, 0]}),
            Example(CUBE, {"mode": "reflect"}, constants={"pads": [0, 1, 0, 0, 0, 2, 0, 0]}),
            Example(CUBE, {"mode": "wrap"}, constants={"pads": [0, 0, 1, 2, 0, 0, 3, 0]}),
        ),
    )
)  # fmt: skip

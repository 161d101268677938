"""Max and average pools, sliding and global."""

from __future__ import annotations

import operator
from typing import Any

import numpy as np

from pipeline.operators.registry import Example, Operator, register
from pipeline.operators.windows import (
    all_below,
    fill_window,
    torch_pads,
    usual_window,
    why_no_window,
)

Ints = tuple[int, ...]
MAX_PLACES = 2**22  # that are looked at on one axis


def spans(layer: Any) -> Ints:
    """How far each axis of the window reaches, dilation included."""
    sizes = zip(layer["kernel_shape"], layer["dilations"], strict=True)
    return tuple((size - 1) * dilation + 1 for size, dilation in sizes)


def overhangs(layer: Any) -> Ints:
    """How far the last window of each axis reaches beyond the padded input (ceil_mode)."""
    rank = len(layer["kernel_shape"])
    pads, out = layer["pads"], layer.output_shape[2:]
    return tuple(
        max(0, (out[a] - 1) * layer["strides"][a] + span - size - pads[a] - pads[a + rank])
        for a, (size, span) in enumerate(zip(layer.shape[2:], spans(layer), strict=True))
    )


def fits_torch(layer: Any) -> bool:
    """Whether torch's own layer pads and rounds this way: even pads of at most half a window,
    and the same number of positions (torch drops a last window that starts in the padding)."""
    rank = len(layer["kernel_shape"])
    begins, ends = layer["pads"][:rank], layer["pads"][rank:]
    halves = all(0 <= 2 * p <= k for p, k in zip(begins, layer["kernel_shape"], strict=True))
    if rank > 3 or begins != ends or not halves:
        return False
    return all(
        (out - 1) * stride < size + pad
        for out, stride, size, pad in zip(
            layer.output_shape[2:], layer["strides"], layer.shape[2:], begins, strict=True
        )
    )


def pad_to_fit(layer: Any, x: Any, value: float, beyond: float | None = None) -> Any:
    """Pads and overhang filled with ``value``, or the overhang with ``beyond``."""
    rank, extra = len(layer["kernel_shape"]), overhangs(layer)
    begins, ends = layer["pads"][:rank], layer["pads"][rank:]
    if beyond is None or not any(extra):
        ends = tuple(e + o for e, o in zip(ends, extra, strict=True))
        return _pad(layer, x, begins, ends, value)
    x = _pad(layer, x, begins, ends, value)
    return _pad(layer, x, (0,) * rank, extra, beyond)


def _pad(layer: Any, x: Any, begins: Ints, ends: Ints, value: float) -> Any:
    if not any((*begins, *ends)):
        return x
    return layer.call(layer.functional.pad, x, torch_pads(begins, ends), value=value)


def build_max_pool(layer: Any) -> Any:
    """nn.MaxPool1d/2d/3d; what it cannot pad is padded with -inf before it."""
    rank = len(layer["kernel_shape"])
    make = getattr(layer.nn, f"MaxPool{rank}d")
    window = {"stride": layer["strides"], "dilation": layer["dilations"]}
    if not fits_torch(layer):
        padded = pad_to_fit(layer, layer.x, float("-inf"))
        return layer.module(make(layer["kernel_shape"], **window), padded)
    pool = make(
        layer["kernel_shape"], padding=layer["pads"][:rank],
        ceil_mode=bool(layer["ceil_mode"]), **window,
    )  # fmt: skip
    return layer.module(pool)


def build_average_pool(layer: Any) -> Any:
    """nn.AvgPool1d/2d/3d, or for uneven pads and dilations the sum of each window over the
    number of places that count."""
    rank = len(layer["kernel_shape"])
    counts_pads = bool(layer["count_include_pad"])
    if fits_torch(layer) and set(layer["dilations"]) == {1}:
        pool = getattr(layer.nn, f"AvgPool{rank}d")(
            layer["kernel_shape"], layer["strides"], layer["pads"][:rank],
            ceil_mode=bool(layer["ceil_mode"]), count_include_pad=counts_pads,
        )  # fmt: skip
        return layer.module(pool)
    ones = layer.call(layer.torch.ones_like, layer.x)
    total = sum_windows(layer, pad_to_fit(layer, layer.x, 0.0))
    places = pad_to_fit(layer, ones, float(counts_pads), 0.0)
    return layer.call(operator.truediv, total, sum_windows(layer, places))


def sum_windows(layer: Any, x: Any) -> Any:
    """The sum of every window, an axis at a time."""
    windows = zip(spans(layer), layer["strides"], layer["dilations"], strict=True)
    for axis, (span, stride, dilation) in enumerate(windows, start=2):
        x = layer.method("unfold", x, axis, span, stride)
        if dilation > 1:
            x = layer.call(operator.getitem, x, (..., slice(None, None, dilation)))
        x = layer.method("sum", x, -1)
    return x


def build_global_average(layer: Any) -> Any:
    """nn.AdaptiveAvgPool1d/2d/3d(1)."""
    return layer.module(getattr(layer.nn, f"AdaptiveAvgPool{len(layer.shape) - 2}d")(1))


def build_global_max(layer: Any) -> Any:
    """nn.AdaptiveMaxPool1d/2d/3d(1)."""
    return layer.module(getattr(layer.nn, f"AdaptiveMaxPool{len(layer.shape) - 2}d")(1))


def check_pool(layer: Any) -> str | None:
    """Every window sees an element of its map: one of padding alone gives -inf or 0/0."""
    values: dict[str, Any] = dict(layer.vertex.attributes)
    kernel, pads = values["kernel_shape"], values.get("pads") or ()
    sizes, outs = layer.operands[0].shape[2:], layer.outputs[0].shape[2:]
    if why := why_no_window(layer):
        return why
    if len(kernel) != len(sizes):
        return "a window of other axes than its map"
    if not all_below(pads, kernel):
        return "pads as large as its window"
    for axis, (size, out) in enumerate(zip(sizes, outs, strict=True)):
        if out * kernel[axis] > MAX_PLACES:
            return f"{out} windows are too many"
        starts = np.arange(out) * values["strides"][axis] - pads[axis]
        places = starts[:, None] + np.arange(kernel[axis]) * values["dilations"][axis]
        if not ((places >= 0) & (places < size)).any(1).all():
            return "a window lies in the padding alone"
    return None


GLOBAL = (Example(((1, 4, 5, 6),)), Example(((1, 4, 7),)), Example(((1, 4, 3, 5, 6),)))
IMAGE, WIDE = ((1, 4, 9, 10),), ((1, 3, 14, 15),)
SHARED = (
    Example(IMAGE, {"kernel_shape": [2, 2]}),
    Example(WIDE, {"kernel_shape": [3, 3], "strides": [2, 2], "pads": [1, 1, 1, 1]}),
    Example(WIDE, {"kernel_shape": [3, 3], "strides": [2, 2], "ceil_mode": 1}),
    Example(IMAGE, {"kernel_shape": [3, 2], "strides": [2, 3], "pads": [0, 1, 2, 0]}),
    Example(IMAGE, {"kernel_shape": [3, 3], "strides": [2, 2], "pads": [0, 0, 1, 1],
                    "ceil_mode": 1}),
    Example(WIDE, {"kernel_shape": [4, 4], "strides": [3, 3], "pads": [1, 1, 1, 1],
                   "ceil_mode": 1}),
    Example(IMAGE, {"kernel_shape": [2, 3], "dilations": [3, 2], "strides": [2, 1]}),
    Example(IMAGE, {"kernel_shape": [2, 3], "dilations": [2, 2], "pads": [1, 1, 0, 2]}),
    Example(IMAGE, {"kernel_shape": [3, 3], "strides": [2, 2], "auto_pad": "SAME_UPPER"}),
    Example(IMAGE, {"kernel_shape": [3, 3], "strides": [2, 2], "auto_pad": "SAME_LOWER"}),
    Example(IMAGE, {"kernel_shape": [4, 4], "strides": [3, 3], "auto_pad": "VALID"}),
    Example(((1, 4, 11),), {"kernel_shape": [3], "strides": [2], "pads": [1, 1]}),
    Example(((1, 2, 5, 6, 7),), {"kernel_shape": [2, 3, 3], "pads": [0, 1, 1, 0, 1, 1]}),
    Example(((1, 4, 8, 8),), {"kernel_shape": [1, 1], "strides": [2, 2], "ceil_mode": 1}),
    Example(((1, 4, 8, 6),), {"kernel_shape": [4, 2], "strides": [3, 3], "ceil_mode": 1}),
)  # fmt: skip
COUNTED = (
    Example(WIDE, {"kernel_shape": [3, 3], "strides": [2, 2], "pads": [1, 1, 1, 1],
                   "count_include_pad": 1}),
    Example(IMAGE, {"kernel_shape": [3, 3], "strides": [2, 2], "pads": [0, 0, 1, 1],
                    "count_include_pad": 1}),
    Example(WIDE, {"kernel_shape": [3, 3], "strides": [2, 2], "pads": [1, 1, 1, 1],
                   "ceil_mode": 1, "count_include_pad": 1}),
    Example(IMAGE, {"kernel_shape": [3, 3], "strides": [2, 2], "pads": [0, 0, 1, 1],
                    "ceil_mode": 1, "count_include_pad": 1}),
    Example(IMAGE, {"kernel_shape": [2, 2], "dilations": [2, 2], "pads": [1, 1, 1, 1],
                    "count_include_pad": 1}),
)  # fmt: skip

register(
    Operator(
        name="MaxPool",
        paper=True,
        fill=lambda values, first, _: fill_window(values, first),
        of_other_outputs=("storage_order",),  # about indices
        keeps_channels=True,
        spatial=True,
        usual=usual_window,
        choices={"auto_pad": ("NOTSET",), "ceil_mode": (0, 1)},
        check=check_pool,
        build=build_max_pool,
        examples=SHARED,
    )
)
register(
    Operator(
        name="AveragePool",
        paper=True,
        fill=lambda values, first, _: fill_window(values, first),
        keeps_channels=True,
        spatial=True,
        usual=usual_window,
        choices={"auto_pad": ("NOTSET",), "ceil_mode": (0, 1), "count_include_pad": (0, 1)},
        check=check_pool,
        build=build_average_pool,
        examples=(*SHARED, *COUNTED),
    )
)
register(
    Operator(
        name="GlobalAveragePool",
        paper=True,
        keeps_channels=True,
        spatial=True,
        build=build_global_average,
        examples=GLOBAL,
    )
)
register(
    Operator(
        name="GlobalMaxPool",
        keeps_channels=True,
        spatial=True,
        build=build_global_max,
        examples=GLOBAL,
    )
)

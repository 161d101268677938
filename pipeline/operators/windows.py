"""Sliding windows: what Conv and the pools share about kernels, strides and pads."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from pipeline.graph.network import Shape, Value
from pipeline.operators.registry import Values

Ints = tuple[int, ...]
MAX_STRIDE = 256  # torch's gradient walks over every place that a stride leaves out


def usual_window(shape: Shape) -> Values:
    """A window of three places an axis that keeps the size of a map."""
    rank = max(1, len(shape) - 2)
    return {
        "kernel_shape": (3,) * rank, "pads": (1,) * 2 * rank, "strides": (1,) * rank,
        "dilations": (1,) * rank,
    }  # fmt: skip


def why_no_window(layer: Any) -> str | None:
    """Why torch or ONNX Runtime does not slide the window of a layer; None where they do."""
    rank, strides = len(layer.operands[0].shape), layer.vertex.get("strides")
    if isinstance(strides, tuple) and any(stride > MAX_STRIDE for stride in strides):
        return f"strides {strides}"
    return None if 3 <= rank <= 5 else "of maps of one to three axes"


def all_below(values: Sequence[int], limits: Sequence[int]) -> bool:
    """Whether every number is below its limit; limits are repeated as often as it takes."""
    repeated = tuple(limits) * (len(values) // len(limits)) if limits else ()
    return all(value < limit for value, limit in zip(values, repeated, strict=False))


def fill_window(values: Values, first: Shape) -> dict[str, Value | None]:
    """strides, dilations and pads by rank where the file leaves them out; auto_pad resolved to
    pads (https://onnx.ai/onnx/operators/onnx__Conv.html#attributes)."""
    kernel: Ints = values["kernel_shape"]  # type: ignore[assignment]
    rank = len(kernel)
    strides: Ints = values.get("strides") or (1,) * rank  # type: ignore[assignment]
    dilations: Ints = values.get("dilations") or (1,) * rank  # type: ignore[assignment]
    pads = values.get("pads") or (0,) * 2 * rank
    auto_pad = values.get("auto_pad", "NOTSET")
    if auto_pad == "VALID":
        pads = (0,) * 2 * rank
    elif auto_pad in ("SAME_UPPER", "SAME_LOWER"):
        pads = same_pads(first[2:], kernel, strides, dilations, auto_pad == "SAME_UPPER")
    filled: dict[str, Value | None] = {
        "kernel_shape": kernel,
        "strides": strides,
        "dilations": dilations,
        "pads": pads,
        "auto_pad": None,  # said by pads
    }
    if values.get("ceil_mode"):
        counts = bool(values.get("count_include_pad"))
        window = (kernel, strides, dilations, pads)
        filled |= fill_ceil(first[2:], *window, counts)  # type: ignore[arg-type]
    return filled


def fill_ceil(
    size: Ints, kernel: Ints, strides: Ints, dilations: Ints, pads: Ints, counts_pads: bool
) -> dict[str, Value | None]:
    """ceil_mode and pads without the windows that would start beyond the input: torch and ONNX
    Runtime leave them out, where ONNX's shape inference at this opset counts them
    (https://onnx.ai/onnx/operators/onnx__MaxPool.html: "windows that would start in the right
    padded region are ignored"). Without such windows nothing changes.

    Raises ValueError where other axes need the ceiling and no pads can say it.
    """
    rank, kept, dropped = len(size), [0] * len(size), False
    window = zip(size, kernel, strides, dilations, strict=True)
    for axis, (width, k, stride, dilation) in enumerate(window):
        span = (k - 1) * dilation + 1
        begin, end = pads[axis], pads[axis + rank]
        last = -(-(width + begin + end - span) // stride) * stride  # where the last one starts
        beyond = last + span - width - begin - end
        if beyond > 0 and last >= width + begin:
            dropped = True
        elif beyond > 0:
            kept[axis] = beyond
    if not dropped:
        return {"ceil_mode": 1}
    ends = [end + more for end, more in zip(pads[rank:], kept, strict=True)]
    too_wide = any(more and end >= k for more, end, k in zip(kept, ends, kernel, strict=True))
    if too_wide or (any(kept) and counts_pads):
        raise ValueError("ceil_mode drops the last window of one axis only")
    return {"ceil_mode": 0, "pads": (*pads[:rank], *ends)}


def same_pads(size: Ints, kernel: Ints, strides: Ints, dilations: Ints, upper: bool) -> Ints:
    """Pads with which each output axis has ceil(size / stride) positions."""
    begins, ends = [], []
    for width, k, stride, dilation in zip(size, kernel, strides, dilations, strict=True):
        out = -(-width // stride)
        total = max(0, (out - 1) * stride + (k - 1) * dilation + 1 - width)
        small, large = total // 2, total - total // 2
        begins.append(small if upper else large)
        ends.append(large if upper else small)
    return (*begins, *ends)


def split_pads(pads: Sequence[int]) -> tuple[Ints, Ints | None]:
    """ONNX pads (begins, then ends) -> what a torch layer can take, and what must be padded
    before it, in ``F.pad``'s order (last axis first); None when nothing must."""
    rank = len(pads) // 2
    begins, ends = tuple(pads[:rank]), tuple(pads[rank:])
    if begins == ends and min(begins, default=0) >= 0:
        return begins, None
    return (0,) * rank, torch_pads(begins, ends)


def torch_pads(begins: Sequence[int], ends: Sequence[int]) -> Ints:
    """Pads by axis -> ``F.pad``'s flat list, last axis first."""
    pairs = list(zip(begins, ends, strict=True))[::-1]
    return tuple(p for pair in pairs for p in pair)

"""The rules on Conv, ConvTranspose and the pools."""

from __future__ import annotations

from dataclasses import replace
from math import gcd
from typing import Any

from pipeline.decode.repair.case import Adapter, Case, Change, ints, whole, with_values
from pipeline.graph.network import Value

Ints = tuple[int, ...]

CONVOLUTIONS = frozenset({"Conv", "ConvTranspose"})
POOLS = frozenset({"MaxPool", "AveragePool"})
WINDOWS = CONVOLUTIONS | POOLS
LIMIT = 64  # of a kernel, stride, dilation or pad: beyond it stands a mistake
MAX_CHANNELS = 2**14


def add_spatial_axes(case: Case) -> Change | None:
    """Rule: a convolution of a vector is one of a map of size 1."""
    if len(case.shape) != 2:
        return None
    kernel = ints(case.values.get("kernel_shape")) or (1, 1)
    axes = tuple(range(2, 2 + min(3, len(kernel))))
    adapter = Adapter(0, "Unsqueeze", (("axes", axes),))
    return Change(case.vertex, "a vector has no spatial axes", (adapter,))


def fit_window_rank(case: Case) -> Change | None:
    """Rule: kernel, strides, dilations and pads speak of as many axes as the map has, within
    reason."""
    rank = len(case.shape) - 2
    if not 1 <= rank <= 3:
        return None
    values = case.values
    fitted: dict[str, Value | None] = {
        "kernel_shape": _fit(values.get("kernel_shape"), rank, 1, 1),
        "strides": _fit(values.get("strides"), rank, 1, 1),
        "dilations": _fit(values.get("dilations"), rank, 1, 1),
        "pads": _fit_pads(values.get("pads"), rank),
    }
    return with_values(case, f"a window of {rank} axes", **fitted)


def divide_groups(case: Case) -> Change | None:
    """Rule: groups divide the channels that come in and go out; a depthwise convolution
    stays one."""
    channels, values = case.shape[1], case.values
    out = whole(values.get("out_channels"), 1, MAX_CHANNELS) or min(channels, MAX_CHANNELS)
    group = whole(values.get("group"), 1, 2**31) or 1
    total = out if case.operator == "Conv" else group * out
    if channels % group or (case.operator == "Conv" and out % group):
        if case.operator == "Conv" and group == out > 1:
            out = group = channels
        else:
            shared = gcd(channels, out) if case.operator == "Conv" else channels
            group = max(d for d in range(1, min(group, shared) + 1) if shared % d == 0)
            out = out if case.operator == "Conv" else max(1, total // group)
    reason = f"groups do not divide {channels} channels"
    return with_values(case, reason, out_channels=out, group=group)


def shrink_kernel(case: Case) -> Change | None:
    """Rule: a window is no larger than its padded map: first its dilation goes, then it
    shrinks."""
    values: dict[str, Any] = case.values
    kernel, dilations, pads = values["kernel_shape"], values["dilations"], values["pads"]
    rank = len(case.shape) - 2
    new_kernel, new_dilations = [], []
    for axis, (k, d) in enumerate(zip(kernel, dilations, strict=True)):
        room = case.shape[2 + axis] + pads[axis] + pads[axis + rank]
        d = d if (k - 1) * d + 1 <= room else 1
        new_kernel.append(max(1, min(k, room)))
        new_dilations.append(d)
    return with_values(
        case, "the kernel is larger than its map",
        kernel_shape=tuple(new_kernel), dilations=tuple(new_dilations),
    )  # fmt: skip


def keep_windows_inside(case: Case) -> Change | None:
    """Rule: no window of a pool lies in the padding alone: no pads, no partial windows."""
    rank = len(case.shape) - 2
    kernel = ints(case.values.get("kernel_shape")) or (1,) * rank
    inside = tuple(min(k, size) for k, size in zip(kernel, case.shape[2:], strict=False))
    return with_values(
        case, "a window lies in the padding", kernel_shape=inside, pads=(0,) * 2 * rank,
        dilations=(1,) * rank, ceil_mode=0,
    )  # fmt: skip


def plain_transposed(case: Case) -> Change | None:
    """Rule: a transposed convolution whose size cannot be had has none asked for."""
    rank = len(case.shape) - 2
    return with_values(
        case, "its output size cannot be had", auto_pad="NOTSET", output_shape=None,
        output_padding=(0,) * rank, pads=(0,) * 2 * rank,
    )  # fmt: skip


def own_weight(case: Case) -> Change | None:
    """Rule: a convolution has a weight of its own, by its number of channels."""
    spelled = [name for name, _ in case.vertex.attributes if name.partition(".")[0] in "WB"]
    values = {n: v for n, v in case.vertex.attributes if n not in spelled}
    channels = case.shape[1] if len(case.shape) > 1 else 1
    settled = {"out_channels": min(channels, MAX_CHANNELS), "bias": 0, **values}
    changed = with_values(case, "its weight does not fit", **dict.fromkeys(spelled), **settled)
    if changed is None or len(case.vertex.operands) == 1:
        return changed
    vertex = replace(changed.vertex, operands=case.vertex.operands[:1])
    return replace(changed, vertex=vertex)


def _fit(value: Value | None, count: int, low: int, default: int) -> Ints:
    """``count`` numbers out of what stands there: the first ones, or the last one repeated."""
    given = [v if low <= v <= LIMIT else default for v in ints(value) or ()] or [default]
    return tuple((given + given[-1:] * count)[:count])


def _fit_pads(value: Value | None, rank: int) -> Ints:
    given = ints(value) or (0,)
    half = len(given) // 2
    begins, ends = (given[:half], given[half:]) if half else (given, given)
    return (*_fit(begins, rank, 0, 0), *_fit(ends, rank, 0, 0))

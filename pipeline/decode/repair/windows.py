"""The rules on layers that slide a window: convolutions and pools."""

from __future__ import annotations

from dataclasses import replace
from math import gcd
from typing import Any

from pipeline.decode.repair.builder import Adapter, Call, Change, ints, whole, with_values
from pipeline.graph.network import Value

Ints = tuple[int, ...]

LIMIT = 64  # of a kernel, stride, dilation or pad: beyond it stands a mistake
MAX_CHANNELS = 2**14


def add_spatial_axes(call: Call) -> Change | None:
    """Rule: a convolution of a vector is one of a map of size 1."""
    if len(call.shape) != 2:
        return None
    kernel = ints(call.values.get("kernel_shape")) or (1, 1)
    axes = tuple(range(2, 2 + min(3, len(kernel))))
    adapter = Adapter(0, "Unsqueeze", (("axes", axes),))
    return Change(call.vertex, "a vector has no spatial axes", (adapter,))


def fit_window_rank(call: Call) -> Change | None:
    """Rule: kernel, strides, dilations and pads speak of as many axes as the map has, within
    reason."""
    rank = len(call.shape) - 2
    if not 1 <= rank <= 3:
        return None
    values = call.values
    fitted: dict[str, Value | None] = {
        "kernel_shape": _fit(values.get("kernel_shape"), rank, 1, 1),
        "strides": _fit(values.get("strides"), rank, 1, 1),
        "dilations": _fit(values.get("dilations"), rank, 1, 1),
        "pads": _fit_pads(values.get("pads"), rank),
    }
    return with_values(call, f"a window of {rank} axes", **fitted)


def divide_groups(call: Call) -> Change | None:
    """Rule: groups divide the channels that come in and go out; a depthwise convolution
    stays one."""
    channels, values = call.shape[1], call.values
    out = whole(values.get("out_channels"), 1, MAX_CHANNELS) or min(channels, MAX_CHANNELS)
    group = whole(values.get("group"), 1, 2**31) or 1
    total = out if call.operator == "Conv" else group * out
    if channels % group or (call.operator == "Conv" and out % group):
        if call.operator == "Conv" and group == out > 1:
            out = group = channels
        else:
            shared = gcd(channels, out) if call.operator == "Conv" else channels
            group = max(d for d in range(1, min(group, shared) + 1) if shared % d == 0)
            out = out if call.operator == "Conv" else max(1, total // group)
    reason = f"groups do not divide {channels} channels"
    return with_values(call, reason, out_channels=out, group=group)


def shrink_kernel(call: Call) -> Change | None:
    """Rule: a window is no larger than its padded map: first its dilation goes, then it
    shrinks."""
    values: dict[str, Any] = call.values
    kernel, dilations, pads = values["kernel_shape"], values["dilations"], values["pads"]
    rank = len(call.shape) - 2
    new_kernel, new_dilations = [], []
    for axis, (k, d) in enumerate(zip(kernel, dilations, strict=True)):
        room = call.shape[2 + axis] + pads[axis] + pads[axis + rank]
        d = d if (k - 1) * d + 1 <= room else 1
        new_kernel.append(max(1, min(k, room)))
        new_dilations.append(d)
    return with_values(
        call, "the kernel is larger than its map",
        kernel_shape=tuple(new_kernel), dilations=tuple(new_dilations),
    )  # fmt: skip


def keep_windows_inside(call: Call) -> Change | None:
    """Rule: no window of a pool lies in the padding alone: no pads, no partial windows."""
    rank = len(call.shape) - 2
    kernel = ints(call.values.get("kernel_shape")) or (1,) * rank
    inside = tuple(min(k, size) for k, size in zip(kernel, call.shape[2:], strict=False))
    return with_values(
        call, "a window lies in the padding", kernel_shape=inside, pads=(0,) * 2 * rank,
        dilations=(1,) * rank, ceil_mode=0,
    )  # fmt: skip


def plain_transposed(call: Call) -> Change | None:
    """Rule: a transposed convolution whose size cannot be had has none asked for."""
    rank = len(call.shape) - 2
    return with_values(
        call, "its output size cannot be had", auto_pad="NOTSET", output_shape=None,
        output_padding=(0,) * rank, pads=(0,) * 2 * rank,
    )  # fmt: skip


def own_weight(call: Call) -> Change | None:
    """Rule: a convolution has a weight of its own, by its number of channels."""
    spelled = [name for name, _ in call.vertex.attributes if name.partition(".")[0] in "WB"]
    values = {n: v for n, v in call.vertex.attributes if n not in spelled}
    channels = call.shape[1] if len(call.shape) > 1 else 1
    settled = {"out_channels": min(channels, MAX_CHANNELS), "bias": 0, **values}
    changed = with_values(call, "its weight does not fit", **dict.fromkeys(spelled), **settled)
    if changed is None or len(call.vertex.operands) == 1:
        return changed
    vertex = replace(changed.vertex, operands=call.vertex.operands[:1])
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

"""The rules on operators that combine tensors: channels and sizes that disagree."""

from __future__ import annotations

from dataclasses import replace

from pipeline.decode.repair.builder import (
    Adapter,
    Call,
    Change,
    Values,
    ints,
    sorted_attributes,
    with_values,
)
from pipeline.graph.network import Attributes, Shape
from pipeline.operators.operands import PARAMETER, SHAPE, is_variadic

MAX_SIZE = 1024  # of a map that a Resize makes


def fit_parameters(call: Call) -> Change | None:
    """Rule: a parameter or constant that is combined with a tensor broadcasts with it."""
    changes: Values = {}
    gone: list[str] = []
    for name, value in call.vertex.attributes:
        if name.endswith(PARAMETER):
            changes[name] = _broadcastable(ints(value) or (), call.shape)
        elif name.endswith(SHAPE):
            formal = name.removesuffix(SHAPE)
            kept = call.values.get(formal)
            if ints(value) != _broadcastable(ints(value) or (), call.shape):
                changes[formal] = kept[0] if isinstance(kept, tuple) else kept or 0
                gone.append(name)
        elif isinstance(value, tuple) and name + SHAPE not in call.values:
            changes[name] = value if len(value) in (1, call.shape[-1]) else value[0]
    reason = f"it does not broadcast with {call.shape}"
    return with_values(call, reason, **changes, **dict.fromkeys(gone))


def _broadcastable(sizes: Shape, shape: Shape) -> Shape:
    """The sizes of a parameter, brought to those of the tensor where neither is 1; never more
    axes than follow the batch."""
    sizes = sizes[-(len(shape) - 1) :] if len(shape) > 1 else ()
    ends = shape[len(shape) - len(sizes) :]
    return tuple(p if p in (1, s) else s for p, s in zip(sizes, ends, strict=True))


def agree_operands(call: Call) -> Change | None:
    """Rule: operands that are combined have one shape, the first one's. Another is brought to
    it by a layer (a 1x1 Conv, strided if that gives the size; a Resize), or dropped where no
    layer does."""
    return _bring(call, [call.shape] * len(call.tensors))


def agree_joined(call: Call) -> Change | None:
    """Rule: what a Concat joins differs along its axis alone; another map is resized to the
    first one's size, or dropped."""
    axis, shape = call.values.get("axis"), call.shape
    if not isinstance(axis, int) or not 0 <= axis < len(shape):
        return None
    targets = [
        (*shape[:axis], f.shape[axis], *shape[axis + 1 :])
        if len(f.shape) == len(shape)
        else ()
        for f in call.tensors
    ]
    return _bring(call, targets)


def _bring(call: Call, targets: list[Shape]) -> Change | None:
    """Adapters before all operands that differ from their targets."""
    adapters: list[Adapter] = []
    dropped: list[int] = []
    different = None
    for number, (tensor, target) in enumerate(zip(call.tensors, targets, strict=True)):
        if tensor.shape == target or _broadcasts(tensor.shape, target):
            continue
        different = f"shapes {call.shape} and {tensor.shape} disagree"
        layers = layers_between(tensor.shape, target)
        if not layers:
            dropped.append(number)
        channels = target[1] if len(layers) == 1 and tensor.shape[2:] == target[2:] else None
        adapters += [Adapter(number, *layer, channels) for layer in layers]
    if different is None:
        return None
    if dropped:
        return _without(call, dropped, different)
    return Change(call.vertex, different, tuple(adapters))


def drop_disagreeing(call: Call) -> Change | None:
    """Rule: operands that broadcast at batch size 1 only are dropped."""
    if not is_variadic(call.operator):
        return None
    others = [
        i for i, tensor in enumerate(call.tensors) if tensor.pair != call.tensors[0].pair
    ]
    return _without(call, others, "operands that do not broadcast") if others else None


def layers_between(shape: Shape, target: Shape) -> list[tuple[str, Attributes]]:
    """The fewest layers from a shape to another, operator and attributes each; none where
    they cannot be brought together."""
    rank = len(shape) - 2
    if len(shape) != len(target) or shape[0] != target[0] or max(target) > MAX_SIZE**2:
        return []
    if rank == 0:
        return [("Gemm", dense(target[1]))]
    if not 1 <= rank <= 3 or max(target[2:]) > MAX_SIZE:
        return []
    if shape[1] == target[1]:
        return [resize(target[2:])]
    strides = tuple(-(-s // t) for s, t in zip(shape[2:], target[2:], strict=True))
    strided = tuple((s - 1) // k + 1 for s, k in zip(shape[2:], strides, strict=True))
    if strided == target[2:]:
        return [("Conv", pointwise(target[1], strides))]
    return [("Conv", pointwise(target[1], (1,) * rank)), resize(target[2:])]


def pointwise(channels: int, strides: tuple[int, ...]) -> Attributes:
    """A 1x1 convolution."""
    rank = len(strides)
    return sorted_attributes({
        "kernel_shape": (1,) * rank, "strides": strides, "pads": (0,) * 2 * rank,
        "dilations": (1,) * rank, "group": 1, "out_channels": channels, "bias": 0,
    })  # fmt: skip


def dense(features: int) -> Attributes:
    """A linear layer."""
    return sorted_attributes({
        "alpha": 1.0, "beta": 1.0, "transA": 0, "transB": 1, "out_features": features,
        "bias": 1,
    })  # fmt: skip


def resize(sizes: Shape) -> tuple[str, Attributes]:
    """A nearest-neighbour Resize of the spatial axes."""
    return "Resize", sorted_attributes({
        "axes": tuple(range(2, 2 + len(sizes))), "sizes": sizes, "mode": "nearest",
        "coordinate_transformation_mode": "asymmetric", "nearest_mode": "floor",
        "keep_aspect_ratio_policy": "stretch", "antialias": 0,
    })  # fmt: skip


def _broadcasts(shape: Shape, target: Shape) -> bool:
    return len(shape) == len(target) and all(
        s in (1, t) for s, t in zip(shape, target, strict=True)
    )


def _without(call: Call, numbers: list[int], reason: str) -> Change | None:
    """The call without some operands, for an operator of many that keeps one at least."""
    left = [o for i, o in enumerate(call.vertex.operands) if i not in numbers]
    if not left or not is_variadic(call.operator):
        return None
    placed = tuple(replace(o, position=p) for p, o in enumerate(left))
    return Change(replace(call.vertex, operands=placed), f"{reason}: dropped")

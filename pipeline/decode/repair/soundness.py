"""What shape inference overlooks: windows of padding alone, indices out of bounds, numbers
that are none."""

from __future__ import annotations

from functools import cache
from math import inf, isfinite
from typing import Any

import numpy as np
from onnx import TensorProto

from pipeline.graph.network import INPUT, Value, Vertex
from pipeline.operators.operands import FLOAT
from pipeline.operators.registry import operator_of
from pipeline.operators.schema import position_of, schema_of
from pipeline.operators.shapes import Layer

POOLS = ("MaxPool", "AveragePool")
SLIDING = (*POOLS, "Conv", "ConvTranspose")
LIMITS = ("min", "max", "constant_value")  # where an infinite number has a meaning
SHARES = ("ratio", "momentum")  # between 0 and 1
POSITIVE = ("epsilon",)
DIVISORS = {("Celu", "alpha"), ("LRN", "bias")}  # attributes that something is divided by
SMALLEST = 1e-3  # of a divisor
SUMMARIES = {  # not ONNX's attributes, but what stands for parameters
    "out_channels": ("Conv", "ConvTranspose"),
    "out_features": ("Gemm",),
    "bias": ("Conv", "ConvTranspose", "Gemm", "LayerNormalization"),
}
OF_ANY_TYPE = frozenset({
    "Cast", "Where", "Gather", "Concat", "Reshape", "Transpose", "Slice", "Squeeze",
    "Unsqueeze", "Flatten", "Expand", "Identity", "Split", "Add", "Sub", "Mul", "Greater",
    "Less", "Equal",
})  # fmt: skip
WORDS: dict[str, dict[str, tuple[Value, ...]]] = {  # attribute -> operator -> its values
    "mode": {
        "DepthToSpace": ("DCR", "CRD"),
        "Pad": ("constant", "reflect", "edge", "wrap"),
        "Resize": ("nearest", "linear", "cubic"),
    },
    "approximate": {"Gelu": ("none", "tanh")},
    "p": {"LpNormalization": (1, 2)},
    "auto_pad": {
        "ConvTranspose": ("NOTSET", "SAME_UPPER", "SAME_LOWER", "VALID"),
        **dict.fromkeys(("Conv", "MaxPool", "AveragePool"), ("NOTSET",)),  # said by pads
    },
}
ABSURD = 1e6  # of an attribute that is a number
BOOL = int(TensorProto.BOOL)
MAX_STRIDE = 256  # torch's gradient walks over every place that a stride leaves out
MAX_PLACES = 2**22  # that are looked at on one axis


def why_unsound(layer: Layer) -> str | None:
    """Why a layer whose shapes agree cannot give finite values all the same; else None."""
    return (
        foreign_attribute(layer.vertex)
        or unknown_word(layer.vertex)
        or numbers_that_are_none(layer)
        or strides_beyond(layer)
        or windows_in_padding(layer)
        or axis_beyond(layer)
        or indices_beyond(layer)
        or resized_otherwise(layer)
        or refused_by_runtime(layer)
    )


def foreign_attribute(vertex: Vertex) -> str | None:
    """An attribute that the operator does not have: nobody reads it, no file keeps it."""
    for name, _ in vertex.attributes:
        if not has_attribute(vertex.operator, name):
            return f"{vertex.operator}: has no attribute {name}"
    return None


def unknown_word(vertex: Vertex) -> str | None:
    """A mode that the operator does not have."""
    for name, value in vertex.attributes:
        if name in WORDS and value not in WORDS[name].get(vertex.operator, (value,)):
            return f"{vertex.operator}: {name} is {value!r}"
    return None


@cache
def has_attribute(operator: str, name: str) -> bool:
    """Whether an operator has an attribute, or an input that an attribute may fill."""
    if operator == INPUT:
        return name in ("shape", "dtype")
    formal = name.partition(".")[0]
    return (
        name in schema_of(operator).attributes
        or operator in SUMMARIES.get(name, ())
        or position_of(operator, formal) is not None
    )


def numbers_that_are_none(layer: Layer) -> str | None:
    """NaN, infinities that are no limit, shares beyond 1, epsilons of 0."""
    name = layer.vertex.operator
    if name == INPUT:
        return None if layer.vertex.get("dtype") else "Input: of no type"
    for key, value in layer.vertex.attributes:
        for number in value if isinstance(value, tuple) else (value,):
            if not isinstance(number, float):
                continue
            infinite = abs(number) == inf and key in LIMITS
            if not (isfinite(number) or infinite):
                return f"{name}: {key} is {number}"
            if abs(number) > ABSURD and key in schema_of(name).attributes:
                return f"{name}: {key} is {number}"
            if key in SHARES and not 0 <= number <= 1:
                return f"{name}: {key} is {number}, no share"
            if key in POSITIVE and number <= 0:
                return f"{name}: {key} is {number}"
            if (name, key) in DIVISORS and number < SMALLEST:
                return f"{name}: {key} is {number}, and divides"
    zero = layer.constants.get("B") if name == "Div" else None
    if zero is not None and not np.all(zero):
        return "Div: by a constant of 0"
    return None


def strides_beyond(layer: Layer) -> str | None:
    """Strides far beyond any map."""
    strides = layer.vertex.get("strides")
    if isinstance(strides, tuple) and any(int(s) > MAX_STRIDE for s in strides):
        return f"{layer.vertex.operator}: strides {strides}"
    return None


def windows_in_padding(layer: Layer) -> str | None:
    """A pool's window that sees no element of its input gives -inf or 0/0."""
    if layer.vertex.operator not in POOLS:
        return None
    values: dict[str, Any] = dict(layer.vertex.attributes)
    sizes, outs = layer.operands[0].shape[2:], layer.outputs[0].shape[2:]
    if len(values["kernel_shape"]) != len(sizes):
        return f"{layer.vertex.operator}: a window of other axes than its map"
    for axis, (size, out) in enumerate(zip(sizes, outs, strict=True)):
        if out * values["kernel_shape"][axis] > MAX_PLACES:
            return f"{layer.vertex.operator}: {out} windows are too many"
        starts = np.arange(out) * values["strides"][axis] - values["pads"][axis]
        steps = np.arange(values["kernel_shape"][axis]) * values["dilations"][axis]
        places = starts[:, None] + steps
        if not ((places >= 0) & (places < size)).any(1).all():
            return f"{layer.vertex.operator}: a window lies in the padding alone"
    return None


def resized_otherwise(layer: Layer) -> str | None:
    """A Resize with more or fewer sizes, or scales, than axes."""
    if layer.vertex.operator != "Resize":
        return None
    axes = layer.vertex.get("axes")
    count = len(axes) if isinstance(axes, tuple) else len(layer.operands[0].shape)
    for name in ("sizes", "scales"):
        given = layer.constants.get(name)
        if given is not None and given.size != count:
            return f"Resize: {given.size} {name} for {count} axes"
    return None


def indices_beyond(layer: Layer) -> str | None:
    """Gather by a constant index that its axis does not have."""
    indices = layer.constants.get("indices")
    if layer.vertex.operator != "Gather" or indices is None:
        return None
    axis: Any = layer.vertex.get("axis", 0)
    size = layer.operands[0].shape[axis]
    if np.any(indices < -size) or np.any(indices >= size):
        return f"Gather: an index beyond {size} places"
    return None


def axis_beyond(layer: Layer) -> str | None:
    """An axis that the tensor does not have; Flatten may name the one after the last."""
    axis, rank = layer.vertex.get("axis"), _rank(layer)
    if isinstance(axis, int) and not -rank <= axis <= rank:
        return f"{layer.vertex.operator}: axis {axis} of {rank}"
    return None


def _rank(layer: Layer) -> int:
    return len(layer.operands[0].shape) if layer.operands else 0


def refused_by_runtime(layer: Layer) -> str | None:
    """What ONNX allows and ONNX Runtime does not."""
    vertex, rank = layer.vertex, _rank(layer)
    if vertex.operator == "LRN":
        factors = (vertex.get("alpha", 1.0), vertex.get("beta", 1.0))
        if rank != 4 or any(not isinstance(f, float) or not 0 < f <= 16 for f in factors):
            return "LRN: of maps of two axes only, and with factors within reason"
    if vertex.operator == "InstanceNormalization" and rank < 3:
        return "InstanceNormalization: of maps only"
    if vertex.operator == "Pad" and (why := why_not_padded(layer)):
        return why
    if vertex.operator == "Where" and layer.outputs[0].dtype == BOOL:
        return "Where: of truth values"
    types = {tensor.dtype for tensor in layer.operands}
    if types - {FLOAT} and vertex.operator not in OF_ANY_TYPE:
        return f"{vertex.operator}: of numbers that are not float32"
    if vertex.get("axes") == () or (vertex.operator == "Squeeze" and not vertex.get("axes")):
        return f"{vertex.operator}: of no axes"  # which ONNX Runtime takes for all of them
    if has_odd_weights(layer):
        return f"{vertex.operator}: a constant where its weights stand"
    if vertex.operator == "Conv" and len(layer.operands) > 1:
        weight = layer.operands[1].shape
        kernel, group = vertex.get("kernel_shape"), vertex.get("group", 1)
        if weight[2:] != kernel or weight[0] % group:  # type: ignore[operator]
            return "Conv: a weight that is not its kernel's"
    kernel, pads = vertex.get("kernel_shape"), vertex.get("pads") or ()
    if vertex.operator in SLIDING and not 3 <= rank <= 5:
        return f"{vertex.operator}: of maps of one to three axes"
    if vertex.operator in POOLS and not _less(pads, kernel):
        return f"{vertex.operator}: pads as large as its window"
    if vertex.operator == "ConvTranspose" and is_padded_beyond(vertex):
        return "ConvTranspose: output_padding beyond its stride"
    if vertex.get("bias", 0) not in (0, 1) and vertex.operator in SUMMARIES["bias"]:
        return f"{vertex.operator}: bias is {vertex.get('bias')}"
    return None


def why_not_padded(layer: Layer) -> str | None:
    """A Pad of a value that another vertex makes, or one that reflects more than there is."""
    if len(layer.vertex.operands) > 1:
        return "Pad: of a value that is known at run time"
    values: dict[str, Any] = dict(layer.vertex.attributes)
    shape, pads = layer.operands[0].shape, values.get("pads", ())
    if "axes" not in values and len(pads) != 2 * len(shape):
        return f"Pad: {len(pads)} pads of {len(shape)} axes"
    if values.get("mode") == "reflect" and not _less(pads, shape):
        return f"Pad: reflects {pads} of {shape}"
    return None


def is_padded_beyond(vertex: Vertex) -> bool:
    """Whether a transposed convolution adds more at its end than it steps over."""
    added: Any = vertex.get("output_padding") or ()
    strides: Any = vertex.get("strides") or (1,) * len(added)
    return bool(added) and not _less(added, strides)


def _less(values: Any, limits: Any) -> bool:
    """Whether every number is below its limit; limits are repeated as often as it takes."""
    repeated = tuple(limits) * (len(values) // len(limits))
    return all(value < limit for value, limit in zip(values, repeated, strict=False))


def has_odd_weights(layer: Layer) -> bool:
    """Whether a constant stands for a weight in another shape than the layer's own."""
    operator = operator_of(layer.vertex.operator)
    if operator is None or layer.vertex.operator in ("Gemm", "PRelu"):
        return False
    held = layer.constants.keys() & set(dict(operator.torch_names))
    if not held or layer.vertex.operator in ("Conv", "ConvTranspose"):
        return bool(held)
    values = {"bias": 1, **dict(layer.vertex.attributes)}
    implied = operator.parameters(values, layer.operands[0].shape)
    return any(layer.constants[name].shape != implied.get(name) for name in held)

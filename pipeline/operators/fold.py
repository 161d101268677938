"""Shape arithmetic, evaluated while a file is read: Shape, Gather, Concat on known values.

At batch size 1 every shape is known, so a chain that computes a Reshape's target is constant.
Only the operators of such chains are evaluated, and only to small results
(:mod:`pipeline.operators.fold_limits`): what remains (weights computed from weights) keeps its
node. https://onnx.ai/onnx/operators
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
from onnx import NodeProto, helper

from pipeline.errors import ModelError
from pipeline.operators.fold_limits import check_kind, is_small
from pipeline.operators.schema import attribute_value, default_attributes
from pipeline.weightless.arrays import array_of

Array = np.ndarray
Attributes = dict[str, Any]
Fold = Callable[..., Any]


def can_fold(node: NodeProto) -> bool:
    """Whether a node is of the kind that computes shapes."""
    return node.op_type in FOLDS


def fold(node: NodeProto, inputs: list[Array | None]) -> list[Array] | None:
    """The outputs of a node whose inputs are all known; None when they are too large.

    Raises ModelError("fold") where the values do not fit.
    """
    attributes = _attributes(node)
    try:
        if not is_small(node, attributes, inputs):
            return None
        with np.errstate(all="ignore"):
            result = FOLDS[node.op_type](attributes, *inputs)
    except (ArithmeticError, AttributeError, IndexError, KeyError, TypeError, ValueError) as e:
        detail = " ".join(str(e).split())[:200]
        raise ModelError("fold", f"{node.op_type} of constants: {detail}") from e
    results = result if isinstance(result, list) else [result]
    if len(results) < len([name for name in node.output if name]):
        raise ModelError("fold", f"{node.op_type} of constants has too many outputs")
    return [np.asarray(array) for array in results]


def _attributes(node: NodeProto) -> Attributes:
    attributes: Attributes = dict(default_attributes(node.op_type))
    for attribute in node.attribute:
        value = attribute_value(attribute)
        is_tensor = attribute.type == attribute.TENSOR
        attributes[attribute.name] = array_of(attribute.t) if is_tensor else value
    return attributes


def elementwise(function: Callable[..., Any]) -> Fold:
    """A function of arrays that broadcast; the result has the last operand's type, or is
    truth values."""

    def run(attributes: Attributes, *inputs: Array) -> Array:
        result = np.asarray(function(*inputs))
        return result if result.dtype == np.bool_ else result.astype(inputs[-1].dtype)

    return run


def chained(function: Callable[..., Any]) -> Fold:
    """The same of any number of arrays, two at a time."""

    def run(attributes: Attributes, *inputs: Array) -> Array:
        total = inputs[0]
        for each in inputs[1:]:
            total = function(total, each)
        return total

    return run


def reduced(function: Callable[..., Any]) -> Fold:
    """A reduction over axes."""

    def run(attributes: Attributes, data: Array, axes: Array | None = None) -> Array:
        named = None if axes is None or not axes.size else tuple(axes.ravel().tolist())
        if named is None and attributes["noop_with_empty_axes"]:
            return data
        kept = bool(attributes["keepdims"])
        return np.asarray(function(data, axis=named, keepdims=kept)).astype(data.dtype)

    return run


def divide(a: Array, b: Array) -> Array:
    """Division that truncates integers."""
    if a.dtype.kind == "f":
        return a / b
    if not np.all(b):
        raise ZeroDivisionError("division by zero")
    return np.abs(a) // np.abs(b) * np.sign(a) * np.sign(b)


def raise_to(attributes: Attributes, a: Array, b: Array) -> Array:
    """A power, of the base's type."""
    return np.asarray(np.power(a, b)).astype(a.dtype)


def take_modulo(attributes: Attributes, a: Array, b: Array) -> Array:
    """Python's rule, or with fmod C's."""
    if a.dtype.kind != "f" and not np.all(b):
        raise ZeroDivisionError("modulo by zero")
    return np.fmod(a, b) if attributes["fmod"] else np.mod(a, b)


def clip(
    attributes: Attributes, x: Array, low: Array | None = None, high: Array | None = None
) -> Array:
    """Within bounds, either of which may be missing."""
    above = x if low is None else np.maximum(x, low)
    return np.asarray(above if high is None else np.minimum(above, high)).astype(x.dtype)


def cast(attributes: Attributes, x: Array) -> Array:
    """Another element type."""
    dtype = helper.tensor_dtype_to_np_dtype(attributes["to"])
    check_kind(dtype)
    return x.astype(dtype)


def reshape(attributes: Attributes, x: Array, shape: Array) -> Array:
    """0 keeps a size, unless allowzero."""
    target = shape.tolist()
    if not attributes["allowzero"]:
        target = [x.shape[axis] if size == 0 else size for axis, size in enumerate(target)]
    return x.reshape(target)


def squeeze(attributes: Attributes, x: Array, axes: Array | None = None) -> Array:
    """Without the axes named, or all of size 1."""
    return np.squeeze(x, None if axes is None else tuple(axes.ravel().tolist()))


def unsqueeze(attributes: Attributes, x: Array, axes: Array) -> Array:
    """With axes of size 1."""
    return np.expand_dims(x, tuple(axes.ravel().tolist()))


def transpose(attributes: Attributes, x: Array) -> Array:
    """Reversed where no order is given."""
    return np.transpose(x, attributes.get("perm"))


def concat(attributes: Attributes, *inputs: Array) -> Array:
    """One after the other."""
    return np.concatenate(inputs, attributes["axis"])


def gather(attributes: Attributes, x: Array, indices: Array) -> Array:
    """x[..., indices, ...]."""
    return np.take(x, indices, attributes["axis"])


def cut(
    attributes: Attributes,
    x: Array,
    starts: Array,
    ends: Array,
    axes: Array | None = None,
    steps: Array | None = None,
) -> Array:
    """Slice."""
    index = [slice(None)] * x.ndim
    named = range(starts.size) if axes is None else axes.tolist()
    by = [1] * starts.size if steps is None else steps.tolist()
    for axis, start, end, step in zip(named, starts.tolist(), ends.tolist(), by, strict=True):
        is_before_first = step < 0 and end < -x.shape[axis]  # Python would count from the end
        index[axis] = slice(start, None if is_before_first else end, step)
    return x[tuple(index)]


def split(attributes: Attributes, x: Array, sizes: Array | None = None) -> list[Array]:
    """Parts by size, or a number of equal ones."""
    axis = attributes["axis"]
    if sizes is None:
        each = -(-x.shape[axis] // attributes["num_outputs"])
        places = range(each, x.shape[axis], each)
    else:
        places = np.cumsum(sizes)[:-1]  # type: ignore[assignment]
    return np.split(x, list(places), axis)


def count(attributes: Attributes, start: Array, limit: Array, delta: Array) -> Array:
    """Range."""
    return np.arange(start.item(), limit.item(), delta.item(), dtype=start.dtype)


def fill(attributes: Attributes, shape: Array) -> Array:
    """ConstantOfShape."""
    value = attributes.get("value", np.zeros(1, np.float32))
    return np.full(shape.tolist(), value.item(), value.dtype)


def identity(attributes: Attributes, x: Array) -> Array:
    """EyeLike: of the input's shape, and of its type where no other is said."""
    kind = attributes.get("dtype")
    dtype = x.dtype if kind is None else helper.tensor_dtype_to_np_dtype(kind)
    check_kind(dtype)
    rows, columns = x.shape
    return np.eye(rows, columns, attributes["k"], dtype)


def expand(attributes: Attributes, x: Array, shape: Array) -> Array:
    """Broadcast, both ways."""
    return np.broadcast_to(x, np.broadcast_shapes(x.shape, tuple(shape.tolist())))


def tile(attributes: Attributes, x: Array, repeats: Array) -> Array:
    """Repeated along each axis."""
    return np.tile(x, repeats)


def scatter(attributes: Attributes, data: Array, indices: Array, updates: Array) -> Array:
    """ScatterND, as the exporter spells an assignment to a slice."""
    if attributes["reduction"] != "none":
        raise ValueError(f"reduction {attributes['reduction']!r}")
    result = data.copy()
    result[tuple(np.moveaxis(indices, -1, 0))] = updates
    return result


FOLDS: dict[str, Fold] = {
    "Add": elementwise(np.add),
    "Sub": elementwise(np.subtract),
    "Mul": elementwise(np.multiply),
    "Div": elementwise(divide),
    "Pow": raise_to,
    "Mod": take_modulo,
    "Max": chained(np.maximum),
    "Min": chained(np.minimum),
    "Equal": elementwise(np.equal),
    "Less": elementwise(np.less),
    "LessOrEqual": elementwise(np.less_equal),
    "Greater": elementwise(np.greater),
    "GreaterOrEqual": elementwise(np.greater_equal),
    "And": elementwise(np.logical_and),
    "Or": elementwise(np.logical_or),
    "Not": elementwise(np.logical_not),
    "Where": elementwise(np.where),
    "Neg": elementwise(np.negative),
    "Abs": elementwise(np.abs),
    "Floor": elementwise(np.floor),
    "Ceil": elementwise(np.ceil),
    "Round": elementwise(np.round),
    "Sqrt": elementwise(np.sqrt),
    "Exp": elementwise(np.exp),
    "Log": elementwise(np.log),
    "Sin": elementwise(np.sin),
    "Cos": elementwise(np.cos),
    "Reciprocal": elementwise(np.reciprocal),
    "Clip": clip,
    "Cast": cast,
    "Reshape": reshape,
    "Flatten": lambda a, x: x.reshape(math.prod(x.shape[: a["axis"]]), -1),
    "Squeeze": squeeze,
    "Unsqueeze": unsqueeze,
    "Transpose": transpose,
    "Concat": concat,
    "Split": split,
    "Gather": gather,
    "Slice": cut,
    "Range": count,
    "ConstantOfShape": fill,
    "Expand": expand,
    "EyeLike": identity,
    "Tile": tile,
    "ScatterND": scatter,
    "NonZero": lambda attributes, x: np.array(np.nonzero(x), np.int64),
    "ReduceSum": reduced(np.sum),
    "ReduceProd": reduced(np.prod),
    "ReduceMean": reduced(np.mean),
    "ReduceMax": reduced(np.max),
    "ReduceMin": reduced(np.min),
}


def shape_of(node: NodeProto, shape: tuple[int, ...]) -> Array:
    """What Shape or Size says of a tensor."""
    if node.op_type == "Size":
        return np.array(math.prod(shape), np.int64)
    ends = {a.name: a.i for a in node.attribute}
    return np.array(shape[slice(ends.get("start", 0), ends.get("end"))], np.int64)

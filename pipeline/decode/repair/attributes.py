"""The rules on attributes of any operator: nonsense goes, what is missing is filled in."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from math import inf, isfinite, prod
from typing import Any

from onnx import AttributeProto, TensorProto

from pipeline.decode.repair.arity import PAIRS
from pipeline.decode.repair.case import (
    Adapter,
    Case,
    Change,
    Values,
    ints,
    sorted_attributes,
    with_operands,
    with_values,
)
from pipeline.decode.repair.judge import NONSENSE
from pipeline.decode.repair.soundness import (
    DIVISORS,
    LIMITS,
    POSITIVE,
    SHARES,
    SMALLEST,
    SUMMARIES,
    WORDS,
    has_attribute,
)
from pipeline.errors import ModelError
from pipeline.graph.network import Shape, Value
from pipeline.operators.operands import DTYPE, FLOAT, PARAMETER, SHAPE, dtype_of
from pipeline.operators.registry import operator_of
from pipeline.operators.schema import default_attributes, schema_of

KIND = AttributeProto
LARGEST = 1e4  # of a float that is not a limit
MAX_DIM = 2**16
OPERANDS = {"Where": 3, "MatMul": 2, "Gather": 2, **dict.fromkeys(PAIRS, 2)}


def drop_nonsense(case: Case) -> Change | None:
    """Rule: an attribute has the kind of value its operator declares, and a number is one."""
    gone = [name for name, value in case.vertex.attributes if not is_sensible(case, name)]
    gone += [name + SHAPE for name in gone] + [name + DTYPE for name in gone]
    names = ", ".join(gone[:1])
    return with_values(case, f"{names} makes no sense", **dict.fromkeys(gone))


def is_sensible(case: Case, name: str) -> bool:
    """Whether the value of an attribute is of the right kind and within reason."""
    values, value = case.values, case.values[name]
    declared = schema_of(case.operator).attributes.get(name)
    if value not in WORDS.get(name, {}).get(case.operator, (value,)):
        return False
    if (case.operator, name) in DIVISORS and not (
        isinstance(value, float) and value >= SMALLEST
    ):
        return False
    formal = name.partition(".")[0]
    if declared is not None:
        return _has_kind(value, declared.type.value) and _numbers_make_sense(name, value)  # type: ignore[attr-defined]
    if not has_attribute(case.operator, name):
        return False
    if name in SUMMARIES:
        return isinstance(value, int) and (
            value in (0, 1) if name == "bias" else 0 < value <= MAX_DIM
        )
    if name.endswith(PARAMETER):
        sizes = ints(value)
        return sizes is not None and all(0 < d <= MAX_DIM for d in sizes)
    if name.endswith(SHAPE):
        return formal in values
    if name.endswith(DTYPE):
        return _is_dtype(value)
    size = len(value) if isinstance(value, tuple) else 1
    shape = values.get(formal + SHAPE)
    if shape is not None and (ints(shape) is None or prod(ints(shape) or ()) != size):
        return False
    elements = value if isinstance(value, tuple) else (value,)
    numeric = all(isinstance(e, int | float) for e in elements) and size > 0
    return numeric and _numbers_make_sense(name, value)


def _has_kind(value: Value, kind: int) -> bool:
    first = value[0] if isinstance(value, tuple) and value else value
    many = isinstance(value, tuple)
    match kind:
        case KIND.INT:
            return isinstance(value, int) and abs(value) < 2**31
        case KIND.FLOAT:
            return isinstance(value, float)
        case KIND.STRING:
            return isinstance(value, str)
        case KIND.INTS:
            return many and all(isinstance(v, int) and abs(v) < 2**31 for v in value)  # type: ignore[union-attr]
        case KIND.FLOATS:
            return many and isinstance(first, float)
    return False


def _numbers_make_sense(name: str, value: Value) -> bool:
    for number in value if isinstance(value, tuple) else (value,):
        if isinstance(number, float):
            if abs(number) == inf and name in LIMITS:
                continue
            if not isfinite(number) or (abs(number) > LARGEST and name not in LIMITS):
                return False
            if name in SHARES and not 0 <= number <= 1:
                return False
            if name in POSITIVE and not 0 < number <= 1:
                return False
    return True


def _is_dtype(value: Value) -> bool:
    try:
        return bool(dtype_of(str(value)) + 1)
    except ModelError:
        return False


def cast_operands(case: Case) -> Change | None:
    """Rule: operands that are not float32 are cast to it."""
    adapters = tuple(
        Adapter(number, "Cast", (("to", TensorProto.FLOAT),))
        for number, flow in enumerate(case.flows)
        if flow.dtype != FLOAT
    )
    if not adapters or case.operator in ("Cast", "Where"):
        return None
    return Change(case.vertex, "an operand is not float32", adapters)


def drop_surplus_operands(case: Case) -> Change | None:
    """Rule: an operator has no more operands than it computes with."""
    is_variadic = schema_of(case.operator).max_input > 2**16
    kept = len(case.flows) if is_variadic else OPERANDS.get(case.operator, 1)
    return with_operands(case, "too many operands", *case.vertex.operands[:kept])


def fill_attributes(case: Case) -> Change | None:
    """Rule: attributes that are missing take ONNX's defaults, and where ONNX has none a value
    that keeps the shape."""
    values = {**dict(default_attributes(case.operator)), **_usual(case), **case.values}
    operator = operator_of(case.operator)
    settled: dict[str, Value | None] = {**values}
    if operator is not None:
        try:
            settled |= operator.fill(values, case.shape, {})
        except (ModelError, *NONSENSE):
            settled = {**values}  # a rule of the operator's own sees to them
        settled |= dict.fromkeys(operator.drop)
    values = {name: value for name, value in settled.items() if value is not None}
    attributes = sorted_attributes(values)
    if repr(attributes) == repr(case.vertex.attributes):
        return None
    missing = sorted(values.keys() - case.values.keys())
    reason = f"{', '.join(missing) or 'attributes'} filled in"
    return Change(replace(case.vertex, attributes=attributes), reason)


def _usual(case: Case) -> Values:
    usual = USUAL.get(case.operator)
    return usual(case.shape) if usual else {}


def _window(shape: Shape) -> Values:
    rank = max(1, len(shape) - 2)
    return {
        "kernel_shape": (3,) * rank, "pads": (1,) * 2 * rank, "strides": (1,) * rank,
        "dilations": (1,) * rank,
    }  # fmt: skip


def _convolution(shape: Shape) -> Values:
    return {**_window(shape), "out_channels": shape[1] if len(shape) > 1 else 1, "bias": 0}


def _resize(shape: Shape) -> Values:
    return {
        "axes": tuple(range(2, len(shape))), "scales": (2.0,) * (len(shape) - 2),
        "coordinate_transformation_mode": "asymmetric", "nearest_mode": "floor",
    }  # fmt: skip


def _reduction(shape: Shape) -> Values:
    return {"axes": tuple(range(2, len(shape))) or (len(shape) - 1,)}


USUAL: dict[str, Callable[[Shape], Any]] = {
    "Conv": _convolution,
    "ConvTranspose": _convolution,
    "MaxPool": _window,
    "AveragePool": _window,
    "Gemm": lambda shape: {"out_features": shape[-1], "bias": 1, "transB": 1},
    "LayerNormalization": lambda _: {"bias": 1},
    "Concat": lambda _: {"axis": 1},
    "Split": lambda _: {"axis": 1, "num_outputs": 2},
    "Reshape": lambda _: {"shape": (0, -1)},
    "Transpose": lambda shape: {"perm": (0, *range(len(shape) - 1, 0, -1))},
    "Resize": _resize,
    "Cast": lambda _: {"to": int(TensorProto.FLOAT)},
    "LRN": lambda _: {"size": 5},
    "DepthToSpace": lambda _: {"blocksize": 2},
    "SpaceToDepth": lambda _: {"blocksize": 2},
    "Gather": lambda _: {"axis": 1, "indices": (0,)},
    "MatMul": lambda shape: {"B.parameter": (shape[-1], shape[-1])},
    **{
        f"Reduce{kind}": _reduction
        for kind in ("Mean", "Sum", "Max", "Min", "L1", "L2", "Prod")
    },
}

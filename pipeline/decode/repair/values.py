"""Which attributes an operator has, and which values of them make sense."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from math import inf, isfinite, prod

from onnx import AttributeProto

from pipeline.errors import ModelError
from pipeline.graph.network import INPUT, Value
from pipeline.operators.operands import DTYPE, PARAMETER, SHAPE, dtype_of
from pipeline.operators.registry import operator_of
from pipeline.operators.schema import position_of, schema_of

KIND = AttributeProto
MAX_DIM = 2**24  # of one axis of a parameter
MAX_INTEGER = 2**31
ABSURD = 1e6  # of an attribute that is a float


@cache
def has_attribute(operator: str, name: str) -> bool:
    """Whether an operator has an attribute, or an input that an attribute may fill."""
    if operator == INPUT:
        return name in ("shape", "dtype")
    known = operator_of(operator)
    return (
        name in schema_of(operator).attributes
        or (known is not None and name in known.summary)
        or position_of(operator, name.partition(".")[0]) is not None
    )


def why_nonsense(operator: str, values: Mapping[str, Value], name: str) -> str | None:
    """Why the value of an attribute, one of ``values``, makes no sense; None where it does."""
    value = values[name]
    if not has_attribute(operator, name):
        return f"has no attribute {name}"
    known = operator_of(operator)
    if known is None:
        return None
    if value not in known.choices.get(name, (value,)):
        return f"{name} is {value!r}"
    declared = schema_of(operator).attributes.get(name)
    low, high = known.ranges.get(name, (-ABSURD, ABSURD) if declared else (-inf, inf))
    if not all(_is_within(name in known.ranges, n, low, high) for n in elements_of(value)):
        return f"{name} is {value!r}"
    if declared is not None:
        is_kind = _has_kind(value, declared.type.value)  # type: ignore[attr-defined]
        return None if is_kind else f"{name} cannot be {value!r}"
    if name in known.summary:
        is_size = isinstance(value, int) and 0 <= value - (name == known.width) < MAX_DIM
        return None if is_size else f"{name} is {value!r}"
    return _why_no_input(values, name, value)


def elements_of(value: Value) -> tuple[Value, ...]:
    """A value that is a tuple, or the tuple of it alone."""
    return value if isinstance(value, tuple) else (value,)


def _is_within(declared: bool, number: Value, low: float, high: float) -> bool:
    if not isinstance(number, float):
        return True
    return low <= number <= high and (declared or isfinite(number))


def _why_no_input(values: Mapping[str, Value], name: str, value: Value) -> str | None:
    """The same of what stands for an input: a parameter's shape, a constant, its shape and
    type."""
    elements, formal = elements_of(value), name.partition(".")[0]
    if name.endswith(DTYPE):
        return None if _is_dtype(value) else f"{name} is {value!r}"
    if name.endswith((PARAMETER, SHAPE)):
        is_shape = isinstance(value, tuple) and all(
            isinstance(d, int) and 0 < d <= MAX_DIM for d in elements
        )
        is_lone = name.endswith(SHAPE) and formal not in values
        return None if is_shape and not is_lone else f"{name} is {value!r}"
    if not elements or not all(isinstance(e, int | float) for e in elements):
        return f"{name} is {value!r}"
    shape = values.get(name + SHAPE)
    if shape is not None:
        sizes = [d for d in elements_of(shape) if isinstance(d, int)]
        if prod(sizes) != len(elements):
            return f"{name} has {len(elements)} elements, not {shape}"
    return None


def _has_kind(value: Value, kind: int) -> bool:
    numbers = elements_of(value)
    is_whole = all(isinstance(n, int) and abs(n) < MAX_INTEGER for n in numbers)
    is_real = all(isinstance(n, float) for n in numbers)
    if isinstance(value, tuple):
        return (kind == KIND.INTS and is_whole) or (kind == KIND.FLOATS and is_real)
    return (
        (kind == KIND.INT and is_whole)
        or (kind == KIND.FLOAT and is_real)
        or (kind == KIND.STRING and isinstance(value, str))
    )


def _is_dtype(value: Value) -> bool:
    try:
        return bool(dtype_of(str(value)) + 1)
    except ModelError:
        return False

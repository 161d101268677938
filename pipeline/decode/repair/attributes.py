"""The rules on attributes of any operator: nonsense goes, what is missing is filled in, and
operands are of a kind and a number that the operator takes."""

from __future__ import annotations

from dataclasses import replace

from onnx import TensorProto

from pipeline.decode.repair.builder import (
    Adapter,
    Call,
    Change,
    sorted_attributes,
    with_operands,
    with_values,
)
from pipeline.decode.repair.check import NONSENSE
from pipeline.decode.repair.values import why_nonsense
from pipeline.errors import ModelError
from pipeline.graph.network import Value
from pipeline.operators.operands import DTYPE, FLOAT, SHAPE, data_inputs, is_variadic
from pipeline.operators.registry import operator_of
from pipeline.operators.schema import default_attributes, schema_of


def drop_nonsense(call: Call) -> Change | None:
    """Rule: an attribute has a value that its operator can have."""
    values = call.values
    found = {name: why_nonsense(call.operator, values, name) for name in values}
    gone = [name for name, why in found.items() if why]
    gone += [name + SHAPE for name in gone] + [name + DTYPE for name in gone]
    reason = next((why for why in found.values() if why), "")
    return with_values(call, reason, **dict.fromkeys(gone))


def cast_operands(call: Call) -> Change | None:
    """Rule: operands that are not float32 are cast to it, but those that never are."""
    adapters = tuple(
        Adapter(number, "Cast", (("to", int(TensorProto.FLOAT)),))
        for number, (operand, tensor) in enumerate(
            zip(call.vertex.operands, call.tensors, strict=True)
        )
        if tensor.dtype != FLOAT and takes_float(call.operator, operand.position)
    )
    return Change(call.vertex, "an operand is not float32", adapters) if adapters else None


def takes_float(operator: str, position: int) -> bool:
    """Whether an input may be of float32 (a Gather's indices may not)."""
    inputs = schema_of(operator).inputs
    return "tensor(float)" in inputs[min(position, len(inputs) - 1)].types


def drop_surplus_operands(call: Call) -> Change | None:
    """Rule: an operator has no more operands than it computes with."""
    if is_variadic(call.operator):
        return None
    kept = len(data_inputs(call.operator))
    return with_operands(call, "too many operands", *call.vertex.operands[:kept])


def fill_attributes(call: Call) -> Change | None:
    """Rule: attributes that are missing take ONNX's defaults, and where ONNX has none a value
    that keeps the shape."""
    operator = operator_of(call.operator)
    values = {
        **dict(default_attributes(call.operator)),
        **(operator.usual(call.shape) if operator else {}),
        **call.values,
    }
    settled: dict[str, Value | None] = {**values}
    if operator is not None:
        try:
            settled |= operator.fill(values, call.shape, {})
        except (ModelError, *NONSENSE):
            settled = {**values}  # a rule of the operator's own sees to them
        settled |= dict.fromkeys(operator.drop)
    values = {name: value for name, value in settled.items() if value is not None}
    attributes = sorted_attributes(values)
    if repr(attributes) == repr(call.vertex.attributes):
        return None
    missing = sorted(values.keys() - call.values.keys())
    reason = f"{', '.join(missing) or 'attributes'} filled in"
    return Change(replace(call.vertex, attributes=attributes), reason)

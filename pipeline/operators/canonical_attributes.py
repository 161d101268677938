"""One node of a file -> the attributes of its vertex, in their one spelling."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from onnx import NodeProto, helper

from pipeline.errors import InvalidNetwork, ModelError
from pipeline.graph.network import Attributes, Shape, Value
from pipeline.operators.fold_limits import UNFIT_KINDS
from pipeline.operators.memoise import memoise
from pipeline.operators.operands import (
    DTYPE,
    SHAPE,
    Tensor,
    constant_attributes,
    fill_parameters,
)
from pipeline.operators.registry import Operator, Shapes, Values, operator_of
from pipeline.operators.schema import (
    attribute_value,
    default_attributes,
    formal_name,
    is_optional,
    schema_of,
)
from pipeline.operators.weight_or_architecture import idle_affine, is_weight_like

EDGE, WEIGHT, CONSTANT = "edge", "weight", "constant"


class Given(NamedTuple):
    """What fills one input of a node; of a constant, its values."""

    kind: str
    tensor: Tensor
    content: bytes = b""


@dataclass(frozen=True, slots=True)
class CanonicalNode:
    """The attributes of a vertex, the positions of its operands, and its weights: formal name
    and position."""

    attributes: Attributes
    spelled: str  # the same as text
    operands: tuple[int, ...]
    weights: tuple[tuple[str, int], ...]


_KNOWN: dict[tuple[object, ...], CanonicalNode] = {}


def constant(array: np.ndarray) -> Given:
    """A constant operand. Raises ModelError for one of strings or complex numbers, and for
    whole numbers beyond 64 bits with a sign, which no attribute holds."""
    if array.dtype.kind in UNFIT_KINDS:
        raise ModelError("bad_tensor", f"a constant of {array.dtype} among the operands")
    if array.dtype == np.uint64 and array.size and array.max() > np.iinfo(np.int64).max:
        raise ModelError("bad_tensor", f"{array.max()} among the operands: beyond int64")
    dtype = helper.np_dtype_to_tensor_dtype(array.dtype)
    return Given(CONSTANT, Tensor(dtype, array.shape), array.tobytes())


def canonical_attributes(
    node: NodeProto, inputs: tuple[Given | None, ...], outputs: int = 1
) -> CanonicalNode:
    """A node with at least one edge, and what fills its inputs -> its attributes: ONNX's
    defaults filled in, auto_pad and the like resolved, parameters said by what their shapes
    follow from. ``outputs``: how many of its outputs are used.

    Raises ModelError, InvalidNetwork where attributes and inputs do not fit.
    """
    spelled = tuple([attribute.SerializeToString() for attribute in node.attribute])
    key = (node.op_type, spelled, inputs, outputs)
    return memoise(_KNOWN, key, lambda: _canonical(node, inputs, outputs))


def _canonical(
    node: NodeProto, inputs: tuple[Given | None, ...], outputs: int
) -> CanonicalNode:
    operator = operator_of(node.op_type)
    dropped = set(operator.drop) if operator else set()
    if operator is not None and outputs == 1:
        dropped.update(operator.of_other_outputs)
    values = _given_attributes(node)
    arrays = [_array(given) for given in inputs]
    formals = [formal_name(node.op_type, position) for position in range(len(inputs))]
    idle = idle_affine(node.op_type, dict(zip(formals, arrays, strict=True)))
    operands: list[int] = []
    parameters: dict[str, Tensor] = {}
    weights: list[tuple[str, int]] = []
    shapes: Shapes = {}
    for position, given in enumerate(inputs):
        formal = formals[position]
        shapes[formal] = given.tensor.shape if given else ()
        if given is None:
            continue
        if given.kind == EDGE:
            operands.append(position)
        elif (array := arrays[position]) is None or (
            formal not in idle and is_weight_like(node.op_type, formal, array)
        ):
            parameters[formal] = given.tensor
            weights.append((formal, position))
        elif formal not in dropped and (array.size or not is_optional(node.op_type, position)):
            values |= constant_attributes(formal, array)
    for name in dropped:
        values.pop(name, None)
    first = inputs[operands[0]]
    assert first is not None
    if operands[0] and values.get("auto_pad", "NOTSET") != "NOTSET":
        raise InvalidNetwork("attributes", f"{node.op_type}: auto_pad of what is a weight")
    if operator is not None:
        values = _fill(operator, values, first.tensor.shape, shapes)
    values |= fill_parameters(node.op_type, values, parameters, first.tensor.shape)
    attributes = tuple(sorted(values.items()))
    return CanonicalNode(attributes, repr(attributes), tuple(operands), tuple(weights))


def _array(given: Given | None) -> np.ndarray | None:
    if given is None or given.kind != CONSTANT:
        return None
    dtype = helper.tensor_dtype_to_np_dtype(given.tensor.dtype)
    return np.frombuffer(given.content, dtype).reshape(given.tensor.shape)


def _given_attributes(node: NodeProto) -> Values:
    values: dict[str, Value] = dict(default_attributes(node.op_type))
    known = schema_of(node.op_type).attributes
    for attribute in node.attribute:
        if attribute.name not in known:
            raise ModelError("attribute", f"{node.op_type} has no {attribute.name!r}")
        value = attribute_value(attribute)
        if value is None or attribute.type != known[attribute.name].type.value:  # type: ignore[attr-defined]
            raise ModelError(
                "attribute", f"{node.op_type}.{attribute.name} is of another kind"
            )
        values[attribute.name] = value
    return values


def _fill(operator: Operator, values: Values, first: Shape, shapes: Shapes) -> Values:
    try:
        filled = {**values, **operator.fill(values, first, shapes)}
    except (KeyError, IndexError, TypeError, ValueError, ArithmeticError) as e:
        raise InvalidNetwork(
            "attributes", f"{operator.name}: attributes {values} do not fit input {first}"
        ) from e
    kept = {name: value for name, value in filled.items() if value is not None}
    return {name: value for name, value in kept.items() if not _is_left_over(name, kept)}


def _is_left_over(name: str, values: Values) -> bool:
    """Whether an entry is about a constant that is no longer there: ``axes.dtype``."""
    return any(name.endswith(s) and name.removesuffix(s) not in values for s in (DTYPE, SHAPE))

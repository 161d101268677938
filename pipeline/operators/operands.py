"""What fills an operator's inputs: edges, parameters (shape only), constants, or nothing.

Edges are operands of the vertex; the other two stand among its attributes under ONNX's formal
input names. A constant is ``min: 0.0``, or ``B: (1, 2, 3, 4)`` with ``B.shape: (2, 2)`` when
it has more than one axis, and ``B.dtype`` when it is neither float32 nor int64. A parameter is
``B.parameter: (64, 1, 1)``, its shape, unless the operator's own rule gives it (Conv's weight
follows from ``out_channels``).
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from typing import NamedTuple

import numpy as np
from onnx import TensorProto, helper
from onnx.defs import OpSchema

from pipeline.errors import InvalidNetwork
from pipeline.graph.network import Shape, Value, Vertex
from pipeline.operators.registry import operator_of
from pipeline.operators.schema import formal_name, position_of, schema_of

PARAMETER, SHAPE, DTYPE = ".parameter", ".shape", ".dtype"
FLOAT, INT64 = TensorProto.FLOAT, TensorProto.INT64


class Tensor(NamedTuple):
    """Element type (TensorProto.DataType) and shape of a tensor whose values play no part."""

    dtype: int
    shape: Shape


def constant_attributes(formal: str, array: np.ndarray) -> dict[str, Value]:
    """A constant operand -> the attributes that hold it exactly."""
    dtype = helper.np_dtype_to_tensor_dtype(array.dtype)
    values = array.ravel().tolist()
    if array.dtype == np.bool_:
        values = [int(v) for v in values]
    attributes: dict[str, Value] = {formal: tuple(values) if array.ndim else values[0]}
    if array.ndim > 1:
        attributes[formal + SHAPE] = tuple(array.shape)
    if dtype != (FLOAT if values and isinstance(values[0], float) else INT64):
        attributes[formal + DTYPE] = dtype_name(dtype)
    return attributes


@cache
def data_inputs(operator_name: str) -> tuple[int, ...]:
    """The positions of the inputs that tensors flow into: all but those of parameters and
    those that shape the computation. Of an operator that takes any number, the first of them.
    """
    operator, schema = operator_of(operator_name), schema_of(operator_name)
    others = {*operator.torch_names, *operator.structural} if operator else set()
    return tuple(p for p, formal in enumerate(schema.inputs) if formal.name not in others)


def is_variadic(operator_name: str) -> bool:
    """Whether an operator takes any number of tensors."""
    inputs = schema_of(operator_name).inputs
    return bool(inputs) and inputs[-1].option == OpSchema.FormalParameterOption.Variadic


def constants_of(vertex: Vertex) -> dict[str, np.ndarray]:
    """Formal name -> array, for every constant operand of a vertex."""
    values = dict(vertex.attributes)
    known = schema_of(vertex.operator).attributes
    constants = {}
    for name, value in values.items():
        if name in known or "." in name or position_of(vertex.operator, name) is None:
            continue
        constants[name] = _constant_array(values, name, value)
    return constants


def parameters_of(vertex: Vertex, first: Shape) -> dict[str, Tensor]:
    """Formal name -> type and shape, for every parameter of a vertex.

    ``first`` is the shape of its first operand. Raises InvalidNetwork when they are unknown.
    """
    values = dict(vertex.attributes)
    spelled = {
        name.removesuffix(PARAMETER): value
        for name, value in values.items()
        if name.endswith(PARAMETER)
    }
    if spelled:
        dtypes = {n: dtype_of(str(values.get(n + DTYPE, "float32"))) for n in spelled}
        return {n: Tensor(dtypes[n], _shape(vertex, v)) for n, v in spelled.items()}
    operator = operator_of(vertex.operator)
    if operator is None:
        return {}
    given = {formal_name(vertex.operator, o.position) for o in vertex.operands} | values.keys()
    try:
        implied = operator.parameters(values, first)
    except (KeyError, IndexError, TypeError, ArithmeticError) as e:
        if (
            given & operator.torch_names.keys()
        ):  # Conv's weight computed from data, or constant
            return {}
        raise InvalidNetwork(
            "attributes", f"{vertex.operator}: attributes {values} do not fit input {first}"
        ) from e
    return {n: Tensor(FLOAT, s) for n, s in implied.items() if n not in given}


def fill_parameters(
    operator_name: str,
    values: dict[str, Value],
    parameters: Mapping[str, Tensor],
    first: Shape,
) -> dict[str, Value]:
    """The attributes that stand for a vertex's parameters.

    The operator's own summary when it gives back exactly these, else each spelled out.
    """
    operator = operator_of(operator_name)
    if operator is not None:
        shapes = {name: tensor.shape for name, tensor in parameters.items()}
        try:
            summary = operator.summarise(shapes, values)
            implied = operator.parameters({**values, **summary}, first)
        except (KeyError, IndexError, TypeError, ArithmeticError):
            implied = None
        if implied == shapes and all(t.dtype == FLOAT for t in parameters.values()):
            return summary
    spelled: dict[str, Value] = {n + PARAMETER: t.shape for n, t in parameters.items()}
    for name, tensor in parameters.items():
        if tensor.dtype != FLOAT:
            spelled[name + DTYPE] = dtype_name(tensor.dtype)
    return spelled


def dtype_name(dtype: int) -> str:
    """``TensorProto.FLOAT`` -> ``"float32"``: numpy's names."""
    return str(np.dtype(helper.tensor_dtype_to_np_dtype(dtype)))


def dtype_of(name: str) -> int:
    """The inverse of :func:`dtype_name`. Raises InvalidNetwork for an unknown name."""
    try:
        return helper.np_dtype_to_tensor_dtype(np.dtype(name))
    except (TypeError, KeyError, ValueError) as e:
        raise InvalidNetwork("attributes", f"unknown element type {name!r}") from e


def _constant_array(values: Mapping[str, Value], name: str, value: Value) -> np.ndarray:
    default = "int64"
    sample = value[0] if isinstance(value, tuple) and value else value
    if isinstance(sample, float):
        default = "float32"
    array = np.array(value, dtype=np.dtype(str(values.get(name + DTYPE, default))))
    shape = values.get(name + SHAPE)
    return array if shape is None else array.reshape(shape)  # type: ignore[arg-type]


def _shape(vertex: Vertex, value: Value) -> Shape:
    if not isinstance(value, tuple) or not all(isinstance(d, int) and d >= 0 for d in value):
        raise InvalidNetwork("attributes", f"{vertex.operator}: {value!r} is no shape")
    return value  # type: ignore[return-value]

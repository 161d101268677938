"""ONNX's own word on an operator: its formal inputs, its defaults, its shape inference."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cache, lru_cache

import onnx
from onnx import NodeProto, TensorProto, TypeProto, helper

from pipeline.errors import InvalidNetwork, UnsupportedOperator
from pipeline.graph.network import Shape, Value

OPSET = 20  # the one form every file is brought to; the newest the exact exporter writes
OPSET_IMPORTS = [helper.make_opsetid("", OPSET)]


@cache
def schema_of(operator: str) -> onnx.defs.OpSchema:
    """The schema of a standard operator at :data:`OPSET`. Raises UnsupportedOperator."""
    try:
        return onnx.defs.get_schema(operator, OPSET)
    except onnx.defs.SchemaError:
        raise UnsupportedOperator(
            "unknown_operator", f"{operator} is no operator of ONNX opset {OPSET}"
        ) from None


@cache
def formal_name(operator: str, position: int) -> str:
    """ONNX's name of an operator's input: ``formal_name("Conv", 1) == "W"``.

    Variadic inputs are numbered: ``formal_name("Concat", 2) == "inputs_2"``.
    """
    inputs = schema_of(operator).inputs
    variadic = onnx.defs.OpSchema.FormalParameterOption.Variadic
    if position < len(inputs) and inputs[position].option != variadic:
        return inputs[position].name
    if inputs and inputs[-1].option == variadic:
        return f"{inputs[-1].name}_{position}"
    raise InvalidNetwork("arity", f"{operator} has no input at position {position}")


@cache
def position_of(operator: str, name: str) -> int | None:
    """The inverse of :func:`formal_name`; None for a name that is no input."""
    for position, formal in enumerate(schema_of(operator).inputs):
        if formal.name == name:
            return position
        prefix, _, number = name.rpartition("_")
        if prefix == formal.name and number.isdecimal():
            return int(number)
    return None


def is_optional(operator: str, position: int) -> bool:
    """Whether an operator's input may be left out."""
    inputs = schema_of(operator).inputs
    optional = onnx.defs.OpSchema.FormalParameterOption.Optional
    return position < len(inputs) and inputs[position].option == optional


@cache
def default_attributes(operator: str) -> tuple[tuple[str, Value], ...]:
    """The defaults ONNX gives, as (name, value) pairs."""
    attributes = schema_of(operator).attributes.values()
    pairs = ((a.name, attribute_value(a.default_value)) for a in attributes)
    return tuple((name, value) for name, value in pairs if value is not None)


def attribute_value(attribute: onnx.AttributeProto) -> Value | None:
    """An ONNX attribute -> int, float, str or a tuple of them; None when it holds none."""
    kinds = onnx.AttributeProto
    match attribute.type:
        case kinds.INT:
            return attribute.i
        case kinds.FLOAT:
            return attribute.f
        case kinds.STRING:
            return attribute.s.decode("utf-8", "replace")
        case kinds.INTS:
            return tuple(attribute.ints)
        case kinds.FLOATS:
            return tuple(attribute.floats)
        case kinds.STRINGS:
            return tuple(s.decode("utf-8", "replace") for s in attribute.strings)
    return None


def infer_outputs(
    node: NodeProto,
    shapes: Mapping[str, tuple[int, Shape]],
    data: Mapping[str, TensorProto],
) -> list[tuple[int, Shape]]:
    """Element type and shape of each output of one node, by ONNX's own shape inference.

    ``shapes`` holds element type and shape of every input, ``data`` the constant ones.
    Raises InvalidNetwork when the shapes disagree or one cannot be known beforehand.
    """
    types = {name: _type_proto(*known) for name, known in shapes.items()}
    schema = schema_of(node.op_type)
    try:
        if not schema.has_type_and_shape_inference_function:
            inferred = _infer_function(node, types)
        else:
            inferred = onnx.shape_inference.infer_node_outputs(
                schema, node, types, dict(data), opset_imports=OPSET_IMPORTS
            )
    except (onnx.shape_inference.InferenceError, onnx.checker.ValidationError) as e:
        raise InvalidNetwork("shapes", f"{node.op_type}: {_first_line(e)}") from e
    return [_known_shape(node, inferred.get(name)) for name in node.output]


def _infer_function(node: NodeProto, types: Mapping[str, TypeProto]) -> dict[str, TypeProto]:
    """The same for an operator that ONNX defines by others: inferred through those."""
    inputs = [helper.make_value_info(name, known) for name, known in types.items()]
    outputs = [helper.make_empty_tensor_value_info(name) for name in node.output]
    graph = helper.make_graph([node], "function", inputs, outputs)
    model = helper.make_model(graph, opset_imports=OPSET_IMPORTS)
    inferred = onnx.shape_inference.infer_shapes(model, strict_mode=True)
    return {value.name: value.type for value in inferred.graph.output}


def node_of(
    operator: str,
    attributes: Mapping[str, Value],
    inputs: Sequence[str],
    outputs: Sequence[str],
) -> NodeProto:
    """A NodeProto; attributes that the schema does not know are inputs and are left out.

    Raises InvalidNetwork for a value that no attribute can have.
    """
    known = schema_of(operator).attributes
    node = helper.make_node(operator, inputs, outputs)
    for name, value in attributes.items():
        if name in known:
            kind = known[name].type.value if value == () else None  # type: ignore[attr-defined]
            try:
                node.attribute.append(helper.make_attribute(name, value, attr_type=kind))
            except (AssertionError, TypeError, ValueError) as e:
                raise InvalidNetwork(
                    "attributes", f"{operator}: {name} cannot be {value!r}"
                ) from e
    return node


@lru_cache(maxsize=4096)
def _type_proto(element_type: int, shape: Shape) -> TypeProto:
    return helper.make_tensor_type_proto(element_type, shape)


def _known_shape(node: NodeProto, inferred: TypeProto | None) -> tuple[int, Shape]:
    if inferred is None or not inferred.HasField("tensor_type"):
        raise InvalidNetwork("shapes", f"{node.op_type}: the output shape cannot be known")
    dims = inferred.tensor_type.shape.dim
    if not inferred.tensor_type.HasField("shape") or not all(
        d.HasField("dim_value") for d in dims
    ):
        raise InvalidNetwork("shapes", f"{node.op_type}: the output shape depends on data")
    shape = tuple(d.dim_value for d in dims)
    if min(shape, default=1) <= 0:
        raise InvalidNetwork("shapes", f"{node.op_type}: output shape {shape} is empty")
    return inferred.tensor_type.elem_type, shape


def _first_line(error: Exception) -> str:
    return str(error).strip().splitlines()[0][:200]

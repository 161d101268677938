"""ONNX -> Network, without ever reading a weight; and the weights of a network on demand."""

from __future__ import annotations

from dataclasses import dataclass, field
from os import PathLike, fspath
from typing import BinaryIO

import numpy as np
from onnx import ModelProto, NodeProto, helper, numpy_helper

from pipeline.errors import InvalidNetwork, ModelError
from pipeline.graph.canonical import canonicalise
from pipeline.graph.network import INPUT, OUTPUT, Network, Operand, Shape, Value, Vertex
from pipeline.harvest.skeleton import read_skeleton
from pipeline.operators.operands import (
    AFFINE,
    Tensor,
    constant_attributes,
    dtype_name,
    has_no_affine,
    is_weight_like,
    settle_parameters,
)
from pipeline.operators.prepare import Prepared, prepare, sort_nodes
from pipeline.operators.registry import Operator, Shapes, Values, operator_of
from pipeline.operators.schema import (
    attribute_value,
    default_attributes,
    formal_name,
    infer_outputs,
    is_optional,
    schema_of,
)
from pipeline.operators.shapes import infer_layer

Source = str | PathLike[str] | BinaryIO


@dataclass(frozen=True)
class Flow:
    """A value on the data path: output slot of a vertex."""

    vertex: int
    output: int


@dataclass(frozen=True)
class Weight:
    """A value that depends on weights only: its type and shape, and its name in the file."""

    tensor: Tensor
    name: str


@dataclass
class Reading:
    """A model being read: what every value name stands for, the vertices so far."""

    prepared: Prepared
    values: dict[str, Flow | Weight | np.ndarray] = field(default_factory=dict)
    vertices: list[Vertex] = field(default_factory=list)
    outputs: list[tuple[Tensor, ...]] = field(default_factory=list)
    weights: list[dict[str, str]] = field(default_factory=list)
    used: set[str] = field(default_factory=set)


def read_onnx(source: Source, input_shape: Shape | None = None) -> Network:
    """The network in an ONNX file: a path, a binary file object or any fsspec address.

    ``input_shape`` (without the batch) is needed only where the file leaves dims open.
    Weights and external data are never read. Raises ModelError naming the file and the cause.
    """
    return _read(source, input_shape)[0]


def read_skeleton_network(model: ModelProto, input_shape: Shape | None = None) -> Network:
    """The network in a skeleton that is in memory already. Raises ModelError."""
    return _network_of(prepare(model, input_shape))[0]


def read_weights(source: Source, network: Network) -> dict[str, np.ndarray]:
    """Parameter name (as in :func:`to_torch`'s state_dict) -> array, for a file with weights.

    Raises ModelError: other_network when the file holds another, no_weights for a skeleton.
    """
    from pipeline.operators.weights import load_weights

    found, names, prepared = _read(source, None)
    if found != network:
        raise ModelError("other_network", "the file holds another network", _name(source))
    return load_weights(source, found, names, prepared)


def _read(
    source: Source, input_shape: Shape | None
) -> tuple[Network, list[dict[str, str]], Prepared]:
    try:
        prepared = prepare(read_skeleton(source), input_shape)
        return (*_network_of(prepared), prepared)
    except ModelError as e:
        raise e.at(_name(source)) from e.__cause__


def _network_of(prepared: Prepared) -> tuple[Network, list[dict[str, str]]]:
    """The network, and for each of its vertices formal name -> value name of its weights."""
    reading = Reading(prepared)
    reading.used.update(output.name for output in prepared.graph.output)
    reading.used.update(name for node in prepared.graph.node for name in node.input)
    _read_inputs(reading)
    for node in sort_nodes(prepared.graph):
        _read_node(reading, node)
    sink = _read_outputs(reading)
    network, order = canonicalise(reading.vertices, sink)
    return network, [reading.weights[old] for old in order]


def _read_inputs(reading: Reading) -> None:
    graph = reading.prepared.graph
    for value in graph.input:
        tensor_type = value.type.tensor_type
        dims = tuple(d.dim_value for d in tensor_type.shape.dim)
        if value.name == reading.prepared.data_input:
            attributes: dict[str, Value] = {"shape": dims[1:]}
            attributes["dtype"] = dtype_name(tensor_type.elem_type)
            reading.values[value.name] = _add_vertex(reading, INPUT, attributes, ())[0]
        else:
            reading.values[value.name] = Weight(
                Tensor(tensor_type.elem_type, dims), value.name
            )
    for initializer in graph.initializer:
        reading.values[initializer.name] = _constant(reading, initializer)


def _constant(reading: Reading, tensor: object) -> np.ndarray:
    try:
        return numpy_helper.to_array(tensor)  # type: ignore[arg-type]
    except (ValueError, TypeError, KeyError, ModelError) as e:
        raise ModelError("bad_tensor", f"a constant cannot be decoded: {e}") from e


def _read_node(reading: Reading, node: NodeProto) -> None:
    schema_of(node.op_type)  # an operator ONNX does not know is refused here, by name
    if node.op_type == "Constant":
        reading.values[node.output[0]] = _constant_node(reading, node)
        return
    inputs = [reading.values[name] if name else None for name in node.input]
    if node.op_type == "Identity" and inputs and inputs[0] is not None:
        reading.values[node.output[0]] = inputs[0]
    elif not any(isinstance(value, Flow) for value in inputs):
        _read_weight_arithmetic(reading, node)
    else:
        _read_vertex(reading, node, inputs)


def _constant_node(reading: Reading, node: NodeProto) -> np.ndarray:
    attribute = node.attribute[0] if node.attribute else None
    if attribute is None:
        raise ModelError("bad_tensor", "a Constant node without a value")
    if attribute.name == "value":
        return _constant(reading, attribute.t)
    value = attribute_value(attribute)
    is_float = attribute.name in ("value_float", "value_floats")
    if value is None or attribute.name.startswith("value_string"):
        raise ModelError("bad_tensor", f"a Constant node holding {attribute.name!r}")
    return np.array(value, dtype=np.float32 if is_float else np.int64)


def _read_weight_arithmetic(reading: Reading, node: NodeProto) -> None:
    """A node that computes weights from weights: its outputs are weights of known shape."""
    shapes, data = {}, {}
    for name in filter(None, node.input):
        value = reading.values[name]
        if isinstance(value, Weight):
            shapes[name] = (value.tensor.dtype, value.tensor.shape)
        elif isinstance(value, np.ndarray):
            data[name] = numpy_helper.from_array(value, name)
            shapes[name] = (data[name].data_type, tuple(value.shape))
    for name, known in zip(node.output, infer_outputs(node, shapes, data), strict=True):
        if name:
            reading.values[name] = Weight(Tensor(*known), name)


def _read_vertex(
    reading: Reading, node: NodeProto, inputs: list[Flow | Weight | np.ndarray | None]
) -> None:
    operator = operator_of(node.op_type)
    dropped = set(operator.drop) if operator else set()
    operands, parameters, names = [], {}, {}
    values: dict[str, Value] = dict(default_attributes(node.op_type))
    for attribute in node.attribute:
        value = attribute_value(attribute)
        if value is None:
            raise ModelError(
                "attribute", f"{node.op_type}.{attribute.name} is of no plain kind"
            )
        values[attribute.name] = value
    fixed = AFFINE if has_no_affine(node.op_type, inputs) else ()
    for position, given in enumerate(inputs):
        formal = formal_name(node.op_type, position)
        if (
            isinstance(given, np.ndarray)
            and position not in fixed
            and is_weight_like(node.op_type, formal, given)
        ):
            dtype = helper.np_dtype_to_tensor_dtype(given.dtype)
            given = Weight(Tensor(dtype, tuple(given.shape)), node.input[position])
        if isinstance(given, Flow):
            operands.append(Operand(given.vertex, given.output, position))
        elif isinstance(given, Weight):
            parameters[formal], names[formal] = given.tensor, given.name
        elif given is None or formal in dropped:
            continue
        elif given.size or not is_optional(node.op_type, position):
            values |= constant_attributes(formal, _rebatch(reading, node, formal, given))
    for name in dropped:
        values.pop(name, None)
    first = reading.outputs[operands[0].source][operands[0].output].shape
    if operator is not None:
        shapes = {
            formal_name(node.op_type, p): _shape(reading, v) for p, v in enumerate(inputs)
        }
        values = _fill(operator, values, first, shapes)
    values |= settle_parameters(node.op_type, values, parameters, first)
    # Outputs at the end that nobody uses are left out: a BatchNormalization exported in
    # training mode lists its new statistics, a Dropout its mask.
    count = max(
        (slot for slot, n in enumerate(node.output, 1) if n in reading.used), default=1
    )
    if operator is not None and operator.outputs is not None:
        count = len(node.output)
    outputs = _add_vertex(reading, node.op_type, values, tuple(operands), count)
    reading.weights[-1] = names
    for name, flow in zip(node.output[:count], outputs, strict=True):
        if name:
            reading.values[name] = flow


def _shape(reading: Reading, value: Flow | Weight | np.ndarray | None) -> Shape:
    if isinstance(value, Flow):
        return reading.outputs[value.vertex][value.output].shape
    if isinstance(value, Weight):
        return value.tensor.shape
    return () if value is None else tuple(value.shape)


def _fill(operator: Operator, values: Values, first: Shape, shapes: Shapes) -> Values:
    try:
        filled = {**values, **operator.fill(values, first, shapes)}
    except (KeyError, IndexError, TypeError, ValueError, ZeroDivisionError) as e:
        raise InvalidNetwork(
            "attributes", f"{operator.name}: attributes {values} do not fit input {first}"
        ) from e
    return {name: value for name, value in filled.items() if value is not None}


def _rebatch(reading: Reading, node: NodeProto, formal: str, array: np.ndarray) -> np.ndarray:
    """Target shapes that name the file's batch size name batch size 1 instead."""
    is_target = (node.op_type, formal) in {
        ("Reshape", "shape"),
        ("Expand", "shape"),
        ("Resize", "sizes"),
    }
    batch = reading.prepared.batch
    if is_target and batch > 1 and array.size and array[0] == batch:
        array = array.copy()
        array[0] = 1
    return array


def _add_vertex(
    reading: Reading,
    operator: str,
    values: dict[str, Value],
    operands: tuple[Operand, ...],
    outputs: int = 1,
) -> list[Flow]:
    index = len(reading.vertices)
    vertex = Vertex(operator, tuple(sorted(values.items())), operands)
    tensors = [reading.outputs[o.source][o.output] for o in operands]
    layer = infer_layer(index, vertex, tensors, outputs)
    reading.vertices.append(vertex)
    reading.outputs.append(layer.outputs)
    reading.weights.append({})
    return [Flow(index, slot) for slot in range(outputs)]


def _read_outputs(reading: Reading) -> int:
    operands = []
    for position, output in enumerate(reading.prepared.graph.output):
        value = reading.values.get(output.name)
        if value is None:
            raise ModelError("undeclared", f"output {output.name!r} is produced by no node")
        if isinstance(value, Flow):
            operands.append(Operand(value.vertex, value.output, position))
    if not operands:
        raise ModelError("no_output", "no output depends on the input")
    operands = [Operand(o.source, o.output, p) for p, o in enumerate(operands)]
    _add_vertex(reading, OUTPUT, {}, tuple(operands))
    return len(reading.vertices) - 1


def _name(source: Source) -> str:
    if isinstance(source, str | PathLike):
        return str(fspath(source))
    return str(getattr(source, "name", "") or "<file object>")

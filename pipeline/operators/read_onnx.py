"""ONNX -> Network, without ever reading a weight; and the weights of a network on demand."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import partial
from io import BytesIO
from os import PathLike, fspath
from typing import BinaryIO, NamedTuple

import numpy as np
from onnx import ModelProto, NodeProto, TensorProto, ValueInfoProto, numpy_helper

from pipeline.errors import InvalidNetwork, ModelError, UnsupportedOperator
from pipeline.graph.canonical import canonicalise
from pipeline.graph.network import INPUT, OUTPUT, Attributes, Network, Operand, Shape, Vertex
from pipeline.operators.axes import check_target
from pipeline.operators.canonical_attributes import (
    CONSTANT,
    EDGE,
    WEIGHT,
    Given,
    canonical_attributes,
    constant,
)
from pipeline.operators.fold import can_fold, fold, shape_of
from pipeline.operators.memoise import memoise
from pipeline.operators.open_dims import (
    candidate_shapes,
    keeps_elements,
    none_fits,
    say_chosen,
)
from pipeline.operators.operands import Tensor, dtype_name
from pipeline.operators.prepare import Prepared, prepare, sort_nodes
from pipeline.operators.registry import operator_of
from pipeline.operators.schema import (
    attribute_value,
    formal_name,
    infer_outputs,
    schema_of,
)
from pipeline.operators.shapes import infer_tensors
from pipeline.operators.sharing import label_shared
from pipeline.operators.weight_or_architecture import is_large
from pipeline.weightless.arrays import array_of
from pipeline.weightless.skeleton import read_skeleton

ELEMENT_TYPES = frozenset(TensorProto.DataType.values()) - {TensorProto.UNDEFINED}
# Weights that are drawn anew in every run, and so are none.
RANDOM = frozenset(
    {"RandomNormal", "RandomNormalLike", "RandomUniform", "RandomUniformLike", "Bernoulli",
     "Multinomial"}
)  # fmt: skip
MOST_FOLDED = 2**23  # elements of all constants that one file may compute
_TYPES: dict[bytes, Tensor] = {}
Source = str | PathLike[str] | BinaryIO | ModelProto


class ValueRef(NamedTuple):
    """A value on the data path: output slot of a vertex."""

    vertex: int
    output: int


class Weight(NamedTuple):
    """A value that depends on weights only: its type and shape, and its name in the file."""

    tensor: Tensor
    name: str


@dataclass
class Reading:
    """A model being read: what every value name stands for, the vertices so far."""

    prepared: Prepared
    values: dict[str, ValueRef | Weight | np.ndarray] = field(default_factory=dict)
    vertices: list[Vertex] = field(default_factory=list)
    outputs: list[tuple[Tensor, ...]] = field(default_factory=list)
    weights: list[dict[str, str]] = field(default_factory=list)
    used: set[str] = field(default_factory=set)
    folded: int = 0


def read_onnx(source: Source, input_shape: Shape | None = None) -> Network:
    """The network in an ONNX file: a path, a binary file object, any fsspec address, or a
    ModelProto in memory.

    ``input_shape`` (without the batch) fills dims that the file leaves open; without it, the
    first usual size that the graph accepts does, and a warning says which.
    Weights and external data are never read. Raises ModelError naming the file and the cause.
    """
    try:
        return _read(source, input_shape)[0]
    except ModelError as e:
        if e.reason != "dynamic_shape" or input_shape is not None:
            raise
        return _read_open(source, e)


def _read_open(source: Source, first: ModelError) -> Network:
    """A file with open dims, at the first usual size that it accepts."""
    skeleton = read_skeleton(_stream(source))
    for shape in candidate_shapes(skeleton):
        try:
            network = read_skeleton_network(skeleton, shape)
        except ModelError:
            continue
        if keeps_elements(network):
            say_chosen(_name(source), shape)
            return network
    raise none_fits(_name(source), first) from first


def read_skeleton_network(model: ModelProto, input_shape: Shape | None = None) -> Network:
    """The network in a skeleton that is in memory already. Raises ModelError."""
    return _network_of(prepare(model, input_shape))[0]


def read_weights(source: Source, network: Network) -> dict[str, np.ndarray]:
    """Parameter name (as in :func:`to_torch`'s state_dict) -> array, for a file with weights.

    Raises ModelError: other_network when the file holds another, no_weights for a skeleton.
    """
    from pipeline.operators.weights import extract_weights

    try:
        found, names, prepared = _read(source, None)
    except ModelError as e:
        if e.reason != "dynamic_shape":
            raise
        shape = network.vertices[0].get("shape")  # the file leaves it open
        found, names, prepared = _read(source, shape)  # type: ignore[arg-type]
    if found != network:
        raise ModelError("other_network", "the file holds another network", _name(source))
    return extract_weights(_stream(source), found, names, prepared)


def _read(
    source: Source, input_shape: Shape | None
) -> tuple[Network, list[dict[str, str]], Prepared]:
    try:
        prepared = prepare(read_skeleton(_stream(source)), input_shape)
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
    weights = [reading.weights[old] for old in order]
    names = {name for vertex in weights for name in vertex.values()}
    shapes = {name: _shape(reading, reading.values[name]) for name in names}
    return label_shared(network, weights, shapes), weights


def _read_inputs(reading: Reading) -> None:
    graph = reading.prepared.graph
    for value in graph.input:
        spelled = value.type.SerializeToString()
        tensor = memoise(_TYPES, spelled, partial(_tensor_of, value))
        if value.name == reading.prepared.data_input:
            dtype = dtype_name(tensor.dtype)
            source = Vertex(INPUT, (("dtype", dtype), ("shape", tensor.shape[1:])))
            reading.values[value.name] = _add_vertex(reading, source)[0]
        else:
            reading.values[value.name] = Weight(tensor, value.name)
    for initializer in graph.initializer:
        reading.values[initializer.name] = array_of(initializer)


def _tensor_of(value: ValueInfoProto) -> Tensor:
    tensor_type = value.type.tensor_type
    if tensor_type.elem_type not in ELEMENT_TYPES:
        raise ModelError("element_type", f"input {value.name!r} has no known type")
    return Tensor(tensor_type.elem_type, tuple([d.dim_value for d in tensor_type.shape.dim]))


def _read_node(reading: Reading, node: NodeProto) -> None:
    schema_of(node.op_type)  # an operator ONNX does not know is refused here, by name
    if not node.output:
        raise ModelError("arity", f"a {node.op_type} node without outputs")
    if node.op_type == "Constant":
        reading.values[node.output[0]] = _constant_node(node)
        return
    values = reading.values
    inputs = [values[name] if name else None for name in node.input]
    if node.op_type == "Identity" and inputs and inputs[0] is not None:
        reading.values[node.output[0]] = inputs[0]
    elif node.op_type in ("Shape", "Size") and inputs and inputs[0] is not None:
        reading.values[node.output[0]] = shape_of(node, _shape(reading, inputs[0]))
    elif not any(isinstance(value, ValueRef) for value in inputs):
        _read_weight_arithmetic(reading, node)
    else:
        _read_vertex(reading, node, inputs)


def _constant_node(node: NodeProto) -> np.ndarray:
    attribute = node.attribute[0] if node.attribute else None
    if attribute is None:
        raise ModelError("bad_tensor", "a Constant node without a value")
    if attribute.name == "value":
        return array_of(attribute.t)
    value = attribute_value(attribute)
    is_float = attribute.name in ("value_float", "value_floats")
    if value is None or attribute.name.startswith("value_string"):
        raise ModelError("bad_tensor", f"a Constant node holding {attribute.name!r}")
    return np.array(value, dtype=np.float32 if is_float else np.int64)


def _read_weight_arithmetic(reading: Reading, node: NodeProto) -> None:
    """A node that computes constants from constants, or weights from weights: then its
    outputs are weights of known shape."""
    arrays = [reading.values[name] if name else None for name in node.input]
    if can_fold(node) and not any(isinstance(value, Weight) for value in arrays):
        folded = fold(node, arrays)  # type: ignore[arg-type]
        if folded is not None:
            reading.folded += sum(array.size for array in folded)
            if reading.folded > MOST_FOLDED:
                raise ModelError("too_large", "computes too many constants")
            reading.values.update(
                (name, array) for name, array in zip(node.output, folded, strict=False) if name
            )
            return
    is_constant = not any(isinstance(value, Weight) for value in arrays)
    shapes, data = {}, {}
    if node.op_type in RANDOM:
        raise UnsupportedOperator("random", f"{node.op_type} draws other weights in every run")
    for name in filter(None, node.input):
        value = reading.values[name]
        if isinstance(value, Weight):
            shapes[name] = (value.tensor.dtype, value.tensor.shape)
        elif isinstance(value, np.ndarray):
            data[name] = numpy_helper.from_array(value, name)
            shapes[name] = (data[name].data_type, tuple(value.shape))
    for name, known in zip(node.output, infer_outputs(node, shapes, data), strict=True):
        tensor = Tensor(*known)
        if is_constant and not is_large(tensor):
            detail = f"{node.op_type} of constants is not evaluated, and its values count"
            raise UnsupportedOperator("fold", detail)
        if name:
            reading.values[name] = Weight(tensor, name)


def _read_vertex(
    reading: Reading, node: NodeProto, inputs: list[ValueRef | Weight | np.ndarray | None]
) -> None:
    given = tuple([_given(reading, node, p, value) for p, value in enumerate(inputs)])
    count = _count_outputs(reading, node)
    _refuse_misfit(reading, node, given)
    canonical = canonical_attributes(node, given, count)
    _refuse_other_count(node, canonical.attributes)
    operands = []
    for position in canonical.operands:
        source = inputs[position]
        assert isinstance(source, ValueRef)
        operands.append(Operand(source.vertex, source.output, position))
    vertex = Vertex(node.op_type, canonical.attributes, tuple(operands))
    outputs = _add_vertex(reading, vertex, count, canonical.spelled)
    reading.weights[-1] = {
        formal: _weight_name(node, position, inputs) for formal, position in canonical.weights
    }
    for name, flow in zip(node.output[:count], outputs, strict=True):
        if name:
            reading.values[name] = flow


def _shape(reading: Reading, value: ValueRef | Weight | np.ndarray) -> Shape:
    if isinstance(value, ValueRef):
        return reading.outputs[value.vertex][value.output].shape
    return value.tensor.shape if isinstance(value, Weight) else value.shape


def _given(
    reading: Reading,
    node: NodeProto,
    position: int,
    value: ValueRef | Weight | np.ndarray | None,
) -> Given | None:
    if isinstance(value, ValueRef):
        return Given(EDGE, reading.outputs[value.vertex][value.output])
    if isinstance(value, Weight):
        return Given(WEIGHT, value.tensor)
    return None if value is None else constant(_rebatch(reading, node, position, value))


def _weight_name(
    node: NodeProto, position: int, inputs: list[ValueRef | Weight | np.ndarray | None]
) -> str:
    value = inputs[position]
    return value.name if isinstance(value, Weight) else node.input[position]


def _refuse_misfit(reading: Reading, node: NodeProto, given: tuple[Given | None, ...]) -> None:
    """Raise InvalidNetwork for a Reshape whose known target holds other numbers of elements
    than its data, at batch size 1 and at the file's."""
    data, target = (*given, None, None)[:2]
    if node.op_type == "Reshape" and data and target and target.kind == CONSTANT:
        if target.tensor.dtype != TensorProto.INT64:
            raise InvalidNetwork("shapes", "Reshape: the target is not of int64")
        sizes = np.frombuffer(target.content, np.int64).tolist()
        keeps = not any(a.name == "allowzero" and a.i for a in node.attribute)
        check_target(data.tensor.shape, sizes, reading.prepared.batch, keeps)


def _refuse_other_count(node: NodeProto, attributes: Attributes) -> None:
    """Raise InvalidNetwork where a Split's attributes say another number of outputs than it
    lists: onnx would infer shapes for as many as they say."""
    operator = operator_of(node.op_type)
    if operator is not None and operator.outputs is not None:
        declared, listed = operator.outputs(dict(attributes)), len(node.output)
        if declared != listed:
            raise InvalidNetwork(
                "arity", f"{node.op_type}: {declared} outputs, {listed} listed"
            )


def _count_outputs(reading: Reading, node: NodeProto) -> int:
    """Outputs at the end that nobody uses are left out: a BatchNormalization exported in
    training mode lists its new statistics, a Dropout its mask. All of a Split count, and as
    many as ONNX asks for."""
    if len(node.output) == 1:
        return 1
    operator = operator_of(node.op_type)
    if operator is not None and operator.outputs is not None:
        return len(node.output)
    used = reading.used
    last = max((slot for slot, name in enumerate(node.output, 1) if name in used), default=1)
    return max(last, schema_of(node.op_type).min_output)


def _rebatch(
    reading: Reading, node: NodeProto, position: int, array: np.ndarray
) -> np.ndarray:
    """Target shapes that name the file's batch size name batch size 1 instead. Raises
    InvalidNetwork for one that is no list of sizes."""
    operator = operator_of(node.op_type)
    if operator is None or operator.target != formal_name(node.op_type, position):
        return array
    if array.ndim != 1:
        detail = f"{node.op_type}: {operator.target} has {array.ndim} axes, not one"
        raise InvalidNetwork("shapes", detail)
    if array.size and array[0] == reading.prepared.batch:
        array = array.copy()
        array[0] = 1
    return array


def _add_vertex(
    reading: Reading, vertex: Vertex, outputs: int = 1, spelled: str | None = None
) -> list[ValueRef]:
    index = len(reading.vertices)
    tensors = tuple([reading.outputs[o.source][o.output] for o in vertex.operands])
    reading.outputs.append(infer_tensors(vertex, tensors, outputs, spelled)[0])
    reading.vertices.append(vertex)
    reading.weights.append({})
    return [ValueRef(index, slot) for slot in range(outputs)]


def _read_outputs(reading: Reading) -> int:
    operands = []
    for position, output in enumerate(reading.prepared.graph.output):
        value = reading.values.get(output.name)
        if value is None:
            raise ModelError("undeclared", f"output {output.name!r} is produced by no node")
        if isinstance(value, ValueRef):
            operands.append(Operand(value.vertex, value.output, position))
    if not operands:
        raise ModelError("no_output", "no output depends on the input")
    operands = [Operand(o.source, o.output, p) for p, o in enumerate(operands)]
    _add_vertex(reading, Vertex(OUTPUT, (), tuple(operands)))
    return len(reading.vertices) - 1


def _stream(source: Source) -> str | PathLike[str] | BinaryIO:
    """A model in memory as the file it would be: one reader for all."""
    return BytesIO(source.SerializeToString()) if isinstance(source, ModelProto) else source


def _name(source: Source) -> str:
    if isinstance(source, ModelProto):
        return "<model in memory>"
    if isinstance(source, str | PathLike):
        return str(fspath(source))
    return str(getattr(source, "name", "") or "<file object>")

"""The tensors of a network: element type and shape of every output and every parameter.

Shapes are those at batch size 1, and come from ONNX's own shape inference, one vertex at a
time, so that whoever builds a network vertex by vertex (repair, a decoder) can ask as it goes.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from math import prod

import numpy as np
from onnx import NodeProto, numpy_helper

from pipeline.errors import InvalidNetwork
from pipeline.graph.network import INPUT, OUTPUT, Network, Vertex
from pipeline.operators.memoise import memoise
from pipeline.operators.operands import (
    Tensor,
    constants_of,
    dtype_of,
    parameters_of,
)
from pipeline.operators.registry import operator_of
from pipeline.operators.schema import (
    formal_name,
    infer_outputs,
    node_of,
    position_of,
    schema_of,
)

MAX_ELEMENTS = 2**31
NO_INDEX = -1
Tensors = tuple[tuple[Tensor, ...], dict[str, Tensor], dict[str, np.ndarray]]
_KNOWN: dict[tuple[object, ...], Tensors] = {}


@dataclass(frozen=True)
class Layer:
    """One vertex with everything around it known, in ONNX's terms."""

    index: int
    vertex: Vertex
    operands: tuple[Tensor, ...]
    outputs: tuple[Tensor, ...]
    parameters: dict[str, Tensor]
    constants: dict[str, np.ndarray]

    @cached_property
    def node(self) -> NodeProto | None:
        """The layer as an ONNX node, its values named ``source:output`` and ``index.formal``;
        None for Input and Output."""
        if self.vertex.operator in (INPUT, OUTPUT):
            return None
        given = (*self.parameters, *self.constants)
        return _onnx_node(self.index, self.vertex, given, len(self.outputs))

    def parameter_name(self, formal: str) -> str:
        """Name of a parameter in ONNX files and torch modules alike: ``conv_3.weight``."""
        operator = operator_of(self.vertex.operator)
        torch_names = operator.torch_names if operator else {}
        return f"{self.name}.{torch_names.get(formal, formal)}"

    @property
    def name(self) -> str:
        """Name of the layer: its operator, lower case, and its index."""
        return f"{self.vertex.operator.lower()}_{self.index}"


def infer_layers(network: Network) -> tuple[Layer, ...]:
    """Every vertex of a network with its tensors.

    Raises InvalidNetwork, naming the vertex, where shapes disagree.
    """
    outputs = output_counts(network)
    layers: list[Layer] = []
    for index, vertex in enumerate(network.vertices):
        operands = []
        for operand in vertex.operands:
            slots = layers[operand.source].outputs
            if operand.output >= len(slots):
                raise InvalidNetwork(
                    "arity", f"vertex {operand.source} has {len(slots)} outputs"
                )
            operands.append(slots[operand.output])
        try:
            layers.append(infer_layer(index, vertex, operands, outputs[index]))
        except InvalidNetwork as e:
            raise InvalidNetwork(e.reason, f"vertex {index}: {e.detail}") from e
    return tuple(layers)


def infer_layer(
    index: int, vertex: Vertex, operands: Sequence[Tensor], outputs: int = 1
) -> Layer:
    """One vertex and the tensors of its operands -> the layer. Raises InvalidNetwork."""
    known = tuple(operands)
    return Layer(index, vertex, known, *infer_tensors(vertex, known, outputs))


def infer_tensors(
    vertex: Vertex,
    operands: tuple[Tensor, ...],
    outputs: int = 1,
    spelled: str | None = None,
) -> Tensors:
    """The outputs, parameters and constants of a vertex: not to be changed, for they are kept.

    ``spelled``: ``repr`` of the attributes, where it is at hand. Raises InvalidNetwork.
    """
    if vertex.operator == INPUT:
        return (_input_tensor(vertex),), {}, {}
    if vertex.operator == OUTPUT:
        return operands, {}, {}
    positions = tuple([o.position for o in vertex.operands])
    # attributes as they are written: 1, 1.0 and True are equal in Python, and not here
    spelled = repr(vertex.attributes) if spelled is None else spelled
    key = (vertex.operator, spelled, positions, operands, outputs)
    return memoise(_KNOWN, key, lambda: _infer(vertex, operands, outputs))


def _infer(vertex: Vertex, operands: tuple[Tensor, ...], outputs: int) -> Tensors:
    parameters = parameters_of(vertex, operands[0].shape)
    constants = constants_of(vertex)
    node = _onnx_node(NO_INDEX, vertex, (*parameters, *constants), outputs)
    shapes = {
        node.input[operand.position]: (tensor.dtype, tensor.shape)
        for operand, tensor in zip(vertex.operands, operands, strict=True)
    }
    for formal, tensor in parameters.items():
        shapes[f"{NO_INDEX}.{formal}"] = (tensor.dtype, tensor.shape)
    data = {}
    for formal, array in constants.items():
        proto = numpy_helper.from_array(array, f"{NO_INDEX}.{formal}")
        data[proto.name] = proto
        shapes[proto.name] = (proto.data_type, tuple(array.shape))
    inferred = tuple(Tensor(*known) for known in infer_outputs(node, shapes, data))
    for tensor in (*inferred, *parameters.values()):
        if prod(tensor.shape) > MAX_ELEMENTS:
            raise InvalidNetwork("too_large", f"{vertex.operator}: a tensor of {tensor.shape}")
    return inferred, parameters, constants


def output_counts(network: Network) -> list[int]:
    """How many outputs each vertex declares: its own, and those that are used."""
    counts = [least_outputs(vertex) for vertex in network.vertices]
    for edge in network.edges:
        counts[edge.source] = max(counts[edge.source], edge.output + 1)
    return counts


def least_outputs(vertex: Vertex) -> int:
    """The outputs that a vertex has, whoever uses them: those that ONNX asks for, or all of a
    Split."""
    if vertex.operator in (INPUT, OUTPUT):
        return 1
    least = schema_of(vertex.operator).min_output
    operator = operator_of(vertex.operator)
    if operator is None or operator.outputs is None:
        return least
    return max(least, operator.outputs(dict(vertex.attributes)))


def _onnx_node(index: int, vertex: Vertex, given: Sequence[str], outputs: int) -> NodeProto:
    """``given``: formal names of the inputs that are no edges."""
    inputs: dict[int, str] = {o.position: f"{o.source}:{o.output}" for o in vertex.operands}
    for formal in given:
        position = position_of(vertex.operator, formal)
        if position is None or position in inputs:
            raise InvalidNetwork(
                "arity", f"{vertex.operator}: input {formal} is given twice or unknown"
            )
        inputs[position] = f"{index}.{formal}"
    formal_name(vertex.operator, max(inputs, default=0))  # refuses a position beyond the last
    names = [inputs.get(p, "") for p in range(max(inputs, default=-1) + 1)]
    outs = [f"{index}:{slot}" for slot in range(outputs)]
    return node_of(vertex.operator, dict(vertex.attributes), names, outs)


def _input_tensor(vertex: Vertex) -> Tensor:
    shape = vertex.get("shape")
    if not isinstance(shape, tuple) or not all(isinstance(d, int) and d > 0 for d in shape):
        raise InvalidNetwork("attributes", f"Input: {shape!r} is no shape")
    return Tensor(dtype_of(str(vertex.get("dtype", "float32"))), (1, *shape))

"""Weight or architecture: which numbers of a file were trained, which shape what it computes.

A skeleton (:mod:`pipeline.weightless.tensors`) holds every number that may be architecture;
which of them are is decided here. In this order:

1. What fills an operator's structural input (Clip's limits, Pad's value) is architecture.
2. A float initializer is a weight, but for a lone scalar that no input declares.
3. A constant is a weight where it is large, or stands where its operator keeps weights; but a
   scale of one and a shift of zero say that there are none.
4. Any other constant or lone scalar is architecture, but for one of elementwise operators that
   was trained by its looks: no number that a person writes, and nowhere else in the file.

The evidence for the last is in docs/graph.md.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from math import prod
from typing import NamedTuple

import numpy as np
from onnx import GraphProto, ModelProto, NodeProto, TensorProto, helper

from pipeline.operators.operands import Tensor
from pipeline.operators.registry import operator_of, registered
from pipeline.operators.schema import position_of
from pipeline.operators.trained import looks_trained
from pipeline.weightless.arrays import array_of

FLOATS = (TensorProto.FLOAT, TensorProto.DOUBLE, TensorProto.FLOAT16, TensorProto.BFLOAT16)
MAX_FLOATS, MAX_INTEGERS = 64, 4096  # elements; larger constants are weights
SIBLINGS = 3  # trained numbers that make another in the same place one
OLDEST_IR, NEWEST_IR = 4, 10


class Place(NamedTuple):
    """Where a constant is taken: operator, input position, dims."""

    operator: str
    position: int
    dims: tuple[int, ...]


def weights_as_inputs(model: ModelProto, data_input: str) -> ModelProto:
    """The same model with its weights as shape-only inputs: float initializers and Constants
    that were trained."""
    graph = model.graph
    declared = {i.name for i in graph.input}
    structural = _structural_inputs(graph)
    trained = _trained(graph, data_input, declared, structural)
    weights = {
        i.name: (i.data_type, tuple(i.dims))
        for i in graph.initializer
        if i.data_type in FLOATS and i.name not in structural
        and (i.dims or i.name in declared or i.name in trained)
    }  # fmt: skip
    weights |= {
        node.output[0]: trained[node.output[0]]
        for node in graph.node
        if node.op_type == "Constant" and node.output[0] in trained
    }
    prepared = ModelProto()
    prepared.CopyFrom(model)
    if any(node.output[0] in weights for node in _constants(graph)):
        kept = [n for n in graph.node if n.op_type != "Constant" or n.output[0] not in weights]
        del prepared.graph.node[:]
        prepared.graph.node.extend(kept)
    del prepared.graph.initializer[:]
    prepared.graph.initializer.extend(i for i in graph.initializer if i.name not in weights)
    constants = {i.name for i in prepared.graph.initializer}
    inputs = [i for i in graph.input if i.name not in constants]
    inputs += [
        helper.make_tensor_value_info(name, dtype, dims)
        for name, (dtype, dims) in weights.items()
        if name not in declared
    ]
    del prepared.graph.input[:]
    prepared.graph.input.extend(inputs)
    prepared.ir_version = max(min(model.ir_version, NEWEST_IR), OLDEST_IR)
    return prepared


def _trained(
    graph: GraphProto, data_input: str, declared: set[str], structural: set[str]
) -> dict[str, tuple[int, tuple[int, ...]]]:
    """Name -> type and dims, of the constants and lone scalars that were trained by their
    looks: used once, beside data, of numbers that no person writes and no other has; and of
    those that differ from these in no more than that their number might be written."""
    arrays = dict(_candidates(graph, declared))
    uses = Counter(name for node in graph.node for name in node.input if name in arrays)
    values = Counter(array.tobytes() for array in arrays.values())
    places: dict[str, Place] = {}
    data = {data_input}
    for node in graph.node:
        if data.isdisjoint(node.input):
            continue
        data.update(node.output)
        operator = operator_of(node.op_type)
        if operator is not None and operator.elementwise:
            for position, name in enumerate(node.input):
                if uses[name] == 1 and values[arrays[name].tobytes()] == 1:
                    places[name] = Place(node.op_type, position, arrays[name].shape)
    alone = {name: place for name, place in places.items() if name not in structural}
    sure = {name for name in alone if looks_trained(arrays[name])}
    siblings = Counter(alone[name] for name in sure)
    return {
        name: (helper.np_dtype_to_tensor_dtype(arrays[name].dtype), place.dims)
        for name, place in alone.items()
        if name in sure or siblings[place] >= SIBLINGS
    }


def _candidates(graph: GraphProto, declared: set[str]) -> Iterator[tuple[str, np.ndarray]]:
    """The float constants, and the scalar initializers that no input declares."""
    for initializer in graph.initializer:
        is_lone = not initializer.dims and initializer.name not in declared
        if is_lone and initializer.data_type in FLOATS:
            yield initializer.name, array_of(initializer)
    for node in _constants(graph):
        tensor = node.attribute[0].t
        if tensor.data_type in FLOATS and np.prod(tensor.dims, initial=1) <= MAX_FLOATS:
            yield node.output[0], array_of(tensor)


def _constants(graph: GraphProto) -> list[NodeProto]:
    """The Constant nodes that hold a tensor."""
    return [
        node for node in graph.node
        if node.op_type == "Constant" and len(node.output) == 1
        and len(node.attribute) == 1 and node.attribute[0].name == "value"
    ]  # fmt: skip


def _structural_inputs(graph: GraphProto) -> set[str]:
    places = {
        (name, position_of(operator.name, formal))
        for operator in registered().values()
        for formal in operator.structural
        for name in filter(None, (operator.name, operator.formerly))
    }
    return {
        name
        for node in graph.node
        for position, name in enumerate(node.input)
        if (node.op_type, position) in places
    }


def is_weight_like(operator_name: str, formal: str, array: np.ndarray) -> bool:
    """Whether a constant is a weight all the same: it is large, or stands where its operator
    keeps weights (files whose weights are folded constants)."""
    operator = operator_of(operator_name)
    keeps = operator is not None and formal in operator.torch_names
    return array.size > _most_elements(array.dtype) or keeps


def is_large(tensor: Tensor) -> bool:
    """Whether a constant of this type and shape would be a weight for its size alone."""
    dtype = helper.tensor_dtype_to_np_dtype(tensor.dtype)
    return prod(tensor.shape) > _most_elements(dtype)


def _most_elements(dtype: np.dtype) -> int:
    return MAX_FLOATS if dtype.kind == "f" else MAX_INTEGERS


def idle_affine(operator_name: str, inputs: Mapping[str, object]) -> tuple[str, ...]:
    """The scale and the shift of a normalisation that are constants of one and of zero, which
    is how a file says that it has none: nothing there is to be trained."""
    operator = operator_of(operator_name)
    if operator is None or not operator.affine:
        return ()
    scale, shift = (inputs.get(formal) for formal in operator.affine)
    if not isinstance(scale, np.ndarray) or not isinstance(shift, np.ndarray):
        return ()
    return operator.affine if np.all(scale == 1) and np.all(shift == 0) else ()

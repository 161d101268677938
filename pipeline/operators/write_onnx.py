"""Network -> ONNX file: opset 20, batch left open, the network's own parameter names."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from math import prod
from os import PathLike
from pathlib import Path

import numpy as np
from onnx import ModelProto, NodeProto, TensorProto, ValueInfoProto, helper, numpy_helper

from pipeline.atomic import write_atomically
from pipeline.errors import ModelError
from pipeline.graph.network import Network
from pipeline.operators.operands import Tensor
from pipeline.operators.registry import operator_of
from pipeline.operators.schema import OPSET_IMPORTS
from pipeline.operators.shapes import Layer, infer_layers
from pipeline.operators.sharing import shared_parameters
from pipeline.weightless.skeleton import DATA_INPUTS

BATCH = "batch"
IR_VERSION = 10
LARGEST_FILE = 2**31  # bytes of a protobuf message


def write_onnx(
    network: Network,
    path: str | PathLike[str],
    weights: Mapping[str, np.ndarray] | None = None,
    seed: int = 0,
) -> None:
    """Write a network as an ONNX file with ``weights`` (parameter name -> array), or with
    weights drawn from ``seed``. The file appears whole or not at all.

    Raises ModelError for weights that are missing, of another shape, or more than it holds.
    """
    write_atomically(Path(path), to_onnx(network, weights, seed).SerializeToString())


def to_onnx(
    network: Network,
    weights: Mapping[str, np.ndarray] | None = None,
    seed: int = 0,
    empty: bool = False,
) -> ModelProto:
    """The same, in memory. ``empty``: parameters as inputs of known shape, without values."""
    layers = infer_layers(network)
    random = np.random.default_rng(seed)
    nodes: list[NodeProto] = []
    initializers: list[TensorProto] = []
    skeletons: list[ValueInfoProto] = []
    again = shared_parameters(layers)
    if not empty:
        _check_size(layers)
    for layer in layers:
        if layer.node is None:
            continue
        nodes += _constant_nodes(layer)
        nodes.append(_named_node(layer, again))
        for formal, tensor in layer.parameters.items():
            name = layer.parameter_name(formal)
            if name in again:
                continue
            if empty or not tensor.shape:  # a scalar that no input declares is a constant
                shape = list(tensor.shape)
                skeletons.append(helper.make_tensor_value_info(name, tensor.dtype, shape))
            if empty:
                continue
            if weights is None:
                array = draw_parameter(layer, formal, tensor, random)
            else:
                array = _given(weights, name, tensor)
            initializers.append(numpy_helper.from_array(np.asarray(array, order="C"), name))
    source, sink = layers[0].outputs[0], layers[-1]
    outputs = [
        helper.make_tensor_value_info(
            value_name(o.source, o.output), t.dtype, _open_batch(t.shape, source.shape)
        )
        for o, t in zip(sink.vertex.operands, sink.operands, strict=True)
    ]
    graph = helper.make_graph(
        nodes,
        "network",
        [
            helper.make_tensor_value_info("v0", source.dtype, [BATCH, *source.shape[1:]]),
            *skeletons,
        ],
        outputs,
        initializers,
    )
    model = helper.make_model(graph, opset_imports=OPSET_IMPORTS, producer_name="nn2vec")
    model.ir_version = IR_VERSION
    return model


def _check_size(layers: Iterable[Layer]) -> None:
    """Raises ModelError where the weights are more than a file holds, before any is drawn."""
    tensors = (tensor for layer in layers for tensor in layer.parameters.values())
    size = sum(
        prod(t.shape) * helper.tensor_dtype_to_np_dtype(t.dtype).itemsize for t in tensors
    )
    if size >= LARGEST_FILE:
        raise ModelError("too_large", f"{size:,} bytes of weights; an ONNX file holds 2 GiB")


def to_skeleton(network: Network) -> ModelProto:
    """A network as a skeleton: what harvest would put on the shelf for it."""
    model = to_onnx(network, empty=True)
    model.metadata_props.add(key=DATA_INPUTS, value="v0")
    return model


def parameter_arrays(layers: Iterable[Layer], seed: int = 0) -> dict[str, np.ndarray]:
    """Random weights for every parameter, by name: those that written files get."""
    random = np.random.default_rng(seed)
    return {
        layer.parameter_name(formal): draw_parameter(layer, formal, tensor, random)
        for layer in layers
        for formal, tensor in layer.parameters.items()
    }


def value_name(vertex: int, output: int) -> str:
    """Name of a value in written files: ``v7``, or ``v7_1`` for a second output."""
    return f"v{vertex}" if output == 0 else f"v{vertex}_{output}"


def draw_parameter(
    layer: Layer, formal: str, tensor: Tensor, random: np.random.Generator
) -> np.ndarray:
    """Random weights with which activations keep their scale: what the operator says for a
    vector (scales and variances of one), about as much for factors of several axes, He-normal
    matrices and kernels (He et al., https://arxiv.org/abs/1502.01852), the rest zero. Whole
    numbers are zero too: an index that every axis has."""
    dtype = helper.tensor_dtype_to_np_dtype(tensor.dtype)
    if not np.issubdtype(dtype, np.floating):
        return np.zeros(tensor.shape, dtype)
    operator = operator_of(layer.vertex.operator)
    initial = operator.initial.get(formal) if operator else None
    if initial is not None and len(tensor.shape) >= 2:
        return (initial * random.uniform(0.5, 1.5, tensor.shape)).astype(dtype)
    suffix = layer.parameter_name(formal).rpartition(".")[2]
    if len(tensor.shape) >= 2 and suffix != "bias":
        fan_in = int(np.prod(tensor.shape)) // max(tensor.shape[0], 1)
        return (
            random.standard_normal(tensor.shape, dtype=np.float32)
            * (2 / max(fan_in, 1)) ** 0.5
        ).astype(dtype)
    return np.full(tensor.shape, initial or 0, dtype=dtype)


def _named_node(layer: Layer, again: Mapping[str, str]) -> NodeProto:
    node = NodeProto()
    node.CopyFrom(layer.node)
    node.name = layer.name
    own = {f: layer.parameter_name(f) for f in layer.parameters}
    names = {f"{layer.index}.{f}": again.get(name, name) for f, name in own.items()}
    names |= {f"{layer.index}.{f}": _constant_name(layer, f) for f in layer.constants}
    for operand in layer.vertex.operands:
        names[f"{operand.source}:{operand.output}"] = value_name(
            operand.source, operand.output
        )
    del node.input[:], node.output[:]
    node.input.extend(names.get(name, name) for name in layer.node.input)  # type: ignore[union-attr]
    node.output.extend(value_name(layer.index, slot) for slot in range(len(layer.outputs)))
    return node


def _constant_nodes(layer: Layer) -> Iterable[NodeProto]:
    for formal, array in layer.constants.items():
        name = _constant_name(layer, formal)
        yield helper.make_node(
            "Constant", [], [name], name=name, value=numpy_helper.from_array(array, name)
        )


def _constant_name(layer: Layer, formal: str) -> str:
    return f"{layer.name}.{formal}.constant"


def _given(weights: Mapping[str, np.ndarray], name: str, tensor: Tensor) -> np.ndarray:
    array = weights.get(name)
    if array is None:
        raise ModelError("weights", f"no weights for {name}")
    if tuple(array.shape) != tensor.shape:
        raise ModelError("weights", f"{name} is {tensor.shape}, given {array.shape}")
    return array.astype(helper.tensor_dtype_to_np_dtype(tensor.dtype), copy=False)


def _open_batch(shape: tuple[int, ...], source: tuple[int, ...]) -> list[int | str]:
    """Only a leading 1 can be the batch; other dims are as they are."""
    return [BATCH, *shape[1:]] if shape and shape[0] == source[0] else list(shape)

"""The weights of a network, out of the file it was read from."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
from onnx import NodeProto, helper, numpy_helper

from pipeline.errors import ModelError
from pipeline.graph.network import Network
from pipeline.operators.schema import OPSET_IMPORTS
from pipeline.operators.shapes import infer_layers
from pipeline.weightless.arrays import array_of
from pipeline.weightless.tensor_values import read_tensor_values

if TYPE_CHECKING:
    from pipeline.operators.prepare import Prepared
    from pipeline.operators.read_onnx import Source


def extract_weights(
    source: Source, network: Network, names: Sequence[dict[str, str]], prepared: Prepared
) -> dict[str, np.ndarray]:
    """Parameter name -> array. ``names``: for each vertex formal name -> value in the file.

    A weight that the file computes from others (weight standardisation, ConstantOfShape) is
    computed by ONNX Runtime. Raises ModelError("no_weights") where the file holds none.
    """
    wanted = {value for vertex in names for value in vertex.values()}
    producers = {out: node for node in prepared.graph.node for out in node.output}
    nodes = _ancestors(wanted, producers)
    stored = {name for name in wanted if name not in producers}
    stored |= {name for node in nodes for name in node.input if name and name not in producers}
    inputs = {i.name for i in prepared.graph.input}
    arrays = {i.name: array_of(i) for i in prepared.graph.initializer if i.name in stored}
    missing = {name for name in stored if name in inputs}
    try:
        arrays |= read_tensor_values(source, missing) if missing else {}
    except ModelError as e:
        if e.reason != "no_payload":
            raise
        raise ModelError("no_weights", f"a file without weights: {e.detail}", e.source) from e
    if nodes:
        arrays |= _compute(nodes, wanted & producers.keys(), arrays)
    layers = infer_layers(network)
    return {
        layer.parameter_name(formal): arrays[value]
        for layer, vertex in zip(layers, names, strict=True)
        for formal, value in vertex.items()
    }


def _ancestors(wanted: set[str], producers: dict[str, NodeProto]) -> list[NodeProto]:
    """The nodes that the wanted values are computed by, producers first."""
    order: list[NodeProto] = []
    done: set[str] = set()
    stack = [(name, False) for name in sorted(wanted & producers.keys())]
    while stack:
        name, expanded = stack.pop()
        node = producers[name]
        if expanded:
            order.append(node)
        elif name not in done:
            done.update(node.output)
            stack.append((name, True))
            stack.extend((n, False) for n in node.input if n in producers and n not in done)
    return order


def _compute(
    nodes: list[NodeProto], wanted: set[str], arrays: dict[str, np.ndarray]
) -> dict[str, np.ndarray]:
    import onnxruntime

    used = {name for node in nodes for name in node.input}
    graph = helper.make_graph(
        nodes,
        "weights",
        [],
        [helper.make_empty_tensor_value_info(name) for name in sorted(wanted)],
        [numpy_helper.from_array(a, name) for name, a in arrays.items() if name in used],
    )
    model = helper.make_model(graph, opset_imports=OPSET_IMPORTS)
    model.ir_version = 10
    session = onnxruntime.InferenceSession(
        model.SerializeToString(), providers=["CPUExecutionProvider"]
    )
    return dict(zip(sorted(wanted), session.run(None, {}), strict=True))

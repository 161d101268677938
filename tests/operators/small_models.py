"""Small models for the tests of reading: built by hand, and changed in every harmless way."""

from __future__ import annotations

import io
import random
from collections.abc import Callable

import numpy as np
from onnx import ModelProto, NodeProto, TensorProto, helper, numpy_helper

from pipeline.graph.network import Network
from pipeline.operators.read_onnx import read_onnx

WEIGHTS = {
    "w1": (8, 3, 3, 3), "b1": (8,), "scale": (8,), "shift": (8,), "mean": (8,), "var": (8,),
    "w2": (8, 8, 3, 3), "slope": (8, 1, 1), "w3": (4, 8), "b3": (4,),
}  # fmt: skip


def residual_model(opset: int = 20, batch: int | str = 1) -> ModelProto:
    """Conv, BatchNormalization, a residual branch whose operands do not commute, Gemm."""
    node = helper.make_node
    nodes = [
        node("Conv", ["x", "w1", "b1"], ["a"], pads=[1, 1, 1, 1], strides=[2, 2]),
        node("BatchNormalization", ["a", "scale", "shift", "mean", "var"], ["b"]),
        node("Relu", ["b"], ["c"]),
        node("Conv", ["c", "w2"], ["d"], pads=[1, 1, 1, 1]),
        node("PRelu", ["d", "slope"], ["e"]),
        node("Sub", ["e", "c"], ["f"]),
        node("GlobalAveragePool", ["f"], ["g"]),
        node("Flatten", ["g"], ["h"]),
        node("Gemm", ["h", "w3", "b3"], ["y"], transB=1),
    ]
    generator = np.random.default_rng(0)
    weights = [
        numpy_helper.from_array(np.abs(generator.standard_normal(s)).astype(np.float32), name)
        for name, s in WEIGHTS.items()
    ]
    x = helper.make_tensor_value_info("x", TensorProto.FLOAT, (batch, 3, 8, 8))
    y = helper.make_tensor_value_info("y", TensorProto.FLOAT, (batch, 4))
    graph = helper.make_graph(nodes, "residual", [x], [y], weights)
    return helper.make_model(
        graph, opset_imports=[helper.make_opsetid("", opset)], ir_version=8
    )


def read(model: ModelProto) -> Network:
    return read_onnx(io.BytesIO(model.SerializeToString()))


def rename(model: ModelProto, name_of: Callable[[str], str]) -> ModelProto:
    """Every value and node under another name."""
    renamed = ModelProto()
    renamed.CopyFrom(model)
    graph = renamed.graph
    for value in (*graph.input, *graph.output, *graph.initializer):
        value.name = name_of(value.name)
    for number, node in enumerate(graph.node):
        node.name = f"node {number}"
        for names in (node.input, node.output):
            changed = [name_of(name) if name else "" for name in names]
            del names[:]
            names.extend(changed)
    return renamed


def reorder(model: ModelProto, seed: int) -> ModelProto:
    """Nodes, initializers in any order, valid or not."""
    reordered = ModelProto()
    reordered.CopyFrom(model)
    draw = random.Random(seed)
    for field in (reordered.graph.node, reordered.graph.initializer):
        items = list(field)
        draw.shuffle(items)
        copies = [type(item).FromString(item.SerializeToString()) for item in items]
        del field[:]
        field.extend(copies)  # type: ignore[arg-type]
    return reordered


def without_weights(model: ModelProto) -> ModelProto:
    """Initializers as inputs that have a shape only, and no word about which is which."""
    bare = ModelProto()
    bare.CopyFrom(model)
    for weight in bare.graph.initializer:
        bare.graph.input.append(
            helper.make_tensor_value_info(weight.name, weight.data_type, list(weight.dims))
        )
    del bare.graph.initializer[:]
    return bare


def with_initializers_as_inputs(model: ModelProto) -> ModelProto:
    """As files before IR version 4 had them."""
    listed = without_weights(model)
    listed.graph.initializer.extend(model.graph.initializer)
    return listed


def with_constant_nodes(model: ModelProto) -> ModelProto:
    """Weights in Constant nodes instead of initializers."""
    moved = ModelProto()
    moved.CopyFrom(model)
    constants = [
        helper.make_node("Constant", [], [w.name], value=w) for w in moved.graph.initializer
    ]
    del moved.graph.initializer[:]
    nodes: list[NodeProto] = [*constants, *model.graph.node]
    del moved.graph.node[:]
    moved.graph.node.extend(nodes)
    return moved

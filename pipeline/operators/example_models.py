"""The examples of the registry as whole ONNX models: one node, its weights, its constants."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from onnx import ModelProto, NodeProto, TensorProto, helper, numpy_helper

from pipeline.graph.network import Shape
from pipeline.operators.registry import Example
from pipeline.operators.schema import OPSET_IMPORTS, formal_name

IR_VERSION = 9
POSITIVE = ("input_var",)  # weights that have no meaning below zero


def model_of(operator: str, example: Example, seed: int = 0) -> ModelProto:
    """One node at the project's opset as a model with weights drawn from ``seed``.

    It has one input, ``input``: the node's own operand, or where there are several (or one
    without a batch axis) all of them flattened into one row, (1, elements).
    """
    random = np.random.default_rng(seed)
    data, nodes, input_shape = data_operands(example.inputs)
    parameters, constants = dict(example.parameters), dict(example.constants)
    initializers: list[TensorProto] = []
    names: list[str] = []
    while data or parameters or constants:
        formal = formal_name(operator, len(names))
        if formal in parameters:
            values = random.standard_normal(parameters.pop(formal))
            values = np.abs(values) + 0.5 if formal in POSITIVE or example.positive else values
            initializers.append(numpy_helper.from_array(values.astype(np.float32), formal))
            names.append(formal)
        elif formal in constants:
            nodes.append(constant_node(formal, constants.pop(formal)))
            names.append(formal)
        elif data:
            names.append(data.pop(0))
        else:
            names.append("")
    outputs = [f"output_{slot}" for slot in range(example.outputs)]
    nodes.append(helper.make_node(operator, names, outputs, **dict(example.attributes)))
    graph = helper.make_graph(
        nodes, operator,
        [helper.make_tensor_value_info("input", TensorProto.FLOAT, input_shape)],
        [helper.make_empty_tensor_value_info(name) for name in outputs],
        initializers,
    )  # fmt: skip
    return helper.make_model(graph, opset_imports=OPSET_IMPORTS, ir_version=IR_VERSION)


def has_batch(example: Example) -> bool:
    """Whether every data operand has a batch axis: then the example holds for any batch."""
    return all(shape[0] == 1 for shape in example.inputs)


def data_operands(shapes: Sequence[Shape]) -> tuple[list[str], list[NodeProto], Shape]:
    """Names of the data operands, the nodes that cut them from the input, and its shape."""
    if len(shapes) == 1 and shapes[0][0] == 1:
        return ["input"], [], shapes[0]
    names: list[str] = []
    nodes: list[NodeProto] = []
    start = 0
    for number, shape in enumerate(shapes):
        end = start + math.prod(shape)
        name, bounds = f"data_{number}", (f"start_{number}", f"end_{number}", f"axis_{number}")
        nodes += [
            constant_node(key, [n]) for key, n in zip(bounds, (start, end, 1), strict=True)
        ]
        target = [0 if shape[0] == 1 else shape[0], *shape[1:]]
        nodes.append(constant_node(f"shape_{number}", target))
        nodes.append(helper.make_node("Slice", ["input", *bounds], [f"row_{number}"]))
        nodes.append(helper.make_node("Reshape", [f"row_{number}", f"shape_{number}"], [name]))
        names.append(name)
        start = end
    return names, nodes, (1, start)


def constant_node(name: str, value: object) -> NodeProto:
    """A Constant node; numbers with a point are float32."""
    array = np.asarray(value)
    array = array.astype(np.float32) if array.dtype == np.float64 else array
    return helper.make_node("Constant", [], [name], value=numpy_helper.from_array(array))

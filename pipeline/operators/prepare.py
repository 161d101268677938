"""A skeleton of any make -> the one form that the reader understands.

Ensures: opset :data:`~pipeline.operators.schema.OPSET`, one data input of static shape, no
subgraphs or functions, weights as shape-only inputs. Opsets are converted by onnx's version
converter.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from onnx import (
    AttributeProto,
    GraphProto,
    ModelProto,
    NodeProto,
    helper,
    version_converter,
)

from pipeline.errors import ModelError, UnsupportedOperator
from pipeline.graph.network import Shape
from pipeline.operators.registry import registered
from pipeline.operators.schema import OPSET, position_of
from pipeline.operators.weight_or_architecture import weights_as_inputs
from pipeline.weightless.arrays import refuse_external_data
from pipeline.weightless.skeleton import data_inputs

RESIZE_CHOOSES = 11  # the opset from which Resize says how it samples
LEGACY_SAMPLING = {"coordinate_transformation_mode": "asymmetric", "nearest_mode": "floor"}


@dataclass(frozen=True)
class Prepared:
    """A model in the one form: its graph, its data input, the batch size it was made for."""

    model: ModelProto
    data_input: str
    batch: int

    @property
    def graph(self) -> GraphProto:
        return self.model.graph


def prepare(model: ModelProto, input_shape: Shape | None = None) -> Prepared:
    """Bring a skeleton to the one form. ``input_shape`` (without batch) fills unknown dims.

    Raises ModelError: external_data, several_inputs, dynamic_shape, subgraph, function,
    domain, opset.
    """
    refuse_external_data(model)
    refuse_unrepresentable(model)
    data_input = find_data_input(model)
    model = weights_as_inputs(model, data_input)
    batch = fix_input_shape(model, data_input, input_shape)
    model = convert_opset(model)
    return Prepared(model, data_input, batch)


def refuse_unrepresentable(model: ModelProto) -> None:
    """Raise ModelError for functions, foreign domains, subgraphs and sparse weights, and for
    attributes given twice."""
    if model.functions:
        raise ModelError("function", f"holds {len(model.functions)} local functions")
    if model.graph.sparse_initializer:
        raise ModelError("sparse", "holds sparse initializers")
    for node in model.graph.node:
        if node.domain not in ("", "ai.onnx"):
            raise UnsupportedOperator(
                "domain", f"{node.domain}::{node.op_type} is not ONNX's own"
            )
        names = {attribute.name for attribute in node.attribute}
        if len(names) < len(node.attribute):
            raise ModelError("attribute", f"a {node.op_type} says an attribute twice")
        for attribute in node.attribute:
            if attribute.type in (AttributeProto.GRAPH, AttributeProto.GRAPHS):
                raise ModelError("subgraph", f"{node.op_type} holds a subgraph")


def find_data_input(model: ModelProto) -> str:
    """The name of the one input that carries data; the others are parameters."""
    noted = data_inputs(model)
    initialised = {i.name for i in model.graph.initializer}
    inputs = [i.name for i in model.graph.input if i.name not in initialised]
    if noted is not None:
        lines, text = set(noted), "\n".join(("", *noted, ""))
        inputs = [n for n in inputs if n in lines or ("\n" in n and f"\n{n}\n" in text)]
    # what the weightless reader notes of a stranger's skeleton are all of its inputs
    if len(inputs) > 1 and _are_shape_only_weights(model.graph, set(inputs[1:])):
        inputs = inputs[:1]
    if len(inputs) != 1:
        named = ", ".join(repr(name) for name in inputs[:4])
        raise ModelError(
            "several_inputs", f"has {len(inputs)} data inputs ({named}), a network has one"
        )
    return inputs[0]


def _are_shape_only_weights(graph: GraphProto, names: set[str]) -> bool:
    """Whether the first of these inputs in use fills a place that registered operators keep
    for weights (Conv's W): then the file is a skeleton, and all but the first are weights."""
    places = {
        (operator.name, position_of(operator.name, formal))
        for operator in registered().values()
        for formal in operator.torch_names
    }
    return any(
        name in names and (node.op_type, position) in places
        for node in graph.node
        for position, name in enumerate(node.input)
    )


def fix_input_shape(model: ModelProto, name: str, input_shape: Shape | None) -> int:
    """Make the data input's dims static, in place; returns the batch size they imply.

    Raises ModelError: dynamic_shape, input_shape where the one given contradicts the file.
    """
    value = next(i for i in model.graph.input if i.name == name)
    if not value.type.HasField("tensor_type") or not value.type.tensor_type.HasField("shape"):
        raise ModelError("dynamic_shape", f"the shape of input {name!r} is not declared")
    dims = value.type.tensor_type.shape.dim
    if not dims:
        raise ModelError("input_shape", f"input {name!r} is a scalar")
    if input_shape is not None and len(input_shape) != len(dims) - 1:
        raise ModelError("input_shape", f"input {name!r} has {len(dims) - 1} dims and a batch")
    for axis, dim in enumerate(dims):
        if axis and input_shape is not None:
            wanted = input_shape[axis - 1]
            if dim.dim_value not in (wanted, 0, -1):
                raise ModelError(
                    "input_shape", f"dim {axis} of input {name!r} is {dim.dim_value} already"
                )
            dim.dim_value = wanted
        if axis and dim.dim_value <= 0:
            raise ModelError(
                "dynamic_shape",
                f"dim {axis} of input {name!r} is {dim.dim_param or 'unknown'!r}: "
                "give it with --input-shape",
            )
    batch = max(1, dims[0].dim_value)
    dims[0].dim_value = batch
    return batch


def convert_opset(model: ModelProto) -> ModelProto:
    """The same model at OPSET; its nodes are put in order. Raises ModelError naming the opset
    when ONNX cannot convert."""
    versions = {o.domain: o.version for o in model.opset_import}
    version = versions.get("", versions.get("ai.onnx"))
    if version is None:
        raise ModelError("opset", "declares no opset of ONNX's own")
    if version == OPSET:
        return model
    ordered = sort_nodes(model.graph)
    if ordered is not model.graph.node:  # the converter takes the order for granted
        put = list(ordered)
        del model.graph.node[:]
        model.graph.node.extend(put)
    try:
        converted = version_converter.convert_version(model, OPSET)
    except Exception as e:  # the converter raises bare RuntimeError and its own kinds alike
        line = str(e).strip().splitlines()[0][:200] if str(e) else type(e).__name__
        raise ModelError(
            "opset", f"opset {version} does not convert to {OPSET}: {line}"
        ) from e
    if version < RESIZE_CHOOSES:
        keep_legacy_sampling(converted.graph)
    return converted


def keep_legacy_sampling(graph: GraphProto) -> None:
    """Say of every Resize, in place, what Upsample and Resize-10 meant: the converter leaves
    the sampling to the newer default, which is another one."""
    for node in graph.node:
        if node.op_type == "Resize":
            kept = [a for a in node.attribute if a.name not in LEGACY_SAMPLING]
            del node.attribute[:]
            node.attribute.extend(kept)
            node.attribute.extend(
                helper.make_attribute(name, value) for name, value in LEGACY_SAMPLING.items()
            )


def sort_nodes(graph: GraphProto) -> Sequence[NodeProto]:
    """Nodes, producers first (ONNX demands it, files forget it). Raises ModelError: cycle,
    undeclared, duplicate_name."""
    given = {i.name for i in graph.input} | {i.name for i in graph.initializer} | {""}
    known = set(given)
    for node in graph.node:
        outputs = [name for name in node.output if name]
        grown = len(known) + len(outputs)
        if not known.issuperset(node.input):
            return _put_in_order(graph.node, given)
        known.update(outputs)
        if len(known) < grown:
            return _put_in_order(graph.node, given)  # which says what is named twice
    return graph.node


def _put_in_order(nodes: Sequence[NodeProto], given: set[str]) -> list[NodeProto]:
    producer: dict[str, int] = {}
    for index, node in enumerate(nodes):
        for name in filter(None, node.output):
            if name in producer or name in given:
                raise ModelError("duplicate_name", f"value {name!r} is produced twice")
            producer[name] = index
    waiting: dict[int, int] = {}
    users: dict[int, list[int]] = {}
    for index, node in enumerate(nodes):
        missing = {name for name in node.input if name not in given}
        for name in missing:
            if name not in producer:
                raise ModelError(
                    "undeclared", f"{node.op_type} uses {name!r}, declared nowhere"
                )
            users.setdefault(producer[name], []).append(index)
        waiting[index] = len(missing)
    ready = [index for index, count in waiting.items() if not count][::-1]
    ordered: list[NodeProto] = []
    while ready:
        index = ready.pop()
        ordered.append(nodes[index])
        for user in users.get(index, ()):
            waiting[user] -= 1
            if not waiting[user]:
                ready.append(user)
    if len(ordered) < len(nodes):
        raise ModelError("cycle", f"{len(nodes) - len(ordered)} nodes wait for one another")
    return ordered

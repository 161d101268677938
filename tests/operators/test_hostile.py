"""Files that are no network: each a ModelError with file and reason, in time and memory."""

from __future__ import annotations

import io
import os
import random
import resource
import time
from collections.abc import Callable
from pathlib import Path

import onnx
import pytest
from onnx import AttributeProto, ModelProto, TensorProto, helper, parser
from small_models import residual_model

from pipeline.errors import ModelError
from pipeline.operators.read_onnx import read_onnx, read_weights
from pipeline.weightless.skeleton import read_skeleton

LIGHT = Path(onnx.__file__).parent / "backend/test/data/light"
SECONDS, MEGABYTES = 3, 500
MUTATIONS = int(os.environ.get("NN2VEC_FUZZ", "300"))  # 10,000 when run long


def parse(body: str, data: str = "float[1,4] x", opset: int = 20) -> ModelProto:
    head = f'<ir_version: 8, opset_import: ["": {opset}]>'
    return parser.parse_model(f"{head} g ({data}) => (float y) {{ {body} }}")


def cyclic(opset: int = 20) -> ModelProto:
    model = parse("a = Add(x, x) b = Relu(a) y = Tanh(b)", opset=opset)
    model.graph.node[0].input[1] = "b"
    return model


def of_nodes(count: int) -> bytes:
    """A chain of so many nodes, made by repeating bytes: building it node by node is slow."""
    node = helper.make_node("Relu", ["x"], ["x"]).SerializeToString()
    field = b"\x0a" + bytes([len(node)]) + node
    body = b"".join(field for _ in range(count))
    head = parse("y = Relu(x)")
    tail = head.graph.SerializeToString()
    graph = body + tail
    size, varint = len(graph), bytearray()
    while size > 127:
        varint.append(size & 127 | 128)
        size >>= 7
    varint.append(size)
    del head.graph.node[:]
    rest = ModelProto(ir_version=8, opset_import=head.opset_import).SerializeToString()
    return rest + b"\x3a" + bytes(varint) + graph


def doubling(count: int) -> ModelProto:
    """Concatenates a constant with itself, over and over."""
    nodes = [helper.make_node("Constant", [], ["c0"], value_ints=[1, 2])]
    nodes += [
        helper.make_node("Concat", [f"c{n}"] * 2, [f"c{n + 1}"], axis=0) for n in range(count)
    ]
    model = parse("y = Reshape(x, s)")
    model.graph.node[0].input[1] = f"c{count}"
    for node in reversed(nodes):
        model.graph.node.insert(0, node)
    return model


def filling(count: int) -> ModelProto:
    """Makes many constants that are each of moderate size."""
    model = parse("s = Constant<value = int64[1] {16384}>() y = Relu(x)")
    for n in range(count):
        node = helper.make_node("ConstantOfShape", ["s"], [f"c{n}"])
        model.graph.node.insert(1, node)
    return model


def nested(depth: int) -> ModelProto:
    graph = helper.make_graph([], "g", [], [])
    for _ in range(depth):
        node = helper.make_node("If", ["x"], ["y"])
        node.attribute.append(AttributeProto(name="then", type=AttributeProto.GRAPH, g=graph))
        graph = helper.make_graph([node], "g", [], [])
    model = parse("y = Relu(x)")
    model.graph.node.insert(0, graph.node[0] if depth else model.graph.node[0])
    return model


def with_dims(*dims: int) -> ModelProto:
    model = parse("y = Relu(x)")
    model.graph.input[0].type.tensor_type.shape.ClearField("dim")
    for dim in dims:
        model.graph.input[0].type.tensor_type.shape.dim.add(dim_value=dim)
    return model


def with_function() -> ModelProto:
    model = parse("y = Relu(x)")
    model.functions.add(name="f", domain="d")
    return model


def without_output() -> ModelProto:
    model = parse("y = Relu(x)")
    del model.graph.output[:]
    return model


def without_node_output() -> ModelProto:
    model = parse("z = Tanh(x) y = Relu(x)")
    del model.graph.node[0].output[:]
    return model


def outside() -> ModelProto:
    model = residual_model()
    for weight in model.graph.initializer:
        weight.ClearField("raw_data")
        weight.data_location = TensorProto.EXTERNAL
        weight.external_data.add(key="location", value="../../../../etc/passwd")
    return model


def renamed_type(model: ModelProto, kind: int) -> ModelProto:
    model.graph.input[0].type.tensor_type.elem_type = kind
    return model


HOSTILE: dict[str, tuple[Callable[[], ModelProto | bytes], str]] = {
    "nothing": (lambda: b"", "empty"),
    "noise": (lambda: random.Random(0).randbytes(5000), "not_onnx"),
    "truncated": (lambda: residual_model().SerializeToString()[:-9], "truncated"),
    "cycle": (cyclic, "cycle"),
    "cycle in an old opset": (lambda: cyclic(11), "cycle"),
    "a value made twice": (lambda: parse("y = Relu(x) y = Tanh(x)"), "duplicate_name"),
    "an input made again": (lambda: parse("x = Relu(x) y = Tanh(x)"), "duplicate_name"),
    "made twice by one node": (lambda: parse("y, y = Dropout(x)"), "duplicate_name"),
    "an undeclared input": (lambda: parse("y = Add(x, z)"), "undeclared"),
    "an undeclared output": (lambda: parse("z = Relu(x)"), "undeclared"),
    "an output of no input": (
        lambda: parse("z = Relu(x) y = Constant<value_float = 1.0>()"), "no_output"),
    "no output": (without_output, "no_output"),
    "a node without outputs": (without_node_output, "arity"),
    "floats for indices": (lambda: parse("y = Gather(x, x)"), "shapes"),
    "integers to convolve": (
        lambda: renamed_type(residual_model(), TensorProto.INT64), "shapes"),
    "an unknown type": (lambda: renamed_type(residual_model(), 0), "element_type"),
    "shapes that do not fit": (
        lambda: parse("c = Constant<value = float[3] {1, 2, 3}>() y = Add(x, c)"), "shapes"),
    "too many inputs": (lambda: parse("y = Relu(x, x)"), "arity"),
    "too few inputs": (lambda: parse("y = Add(x)"), "shapes"),
    "an unknown operator": (lambda: parse("y = Relux(x)"), "unknown_operator"),
    "a foreign domain": (lambda: parse("y = com.example.Relu(x)"), "domain"),
    "a function": (with_function, "function"),
    "a subgraph": (lambda: nested(1), "subgraph"),
    "subgraphs in subgraphs": (lambda: nested(30), "subgraph"),
    "absurdly many elements": (lambda: with_dims(1, 2**40, 2**40), "dims"),
    "a huge intermediate": (
        lambda: parse("t = Constant<value = int64[3] {30000, 30000, 30000}>() "
                      "e = Expand(x, t) y = ReduceSum(e)", "float[1,1,1] x"), "too_large"),
    "a negative dim": (lambda: with_dims(1, -4), "dynamic_shape"),
    "an empty dim": (lambda: with_dims(1, 0), "dynamic_shape"),
    "a scalar": (with_dims, "input_shape"),
    "an attribute of another kind": (
        lambda: parse('y = Softmax<axis = "one">(x)'), "attribute"),
    "an attribute there is not": (lambda: parse("y = Relu<slope = 1>(x)"), "attribute"),
    "groups that do not divide": (
        lambda: parse("y = Conv<group = 3>(x, w)", "float[1,4,5,5] x, float[4,2,3,3] w"),
        "attributes"),
    "a stride of zero": (
        lambda: parse("y = MaxPool<kernel_shape = [2], strides = [0]>(x)",
                      "float[1,4,9] x"), "shapes"),
    "a reshape that cannot be": (
        lambda: parse("s = Constant<value = int64[2] {3, -1}>() y = Reshape(x, s)"),
        "shapes"),
    "a shape that depends on data": (lambda: parse("y = NonZero(x)"), "shapes"),
    "constants that double": (lambda: doubling(60), "shapes"),
    "constants without end": (lambda: filling(2000), "too_large"),
    "no opset": (
        lambda: ModelProto(ir_version=8, graph=parse("y = Relu(x)").graph), "opset"),
    "an opset to come": (lambda: parse("y = Relu(x)", opset=9999), "opset"),
    "a million nodes": (lambda: of_nodes(1_000_000), "too_many_nodes"),
}  # fmt: skip


def peak() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


@pytest.mark.parametrize("case", HOSTILE)
def test_hostile_files_are_refused_in_time(case: str, tmp_path: Path) -> None:
    make, reason = HOSTILE[case]
    content = made if isinstance(made := make(), bytes) else made.SerializeToString()
    path = tmp_path / "hostile.onnx"
    path.write_bytes(content)
    before, began = peak(), time.process_time()
    with pytest.raises(ModelError) as caught:
        read_onnx(path)
    assert time.process_time() - began < SECONDS
    assert peak() - before < MEGABYTES
    assert caught.value.source == str(path)
    assert caught.value.reason == reason
    assert caught.value.detail


def test_external_data_outside_is_never_opened(tmp_path: Path) -> None:
    path = tmp_path / "outside.onnx"
    path.write_bytes(outside().SerializeToString())
    network = read_onnx(path)  # weights play no part
    with pytest.raises(ModelError) as caught:
        read_weights(path, network)
    assert caught.value.reason == "external_path"


# Mutations of real files: nothing but a network or a ModelError comes of them


def mutate(model: ModelProto, draw: random.Random) -> None:
    """One change to a model's structure, of the kind that a damaged or forged file has."""
    graph, numbers = model.graph, (0, -1, 1, 3, 64, 2**31, -(2**63), 2**62)
    node = draw.choice(graph.node)
    names = [name for n in graph.node for name in (*n.input, *n.output)]
    match draw.randrange(9):
        case 0:
            node.op_type = draw.choice(graph.node).op_type
        case 1 if node.input:
            node.input[draw.randrange(len(node.input))] = draw.choice(names)
        case 2 if node.input:
            del node.input[draw.randrange(len(node.input))]
        case 3:
            node.input.append(draw.choice([*names, ""]))
        case 4 if node.output:
            del node.output[draw.randrange(len(node.output))]
        case 5 if node.attribute:
            attribute = draw.choice(node.attribute)
            attribute.i = draw.choice(numbers)
            if attribute.ints:
                attribute.ints[draw.randrange(len(attribute.ints))] = draw.choice(numbers)
        case 6 if node.attribute:
            attribute = draw.choice(node.attribute)
            attribute.type = draw.randrange(1, 9)
            del attribute.ints[:1]
        case 7:
            value = draw.choice(graph.input)
            value.type.tensor_type.elem_type = draw.randrange(24)
            for dim in value.type.tensor_type.shape.dim[-1:]:
                dim.dim_value = draw.choice(numbers)
        case _:
            del graph.node[draw.randrange(len(graph.node))]


def test_mutated_models_are_networks_or_refused() -> None:
    draw = random.Random(0)
    names = ("light_squeezenet", "light_shufflenet", "light_bvlc_alexnet")
    skeletons = [residual_model(), *(read_skeleton(LIGHT / f"{n}.onnx") for n in names)]
    read, refused = 0, set()
    for _ in range(MUTATIONS):
        model = ModelProto()
        model.CopyFrom(draw.choice(skeletons))
        for _ in range(draw.choice((1, 1, 2))):
            mutate(model, draw)
        began = time.process_time()
        try:
            read += len(read_onnx(io.BytesIO(model.SerializeToString()))) > 1
        except ModelError as e:
            refused.add(e.reason)
        assert time.process_time() - began < SECONDS
    assert read > MUTATIONS // 10
    assert len(refused) > 5

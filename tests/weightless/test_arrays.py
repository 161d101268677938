"""No call into onnx opens a file: what names one is refused wherever it stands."""

from __future__ import annotations

import io
import re
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from onnx import AttributeProto, ModelProto, TensorProto, helper, numpy_helper, parser

from pipeline.errors import ModelError
from pipeline.operators.read_onnx import read_onnx, read_skeleton_network
from pipeline.weightless.arrays import array_of, refuse_external_data
from pipeline.weightless.skeleton import read_skeleton
from pipeline.weightless.tensor_values import read_tensor_values

SECRET = "secret.txt"


def outside(location: str = SECRET) -> TensorProto:
    """A tensor of one byte, which stands in the file of that name."""
    tensor = TensorProto(name="t", data_type=TensorProto.UINT8, dims=[1])
    tensor.data_location = TensorProto.EXTERNAL
    for key, value in (("location", location), ("offset", "0"), ("length", "1")):
        tensor.external_data.add(key=key, value=value)
    return tensor


def parse(body: str, data: str = "uint8[1] x") -> ModelProto:
    text = f'<ir_version: 8, opset_import: ["": 20]> g ({data}) => (uint8 y) {{ {body} }}'
    return parser.parse_model(text)


def with_attribute(attribute: AttributeProto) -> ModelProto:
    """The attribute on a node that folding evaluates."""
    model = parse("s = Constant<value = int64[1] {1}>() c = ConstantOfShape(s) y = Add(x, c)")
    model.graph.node[1].attribute.append(attribute)
    return model


def in_attribute(location: str = SECRET) -> ModelProto:
    return with_attribute(AttributeProto(name="value", type=4, t=outside(location)))


def in_list() -> ModelProto:
    return with_attribute(AttributeProto(name="value", type=9, tensors=[outside()]))


def in_sparse() -> ModelProto:
    attribute = AttributeProto(name="value", type=11)
    attribute.sparse_tensor.values.CopyFrom(outside())
    return with_attribute(attribute)


def in_subgraph() -> ModelProto:
    graph = helper.make_graph([], "sub", [], [], [outside()])
    return with_attribute(AttributeProto(name="value", type=5, g=graph))


def in_subgraphs_constant() -> ModelProto:
    node = helper.make_node("Constant", [], ["c"])
    node.attribute.append(AttributeProto(name="value", type=4, t=outside()))
    graph = helper.make_graph([node], "sub", [], [])
    return with_attribute(AttributeProto(name="value", type=10, graphs=[graph]))


def in_function() -> ModelProto:
    model = parse("y = Add(x, x)")
    function = model.functions.add(name="f", domain="d")
    function.node.extend(in_attribute().graph.node)
    return model


def in_function_default() -> ModelProto:
    model = parse("y = Add(x, x)")
    function = model.functions.add(name="f", domain="d")
    function.attribute_proto.append(AttributeProto(name="value", type=4, t=outside()))
    return model


def in_constant() -> ModelProto:
    model = parse("c = Constant<value = uint8[1] {0}>() y = Add(x, c)")
    model.graph.node[0].attribute[0].t.CopyFrom(outside())
    return model


def in_constant_of_two_outputs() -> ModelProto:
    model = in_constant()
    model.graph.node[0].output.append("d")
    return model


def in_initializer() -> ModelProto:
    model = parse("y = Add(x, t)")
    model.graph.initializer.append(outside())
    return model


def in_sparse_initializer() -> ModelProto:
    model = parse("y = Add(x, t)")
    model.graph.sparse_initializer.add().values.CopyFrom(outside())
    return model


EVERYWHERE: tuple[Callable[[], ModelProto], ...] = (
    in_attribute, in_list, in_sparse, in_subgraph, in_subgraphs_constant, in_function,
    in_function_default, in_constant, in_constant_of_two_outputs, in_initializer,
    in_sparse_initializer, lambda: in_attribute("/etc/hostname"),
)  # fmt: skip


@pytest.mark.parametrize("make", EVERYWHERE)
def test_a_model_in_memory_that_names_a_file_is_refused(make) -> None:
    for refuse in (refuse_external_data, read_skeleton_network):
        with pytest.raises(ModelError) as caught:
            refuse(make())
        assert caught.value.reason == "external_data"


@pytest.mark.parametrize("make", EVERYWHERE)
def test_a_files_network_does_not_depend_on_other_files(
    make, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whatever stands below the working folder, or beside the model: the same answer."""
    path = tmp_path / "net.onnx"
    path.write_bytes(make().SerializeToString())
    monkeypatch.chdir(tmp_path)
    answers = set()
    for secret in (b"A", b"B", None):
        if secret is None:
            Path(SECRET).unlink()
        else:
            Path(SECRET).write_bytes(secret)
        try:
            skeleton = read_skeleton(path)
            refuse_external_data(skeleton)  # nothing of the kind goes on the shelf
            answers.add(str(read_onnx(path).vertices))
        except ModelError as e:
            answers.add(e.reason)
    assert len(answers) == 1


def test_what_is_kept_on_the_wire_as_external_is_never_decoded(tmp_path, monkeypatch) -> None:
    """protobuf keeps the last value that the enum knows, and the low half of a long varint."""
    monkeypatch.chdir(tmp_path)
    Path(SECRET).write_bytes(b"S")
    tensor = outside()
    tensor.int32_data.append(7)
    plain = tensor.SerializeToString()
    for location in (b"\x70\x01\x70\x05", b"\x70\x81\x80\x80\x80\x10", b"\x70\x01\x70\x00"):
        spelled = plain.replace(b"\x70\x01", location)
        assert spelled != plain
        model = parse("y = Add(x, x)").SerializeToString()
        graph = b"\x2a" + bytes([len(spelled)]) + spelled
        content = model + b"\x3a" + bytes([len(graph)]) + graph
        with pytest.raises(ModelError, match=r"\[external_data\]"):
            read_tensor_values(io.BytesIO(content), ["t"])


def test_values_that_stand_in_the_tensor_are_given() -> None:
    array = np.arange(6, dtype=np.float32).reshape(2, 3)
    assert np.array_equal(array_of(numpy_helper.from_array(array)), array)
    with pytest.raises(ModelError, match="bad_tensor"):
        array_of(TensorProto(data_type=1, dims=[3], float_data=[1.0]))


def test_nothing_else_asks_onnx_for_values() -> None:
    """onnx.numpy_helper.to_array and onnx.load open the files a tensor names."""
    root = Path(__file__).parents[2] / "pipeline"
    opens = re.compile(r"\bto_array\(|\bonnx\.load|load_external_data")
    callers = {p.name for p in root.rglob("*.py") if opens.search(p.read_text())}
    assert callers == {"arrays.py"}

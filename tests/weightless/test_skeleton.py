from __future__ import annotations

import gzip
import io
import time
from collections.abc import Callable, Iterable
from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import ModelProto, TensorProto, helper, numpy_helper
from servers import serve_folder

from pipeline.errors import ModelError
from pipeline.weightless.skeleton import DATA_INPUTS, data_inputs, read_skeleton
from pipeline.weightless.wire import encode_varint, key, tagged

LIGHT = sorted((Path(onnx.__file__).parent / "backend/test/data/light").glob("*.onnx"))


def make_model(
    initializers: Iterable[TensorProto] = (),
    constants: Iterable[onnx.NodeProto] = (),
    inputs: Iterable[onnx.ValueInfoProto] = (),
) -> ModelProto:
    x = helper.make_tensor_value_info("x", TensorProto.FLOAT, (1, 3, 8, 8))
    y = helper.make_tensor_value_info("y", TensorProto.FLOAT, (1, 3, 8, 8))
    nodes = [*constants, helper.make_node("Relu", ["x"], ["y"], doc_string="activates")]
    graph = helper.make_graph(nodes, "g", [x, *inputs], [y], list(initializers))
    graph.doc_string = "drawn by hand"
    graph.value_info.append(y)
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 20)])


def tensor(name: str, array: object) -> TensorProto:
    return numpy_helper.from_array(np.asarray(array), name)


def constant(name: str, **value: object) -> onnx.NodeProto:
    return helper.make_node("Constant", [], [name], **value)


def skeleton_of(model: ModelProto | bytes) -> ModelProto:
    data = model if isinstance(model, bytes) else model.SerializeToString()
    return read_skeleton(io.BytesIO(data))


def canonical(model: ModelProto) -> bytes:
    return model.SerializeToString(deterministic=True)


def shapes(model: ModelProto) -> dict[str, tuple[int, tuple[int, ...]]]:
    return {
        v.name: (
            v.type.tensor_type.elem_type,
            tuple(d.dim_value for d in v.type.tensor_type.shape.dim),
        )
        for v in model.graph.input
    }


def refusal(source: object) -> str:
    began = time.process_time()
    with pytest.raises(ModelError) as caught:
        read_skeleton(io.BytesIO(source) if isinstance(source, bytes) else source)
    assert time.process_time() - began < 5
    assert caught.value.source
    return caught.value.reason


@pytest.mark.parametrize("path", LIGHT, ids=lambda p: p.stem)
def test_zoo_graphs_keep_their_nodes_and_are_their_own_skeletons(path: Path) -> None:
    whole, skeleton = onnx.load(path), read_skeleton(path)
    onnx.checker.check_model(skeleton)
    assert [n.output for n in skeleton.graph.node] == [n.output for n in whole.graph.node]
    initial = {t.name for t in whole.graph.initializer}
    assert data_inputs(skeleton) == [
        i.name for i in whole.graph.input if i.name not in initial
    ]
    dims = {t.name: (t.data_type, tuple(t.dims)) for t in whole.graph.initializer}
    left = {t.name for t in skeleton.graph.initializer}
    assert left <= initial
    assert all(shapes(skeleton)[name] == dims[name] for name in initial - left)
    assert canonical(skeleton_of(skeleton)) == canonical(skeleton)


@pytest.mark.parametrize(
    ("array", "kept"),
    [
        (np.zeros((4, 4), np.float32), True),
        (np.zeros(17, np.float32), False),
        (np.zeros(1024, np.int64), True),
        (np.zeros(1025, np.int64), False),
        (np.zeros(8192, np.bool_), True),
        (np.zeros(8193, np.uint8), False),
        (np.zeros(17, np.float16), False),
        (np.zeros(2048, np.float32), False),
        (np.zeros(2049, np.float32), False),
        (np.array(1.5), True),
        (np.zeros((0, 100), np.float32), True),
        (np.array(["a"] * 16), True),
        (np.array(["a" * 1000] * 16), False),
        (np.zeros(8, np.complex64), True),
    ],
    ids=str,
)
def test_what_is_kept(array: np.ndarray, kept: bool) -> None:
    weight = tensor("w", array.astype(object) if array.dtype.kind == "U" else array)
    if array.dtype.kind == "U":
        weight = helper.make_tensor("w", TensorProto.STRING, array.shape, array.tolist())
    skeleton = skeleton_of(make_model([weight], [constant("c", value=weight)]))
    assert [t.name for t in skeleton.graph.initializer] == ["w"] * kept
    is_kept_in_a_node = kept or (array.dtype.kind == "f" and array.nbytes <= 8192)
    nodes = ["Constant"] * is_kept_in_a_node + ["Relu"]
    assert [n.op_type for n in skeleton.graph.node] == nodes
    declared = shapes(skeleton)
    assert ("w" in declared, "c" in declared) == (not kept, not is_kept_in_a_node)
    if kept:
        assert skeleton.graph.initializer[0] == weight
    else:
        assert declared["w"] == (weight.data_type, array.shape)
    if not is_kept_in_a_node:
        assert declared["c"] == (weight.data_type, array.shape)
    assert data_inputs(skeleton) == ["x"]
    assert canonical(skeleton_of(skeleton)) == canonical(skeleton)


def test_constants_in_every_spelling() -> None:
    sparse = helper.make_sparse_tensor(
        tensor("v", np.ones(3, np.float32)), tensor("i", np.arange(3)), [100]
    )
    skeleton = skeleton_of(
        make_model(
            constants=[
                constant("floats", value_floats=[0.5] * 2049),
                constant("ints", value_ints=list(range(20))),
                constant("many", value_ints=list(range(2000))),
                constant("one", value_float=1.0),
                constant("word", value_string="abc"),
                constant("sparse", sparse_value=sparse),
            ]
        )
    )
    kept = [n.output[0] for n in skeleton.graph.node if n.op_type == "Constant"]
    assert kept == ["ints", "one", "word"]
    assert shapes(skeleton) | {"x": ()} == {
        "x": (),
        "floats": (TensorProto.FLOAT, (2049,)),
        "many": (TensorProto.INT64, (2000,)),
        "sparse": (TensorProto.FLOAT, (100,)),
    }


def test_an_initializer_that_is_an_input_leaves_an_input_with_its_dims() -> None:
    vague = helper.make_tensor_value_info("w", TensorProto.FLOAT, None)
    skeleton = skeleton_of(
        make_model([tensor("w", np.zeros((5, 7), np.float32))], inputs=[vague])
    )
    assert [v.name for v in skeleton.graph.input] == ["x", "w"]
    assert shapes(skeleton)["w"] == (TensorProto.FLOAT, (5, 7))
    assert data_inputs(skeleton) == ["x"]


def test_metadata_that_is_there_stays() -> None:
    model = make_model(inputs=[helper.make_tensor_value_info("w", TensorProto.FLOAT, (9,))])
    assert data_inputs(skeleton_of(model)) == ["x", "w"]
    model.metadata_props.add(key=DATA_INPUTS, value="x")
    assert data_inputs(skeleton_of(model)) == ["x"]


def test_documentation_goes_and_the_rest_stays() -> None:
    model = make_model()
    model.graph.node[0].metadata_props.add(key="stack_trace", value="long")
    model.training_info.add()
    model.producer_name = "someone"
    skeleton = skeleton_of(model)
    node = skeleton.graph.node[0]
    assert not node.doc_string
    assert not node.metadata_props
    assert not skeleton.graph.doc_string
    assert not skeleton.graph.value_info
    assert not skeleton.training_info
    assert skeleton.producer_name == "someone"


def test_sparse_and_external_tensors_are_weights(tmp_path: Path) -> None:
    model = make_model([tensor("w", np.zeros(3, np.int64))])
    sparse = helper.make_sparse_tensor(
        tensor("s", np.ones(3, np.float32)), tensor("", np.arange(3)), [10, 10]
    )
    model.graph.sparse_initializer.append(sparse)
    weight = model.graph.initializer[0]
    weight.ClearField("raw_data")
    weight.data_location = TensorProto.EXTERNAL
    weight.external_data.add(key="location", value="/dev/zero")
    skeleton = skeleton_of(model)
    assert not skeleton.graph.initializer
    assert not skeleton.graph.sparse_initializer
    assert shapes(skeleton)["w"] == (TensorProto.INT64, (3,))
    assert shapes(skeleton)["s"] == (TensorProto.FLOAT, (10, 10))


def wire_tensor(*fields: bytes, name: bytes = b"w") -> bytes:
    return model_bytes(tagged(5, b"".join(fields) + tagged(8, name)))


def model_bytes(*graph_fields: bytes) -> bytes:
    return b"\x08\x09" + tagged(7, b"".join(graph_fields))


def varint_field(number: int, value: int) -> bytes:
    return encode_varint(key(number, 0)) + encode_varint(value)


@pytest.mark.parametrize("packed_dims", [False, True])
@pytest.mark.parametrize("packed_data", [False, True])
@pytest.mark.parametrize("backwards", [False, True])
def test_every_legal_spelling_of_a_tensor(
    packed_dims: bool, packed_data: bool, backwards: bool
) -> None:
    values = [1, 2**64 - 5, 300, 0]
    dims = [tagged(1, b"\x02\x02")] if packed_dims else [b"\x08\x02", b"\x08\x02"]
    data = [tagged(7, b"".join(map(encode_varint, values)))]
    if not packed_data:
        data = [varint_field(7, value) for value in values]
    fields = [*dims, varint_field(2, TensorProto.INT64), *data, tagged(99, b"unknown")]
    if backwards:
        fields = [*data, tagged(99, b"unknown"), varint_field(2, TensorProto.INT64), *dims]
    kept = skeleton_of(wire_tensor(*fields)).graph.initializer[0]
    assert numpy_helper.to_array(kept).tolist() == [[1, -5], [300, 0]]


def test_a_graph_in_several_pieces_is_one() -> None:
    whole = make_model([tensor("w", np.zeros(99, np.float32))])
    pieces = [ModelProto(graph=onnx.GraphProto(node=[n])) for n in whole.graph.node]
    del whole.graph.node[:]
    data = b"".join(p.SerializeToString() for p in [*pieces, whole])
    skeleton = skeleton_of(data)
    assert [n.op_type for n in skeleton.graph.node] == ["Relu"]
    assert list(shapes(skeleton)) == ["x", "w"]


FLOAT32 = varint_field(2, TensorProto.FLOAT)
INT32 = varint_field(2, TensorProto.INT32)
MANY = 200_001
NESTED = b""
for _ in range(150):
    NESTED = tagged(1, tagged(5, tagged(6, NESTED)))

HOSTILE: dict[str, tuple[str, Callable[[], bytes]]] = {
    "html": ("not_onnx", lambda: b"<!DOCTYPE html><html><body>404</body></html>"),
    "text": ("not_onnx", lambda: b"version https://git-lfs.github.com/spec/v1\n"),
    "json": ("not_onnx", lambda: b'{"error": "gone"}'),
    "gzip": ("not_onnx", lambda: gzip.compress(make_model().SerializeToString())),
    "zip": ("not_onnx", lambda: b"PK\x03\x04" + bytes(100)),
    "zeros": ("not_onnx", lambda: bytes(1000)),
    "tensor file": ("not_onnx", lambda: tensor("w", np.zeros(3)).SerializeToString()),
    "no graph": ("not_onnx", lambda: b"\x08\x09"),
    "half": ("truncated", lambda: make_model().SerializeToString()[:-20]),
    "overrun": ("malformed", lambda: model_bytes(b"\x0a\x7f") + bytes(200)),
    "endless varint": ("malformed", lambda: model_bytes(b"\x0a" + b"\xff" * 12)),
    "wrong wire type": ("malformed", lambda: model_bytes(b"\x08\x01")),
    "wrong type in tensor": ("malformed", lambda: wire_tensor(tagged(2, b"\x01"))),
    "group": ("malformed", lambda: model_bytes(b"\x0b\x0c")),
    "name not UTF-8": ("malformed", lambda: model_bytes(tagged(1, tagged(4, b"\xff")))),
    "tensor name": ("malformed", lambda: wire_tensor(FLOAT32, name=b"\xff")),
    "negative dim": ("dims", lambda: wire_tensor(varint_field(1, 2**64 - 1), FLOAT32)),
    "huge dims": ("dims", lambda: wire_tensor(*[varint_field(1, 2**21)] * 2, FLOAT32)),
    "high rank": ("dims", lambda: wire_tensor(*[b"\x08\x01"] * 65, FLOAT32)),
    "zero times huge": (
        "dims",
        lambda: wire_tensor(b"\x08\x00", varint_field(1, 2**50), FLOAT32),
    ),
    "no type": ("element_type", lambda: wire_tensor(b"\x08\x01")),
    "odd type": ("element_type", lambda: wire_tensor(varint_field(2, 12345))),
    "short": (
        "payload_mismatch",
        lambda: wire_tensor(b"\x08\x64", FLOAT32, tagged(9, b"abcd")),
    ),
    "none": ("payload_mismatch", lambda: wire_tensor(b"\x08\x64", FLOAT32)),
    "long": (
        "payload_mismatch",
        lambda: wire_tensor(b"\x08\x01", FLOAT32, tagged(9, bytes(8))),
    ),
    "few": (
        "payload_mismatch",
        lambda: wire_tensor(b"\x08\x03", INT32, tagged(5, b"\x01\x01")),
    ),
    "both": (
        "payload_mismatch",
        lambda: wire_tensor(b"\x08\x01", FLOAT32, tagged(9, bytes(4)), tagged(4, bytes(4))),
    ),
    "unnamed": ("unnamed", lambda: wire_tensor(FLOAT32, tagged(9, bytes(4)), name=b"")),
    "twice": (
        "duplicate_name",
        lambda: make_model([tensor("w", [1.0]), tensor("w", [2.0])]).SerializeToString(),
    ),
    "deep": ("too_deep", lambda: model_bytes(NESTED)),
    "many nodes": ("too_many_nodes", lambda: model_bytes(tagged(1, b"") * MANY)),
    "many tensors": (
        "too_many_tensors",
        lambda: model_bytes(
            *(
                tagged(5, b"\x10\x01" + tagged(8, b"%d" % i) + tagged(9, b"abcd"))
                for i in range(MANY)
            )
        ),
    ),
    "many fields": ("too_many_fields", lambda: model_bytes(tagged(11, b"") * 2_000_001)),
    "many attributes": (
        "too_many_fields",
        lambda: model_bytes(tagged(1, tagged(5, b"") * 500) * 20_000),
    ),
    "large name": ("too_large", lambda: model_bytes(tagged(2, bytes(2 << 20)))),
    "much besides weights": (
        "too_large",
        lambda: model_bytes(tagged(11, bytes(1 << 20)) * 70),
    ),
    "large attribute": (
        "large_attribute",
        lambda: model_bytes(
            tagged(1, tagged(4, b"Odd") + tagged(5, tagged(4, bytes(2 << 20))))
        ),
    ),
}


@pytest.mark.parametrize("case", HOSTILE)
def test_hostile_files_are_refused_with_a_reason(case: str) -> None:
    reason, make = HOSTILE[case]
    assert refusal(make()) == reason


def test_sources_that_are_no_file(tmp_path: Path) -> None:
    (tmp_path / "empty.onnx").touch()
    assert refusal(tmp_path / "empty.onnx") == "empty"
    assert refusal(tmp_path) == "not_a_file"
    assert refusal(str(tmp_path / "absent.onnx")) == "missing"


def test_over_http_the_weights_stay_where_they_are(tmp_path: Path) -> None:
    weights = [tensor(f"w{i}", np.zeros((256, 1024), np.float32)) for i in range(40)]
    (tmp_path / "m.onnx").write_bytes(make_model(weights).SerializeToString())
    size = (tmp_path / "m.onnx").stat().st_size
    with serve_folder(tmp_path) as served:
        skeleton = read_skeleton(f"{served.address}/m.onnx")
        assert served.body_bytes < size / 100
    assert canonical(skeleton) == canonical(read_skeleton(tmp_path / "m.onnx"))
    assert len(shapes(skeleton)) == 41
    with serve_folder(tmp_path, ranges=False) as served:
        assert refusal(f"{served.address}/m.onnx") == "no_ranges"

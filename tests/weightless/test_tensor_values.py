from __future__ import annotations

import io
from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import ModelProto, TensorProto, helper, numpy_helper
from servers import serve_folder

from pipeline.errors import ModelError
from pipeline.weightless.tensor_values import read_tensor_values

TYPES = sorted(
    set(TensorProto.DataType.values()) - {TensorProto.UNDEFINED, TensorProto.STRING}
)


def make_model(
    *tensors: TensorProto, constants: tuple[onnx.NodeProto, ...] = ()
) -> ModelProto:
    y = helper.make_tensor_value_info("y", TensorProto.FLOAT, (1,))
    nodes = [*constants, helper.make_node("Relu", ["x"], ["y"])]
    x = helper.make_tensor_value_info("x", TensorProto.FLOAT, (1,))
    return helper.make_model(helper.make_graph(nodes, "g", [x], [y], list(tensors)))


def payloads(model: ModelProto, *names: str) -> dict[str, np.ndarray]:
    return read_tensor_values(io.BytesIO(model.SerializeToString()), names)


def refusal(source: object, name: str = "w") -> str:
    with pytest.raises(ModelError) as caught:
        read_tensor_values(source, [name])
    assert caught.value.source
    return caught.value.reason


@pytest.mark.parametrize("raw", [True, False])
@pytest.mark.parametrize("data_type", TYPES, ids=TensorProto.DataType.Name)
def test_every_element_type_comes_back_as_onnx_reads_it(data_type: int, raw: bool) -> None:
    kind = helper.tensor_dtype_to_np_dtype(data_type)
    values = np.random.default_rng(3).integers(0, 2, (5, 7)).astype(kind)
    weight = helper.make_tensor("w", data_type, (5, 7), values if raw else values.ravel(), raw)
    array = payloads(make_model(weight), "w")["w"]
    expected = numpy_helper.to_array(weight)
    assert (array.dtype, array.shape) == (expected.dtype, (5, 7))
    assert array.tobytes() == expected.tobytes() == values.tobytes()
    assert array.flags.writeable


def test_strings_and_constants_in_every_spelling() -> None:
    word = helper.make_tensor("s", TensorProto.STRING, (2,), ["a", "b"])
    table = numpy_helper.from_array(np.arange(40, dtype=np.float32).reshape(4, 10))
    spellings = {
        "c": {"value": table},
        "floats": {"value_floats": [0.5, 2.0]},
        "ints": {"value_ints": [1, -2, 3]},
        "one": {"value_float": 0.0},
        "words": {"value_strings": ["a", "bc"]},
    }
    nodes = tuple(helper.make_node("Constant", [], [n], **v) for n, v in spellings.items())
    arrays = payloads(make_model(word, constants=nodes), *spellings, "s")
    assert list(arrays) == [*spellings, "s"]
    assert arrays["s"].tolist() == ["a", "b"]
    assert (arrays["c"] == numpy_helper.to_array(table)).all()
    assert arrays["floats"].tolist() == [0.5, 2.0]
    assert arrays["floats"].dtype == np.float32
    assert arrays["ints"].tolist() == [1, -2, 3]
    assert arrays["one"].shape == ()
    assert arrays["words"].tolist() == [b"a", b"bc"]


def test_only_what_is_asked_for_is_fetched(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    arrays = {f"w{i}": rng.random((64, 1024), np.float32) for i in range(20)}
    model = make_model(*(numpy_helper.from_array(a, n) for n, a in arrays.items()))
    onnx.save(model, tmp_path / "m.onnx")
    with serve_folder(tmp_path) as served:
        found = read_tensor_values(f"{served.address}/m.onnx", ["w7"])
        assert served.body_bytes < 2 * arrays["w7"].nbytes
    assert (found["w7"] == arrays["w7"]).all()
    assert (read_tensor_values(tmp_path / "m.onnx", ["w19"])["w19"] == arrays["w19"]).all()


def test_what_is_not_there_or_sparse_is_refused() -> None:
    model = make_model()
    values, indices = np.ones(1, np.float32), np.zeros(1, np.int64)
    model.graph.sparse_initializer.append(
        helper.make_sparse_tensor(
            numpy_helper.from_array(values, "s"), numpy_helper.from_array(indices), [1 << 30]
        )
    )
    data = model.SerializeToString()
    assert refusal(io.BytesIO(data)) == "no_payload"
    assert refusal(io.BytesIO(data), "s") == "sparse"


def save_external(folder: Path, **entries: str) -> Path:
    folder.mkdir(exist_ok=True)
    array = np.arange(300, dtype=np.float32)
    (folder / "weights").write_bytes(b"skip" + array.tobytes())
    weight = TensorProto(name="w", data_type=TensorProto.FLOAT, dims=[300], data_location=1)
    for key, value in ({"location": "weights", "offset": "4"} | entries).items():
        weight.external_data.add(key=key, value=value)
    path = folder / "m.onnx"
    path.write_bytes(make_model(weight).SerializeToString())
    return path


def test_external_data_beside_the_model(tmp_path: Path) -> None:
    for entries in ({}, {"length": "1200"}, {"location": "../m/weights"}):
        path = save_external(tmp_path / "m", **entries)
        assert read_tensor_values(path, ["w"])["w"].tolist() == list(range(300))


def test_external_data_anywhere_else_is_refused(tmp_path: Path) -> None:
    folder = tmp_path / "m"
    (tmp_path / "secret").write_bytes(bytes(2000))
    path = save_external(folder)
    (folder / "link").symlink_to(tmp_path / "secret")
    (folder / "up").symlink_to(tmp_path)
    for location in ("../secret", str(tmp_path / "secret"), "link", "up/secret", ""):
        path = save_external(folder, location=location)
        assert refusal(path) == "external_path"
    assert refusal(save_external(folder, location="absent")) == "missing"
    assert refusal(save_external(folder, location="a\0b")) == "external_path"
    assert refusal(save_external(folder, offset="8")) == "truncated"
    assert refusal(save_external(folder, length="8")) == "payload_mismatch"
    assert refusal(save_external(folder, offset="-4")) == "payload_mismatch"
    assert refusal(save_external(folder, offset="four")) == "payload_mismatch"
    save_external(folder)
    assert refusal(io.BytesIO(path.read_bytes())) == "external_data"
    with serve_folder(folder) as served:
        assert refusal(f"{served.address}/m.onnx") == "external_data"

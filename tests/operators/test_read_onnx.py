"""Reading: what keeps the fingerprint, what changes it, and the weights on demand."""

from __future__ import annotations

import io
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import onnxruntime
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from onnx import ModelProto, TensorProto, checker, helper, numpy_helper, parser
from small_models import (
    WEIGHTS,
    read,
    rename,
    reorder,
    residual_model,
    with_constant_nodes,
    with_initializers_as_inputs,
    without_weights,
)

from pipeline.errors import ModelError, UnsupportedOperator
from pipeline.operators.read_onnx import read_onnx, read_weights
from pipeline.operators.shapes import infer_layers
from pipeline.operators.to_torch import to_torch
from pipeline.operators.write_onnx import parameter_arrays, to_onnx, write_onnx
from pipeline.weightless.skeleton import read_skeleton

LIGHT = Path(onnx.__file__).parent / "backend/test/data/light"
MODEL = residual_model()
NETWORK = read(MODEL)


def parse(body: str, data: str = "float[1,4] x", opset: int = 20) -> ModelProto:
    head = f'<ir_version: 8, opset_import: ["": {opset}]>'
    return parser.parse_model(f"{head} g ({data}) => (float y) {{ {body} }}")


def stored(model: ModelProto) -> io.BytesIO:
    return io.BytesIO(model.SerializeToString())


def run_onnx(model: ModelProto | bytes, x: np.ndarray) -> np.ndarray:
    content = model if isinstance(model, bytes) else model.SerializeToString()
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 3
    session = onnxruntime.InferenceSession(content, options, ["CPUExecutionProvider"])
    return session.run(None, {session.get_inputs()[0].name: x})[0]


# What plays no part


@given(st.dictionaries(st.sampled_from("abcdefghxy"), st.text(min_size=1), max_size=10))
@settings(max_examples=50)
def test_names_play_no_part(names: dict[str, str]) -> None:
    known = {
        old: f"{new}{old}".encode("utf-8", "ignore").decode() for old, new in names.items()
    }
    assert read(rename(MODEL, lambda name: known.get(name, f"_{name}"))) == NETWORK


@given(st.integers(0, 2**32), st.sampled_from([13, 20]))
@settings(max_examples=50)
def test_the_order_of_nodes_plays_no_part(seed: int, opset: int) -> None:
    assert read(reorder(residual_model(opset), seed)) == NETWORK


@pytest.mark.parametrize("opset", [9, 11, 13, 17, 21, 22])
def test_the_opset_plays_no_part(opset: int) -> None:
    assert read(residual_model(opset)) == NETWORK


@pytest.mark.parametrize("batch", [1, 7, "batch", 0])
def test_the_batch_plays_no_part(batch: int | str) -> None:
    assert read(residual_model(batch=batch)) == NETWORK


@pytest.mark.parametrize(
    "change", [without_weights, with_initializers_as_inputs, with_constant_nodes]
)
def test_weights_play_no_part(change: Any) -> None:
    assert read(change(MODEL)) == NETWORK
    assert read(read_skeleton(stored(change(MODEL)))) == NETWORK


def test_exporting_again_changes_nothing() -> None:
    class Net(torch.nn.Module):
        def __init__(self, name: str) -> None:
            super().__init__()
            self.name = name
            setattr(self, name, torch.nn.Conv2d(3, 4, 3))

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            y = getattr(self, self.name)(x)
            return y.view(y.size(0), -1, y.shape[2] * y.size(3)).mean(2)

    networks = []
    for name, batch, axes in [("one", 1, None), ("other", 5, {"x": {0: "n"}})]:
        buffer = io.BytesIO()
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            torch.onnx.export(
                Net(name), (torch.zeros(batch, 3, 6, 6),), buffer, dynamo=False,
                input_names=["x"], dynamic_axes=axes,
            )  # fmt: skip
        networks.append(read_onnx(buffer))
    assert networks[0].vertices == networks[1].vertices


def test_identities_and_dead_ends_play_no_part() -> None:
    plain = read(parse("y = Relu(x)"))
    assert read(parse("a = Identity(x) b = Relu(a) c = Tanh(a) y = Identity(b)")) == plain


# What is the architecture


def test_operands_have_an_order() -> None:
    swapped = ModelProto()
    swapped.CopyFrom(MODEL)
    sub = next(n for n in swapped.graph.node if n.op_type == "Sub")
    names = list(sub.input)[::-1]
    del sub.input[:]
    sub.input.extend(names)
    assert read(swapped) != NETWORK


CHANGES = [
    (0, "pads", [0, 1, 1, 1]),
    (0, "strides", [1, 2]),
    (0, "dilations", [1, 2]),
    (1, "epsilon", 1e-3),
    (1, "momentum", 0.8),
    (3, "pads", [2, 0, 0, 2]),
    (8, "alpha", 0.5),
    (8, "beta", 0.5),
]


def test_every_attribute_counts() -> None:
    fingerprints = {NETWORK.fingerprint}
    for number, name, value in CHANGES:
        other = residual_model()
        node = other.graph.node[number]
        kept = [a for a in node.attribute if a.name != name]
        del node.attribute[:]
        node.attribute.extend([*kept, helper.make_attribute(name, value)])
        fingerprints.add(read(other).fingerprint)
    assert len(fingerprints) == len(CHANGES) + 1


def test_shapes_of_weights_count() -> None:
    wider = residual_model()
    for weight in wider.graph.initializer:
        if weight.name in ("w3", "b3"):
            array = np.zeros((5, *WEIGHTS[weight.name][1:]), np.float32)
            weight.CopyFrom(numpy_helper.from_array(array, weight.name))
    assert read(wider) != NETWORK


@pytest.mark.parametrize("gone", ["b1", "b3"])
def test_a_bias_counts(gone: str) -> None:
    without = residual_model()
    for node in without.graph.node:
        names = [name for name in node.input if name != gone]
        del node.input[:]
        node.input.extend(names)
    assert read(without) != NETWORK


@pytest.mark.parametrize("operator", ["Mul", "Pow", "Max", "Greater"])
def test_a_number_of_the_source_code_counts(operator: str) -> None:
    head = "c = Cast<to = 1>(b) y = Add(x, c)" if operator == "Greater" else "y = Add(x, b)"

    def made(number: float) -> Any:
        model = parse(f"b = {operator}(x, n) {head}")
        model.graph.initializer.append(numpy_helper.from_array(np.float32(number), "n"))
        return read(model)

    assert made(0.5) != made(2.0)
    assert not any(key.endswith(".parameter") for key, _ in made(2.0).vertices[1].attributes)


def test_a_scalar_that_is_an_input_too_is_trained() -> None:
    model = parse("y = Mul(x, n)")
    model.graph.initializer.append(numpy_helper.from_array(np.float32(0.5), "n"))
    model.graph.input.append(helper.make_tensor_value_info("n", TensorProto.FLOAT, []))
    network = read(model)
    assert network.vertices[1].get("B.parameter") == ()
    assert read(to_onnx(network)) == network


@pytest.mark.parametrize(
    ("operator", "start"), [("Div", 1), ("Mul", 1), ("Pow", 1), ("Add", 0)]
)
def test_factors_start_at_one_and_offsets_at_zero(operator: str, start: int) -> None:
    model = parse(f"y = {operator}(x, n)")
    model.graph.initializer.append(numpy_helper.from_array(np.full(1, 7.0, np.float32), "n"))
    (found,) = parameter_arrays(infer_layers(read(model))).values()
    np.testing.assert_array_equal(found, [start])


def test_rewiring_counts() -> None:
    rewired = residual_model()
    sub = next(n for n in rewired.graph.node if n.op_type == "Sub")
    for source in ("b", "d", "e"):
        sub.input[1] = source
        assert read(rewired) != NETWORK


# Shapes


def test_open_dims_are_named_by_the_caller() -> None:
    model = residual_model()
    dims = model.graph.input[0].type.tensor_type.shape.dim
    for dim in dims[2:]:
        dim.dim_param = "side"
    assert read_onnx(stored(model)) == read_onnx(stored(model), (3, 224, 224))
    network = read_onnx(stored(model), (3, 8, 8))
    assert network == NETWORK
    assert (
        read_weights(stored(model), network).keys()
        == read_weights(stored(MODEL), NETWORK).keys()
    )
    for shape in ((3, 8), (4, 8, 8)):
        with pytest.raises(ModelError) as caught:
            read_onnx(stored(model), shape)
        assert caught.value.reason == "input_shape"


def test_shape_arithmetic_is_a_constant() -> None:
    chain = parse(
        "s = Shape(x) i = Constant<value = int64 {0}>() n = Gather(s, i) "
        "z = Constant<value = int64[1] {0}>() u = Unsqueeze(n, z) "
        "m = Constant<value = int64[1] {-1}>() t = Concat<axis = 0>(u, m) y = Reshape(x, t)",
        "float[1,4,2,2] x",
    )
    plain = parse(
        "t = Constant<value = int64[2] {0, -1}>() y = Reshape(x, t)", "float[1,4,2,2] x"
    )
    assert read(chain).vertices == read(plain).vertices


def test_constants_of_moderate_size_are_architecture() -> None:
    """Up to 64 floats are a constant, in a Constant node; more are a weight."""
    for count, is_weight in ((17, False), (64, False), (65, True)):
        array = numpy_helper.from_array(np.ones(count, np.float32))
        model = parse("y = Mul(x, c)", f"float[1,{count}] x")
        model.graph.node.insert(0, helper.make_node("Constant", [], ["c"], value=array))
        mul = read(model).vertices[1]
        assert (mul.get("B.parameter") is not None) is is_weight
        assert (mul.get("B") is not None) is not is_weight


def test_a_normalisation_without_affine_has_no_weights() -> None:
    ones, zeros = (numpy_helper.from_array(np.full(100, v, np.float32)) for v in (1, 0))
    model = parse("y = InstanceNormalization(x, s, b)", "float[1,100,4] x")
    for name, array in (("s", ones), ("b", zeros)):
        model.graph.node.insert(0, helper.make_node("Constant", [], [name], value=array))
    assert not list(to_torch(read(model)).parameters())


def test_gemm_says_its_width_either_way_round() -> None:
    for transposed, shape in ((0, (4, 5)), (1, (5, 4))):
        model = parse(f"y = Gemm<transB = {transposed}>(x, w)")
        weight = np.zeros(shape, np.float32)
        model.graph.initializer.append(numpy_helper.from_array(weight, "w"))
        gemm = read(model).vertices[1]
        assert gemm.get("out_features") == 5
        assert gemm.get("B.parameter") is None


# Weights


def test_weights_are_those_of_the_file() -> None:
    weights = read_weights(stored(MODEL), NETWORK)
    named = {t.name: numpy_helper.to_array(t) for t in MODEL.graph.initializer}
    assert sorted(w.shape for w in weights.values()) == sorted(a.shape for a in named.values())
    x = np.random.default_rng(1).standard_normal((2, 3, 8, 8)).astype(np.float32)
    model = residual_model(batch=2)
    module = to_torch(NETWORK, weights).eval()
    found = module(torch.from_numpy(x)).detach().numpy()
    np.testing.assert_allclose(found, run_onnx(model, x), rtol=1e-4, atol=1e-5)


def test_a_skeleton_has_no_weights() -> None:
    with pytest.raises(ModelError) as caught:
        read_weights(stored(without_weights(MODEL)), NETWORK)
    assert caught.value.reason == "no_weights"


def test_another_networks_weights_are_refused() -> None:
    with pytest.raises(ModelError) as caught:
        read_weights(stored(parse("y = Relu(x)")), NETWORK)
    assert caught.value.reason == "other_network"


def test_standardised_weights_are_computed() -> None:
    """Weight standardisation: the file computes the kernel from another."""
    body = (
        "a = Constant<value = int64[3] {1, 2, 3}>() m = ReduceMean(w, a) c = Sub(w, m) "
        "s = Mul(c, c) v = ReduceMean(s, a) e = Constant<value = float {0.00001}>() "
        "p = Add(v, e) d = Sqrt(p) k = Div(c, d) y = Conv(x, k)"
    )
    model = parse(body, "float[1,3,5,5] x")
    kernel = np.random.default_rng(0).standard_normal((4, 3, 3, 3)).astype(np.float32)
    model.graph.initializer.append(numpy_helper.from_array(kernel, "w"))
    network = read(model)
    assert [v.operator for v in network.vertices] == ["Input", "Conv", "Output"]
    weights = read_weights(stored(model), network)
    x = np.random.default_rng(1).standard_normal((1, 3, 5, 5)).astype(np.float32)
    found = to_torch(network, weights)(torch.from_numpy(x)).detach().numpy()
    np.testing.assert_allclose(found, run_onnx(model, x), rtol=1e-4, atol=1e-5)
    rewritten = to_onnx(network, weights)
    np.testing.assert_allclose(
        run_onnx(rewritten, x), run_onnx(model, x), rtol=1e-4, atol=1e-5
    )


@pytest.mark.parametrize("name", ["light_squeezenet", "light_shufflenet"])
def test_weights_filled_by_the_file_itself(name: str) -> None:
    """The onnx wheel's models make their weights by ConstantOfShape."""
    path = LIGHT / f"{name}.onnx"
    network = read_onnx(path)
    weights = read_weights(path, network)
    x = np.random.default_rng(0).random((1, 3, 224, 224), np.float32)
    expected = run_onnx(path.read_bytes(), x)
    found = to_torch(network, weights).eval()(torch.from_numpy(x)).detach().numpy()
    np.testing.assert_allclose(found, expected, rtol=1e-4, atol=1e-6)


def test_weights_beside_the_file(tmp_path: Path) -> None:
    onnx.save(
        residual_model(), tmp_path / "m.onnx", save_as_external_data=True, location="m.bin",
        size_threshold=0,
    )  # fmt: skip
    beside = read_weights(tmp_path / "m.onnx", read_onnx(tmp_path / "m.onnx"))
    for name, array in read_weights(stored(MODEL), NETWORK).items():
        np.testing.assert_array_equal(beside[name], array)


# Writing


def test_written_and_read_again(tmp_path: Path) -> None:
    write_onnx(NETWORK, tmp_path / "n.onnx")
    checker.check_model(tmp_path / "n.onnx", full_check=True)
    assert read_onnx(tmp_path / "n.onnx").vertices == NETWORK.vertices
    assert list(tmp_path.iterdir()) == [tmp_path / "n.onnx"]


@pytest.mark.parametrize(
    ("body", "data"),
    [
        ("y = Hardmax<axis = 1>(x)", "float[1,4] x"),
        ("y = Det(x)", "float[1,2,3,3] x"),
        ('y = Einsum<equation = "bij,bjk->bik">(x, x)', "float[1,3,3] x"),
        ("y = Shrink<lambd = 0.25>(x)", "float[1,4] x"),
        ("y = LpPool<kernel_shape = [2, 2], p = 1>(x)", "float[1,2,4,4] x"),
        ("k = Constant<value_ints = [2]>() y, places = TopK(x, k)", "float[1,4] x"),
    ],
)
def test_an_operator_without_a_torch_form_is_kept(body: str, data: str) -> None:
    model = parse(body, data)
    network = read(model)
    operator = network.vertices[1].operator
    written = to_onnx(network)
    checker.check_model(written, full_check=True)
    assert read(written).vertices == network.vertices
    dims = [d.dim_value for d in model.graph.input[0].type.tensor_type.shape.dim]
    x = np.random.default_rng(0).random(dims, np.float32)
    np.testing.assert_array_equal(run_onnx(written, x), run_onnx(model, x))
    with pytest.raises(UnsupportedOperator, match=operator):
        to_torch(network)


def test_integers_in_and_truth_values_out() -> None:
    x = helper.make_tensor_value_info("x", TensorProto.INT32, (1, 3))
    y = helper.make_tensor_value_info("y", TensorProto.BOOL, (1, 3))
    graph = helper.make_graph([helper.make_node("Equal", ["x", "x"], ["y"])], "g", [x], [y])
    network = read(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 20)]))
    assert network.vertices[0].get("dtype") == "int32"
    assert read(to_onnx(network)) == network

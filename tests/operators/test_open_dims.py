"""Files that leave dims open are read at a size that their graph accepts, and say so."""

from __future__ import annotations

import pytest
from onnx import parser

from pipeline import read_onnx, read_weights
from pipeline.errors import ModelError
from pipeline.operators.open_dims import InputShapeChosen, candidate_shapes

HEAD = '<ir_version: 8, opset_import: ["": 20]> g '


def model(dims: str, body: str = "{ y = Relu(x) }"):
    return parser.parse_model(f"{HEAD}(float[{dims}] x) => (float y) {body}")


@pytest.mark.parametrize(
    ("dims", "shape"),
    [
        ("N, 3, H, W", (3, 224, 224)),
        ("N, C, H, W", (3, 224, 224)),
        ("N, 1, 28, W", (1, 28, 224)),
        ("N, H, W, 3", (224, 224, 3)),
    ],
)
def test_the_first_usual_size_is_taken_and_said(dims, shape):
    said = ",".join(map(str, shape))
    with pytest.warns(InputShapeChosen, match=f"read at {said}"):
        network = read_onnx(model(dims))
    assert network.vertices[0].get("shape") == shape


def test_a_size_is_one_that_the_graph_accepts():
    body = "{ t = Constant<value = int64[2] {1, 3072}>() y = Reshape(x, t) }"  # 3 x 32 x 32
    with pytest.warns(InputShapeChosen, match="read at 3,32,32"):
        assert read_onnx(model("1, 3, H, W", body)).vertices[0].get("shape") == (3, 32, 32)


def test_the_one_that_is_given_decides():
    assert read_onnx(model("N, 3, H, W"), (3, 9, 7)).vertices[0].get("shape") == (3, 9, 7)


@pytest.mark.parametrize("dims", ["N, F", "N, 3, H, W"])
def test_where_no_size_fits_the_option_is_named(dims):
    body = "{ t = Constant<value = int64[2] {1, 17}>() y = Reshape(x, t) }"
    with pytest.raises(ModelError, match="--input-shape") as raised:
        read_onnx(model(dims, body))
    assert raised.value.reason == "dynamic_shape"


def test_shapes_that_are_static_have_no_candidates():
    assert list(candidate_shapes(model("1, 3, 8, 8"))) == []


def test_weights_are_read_at_the_networks_size():
    given = model("N, 3, H, W")
    with pytest.warns(InputShapeChosen):
        network = read_onnx(given)
    with pytest.raises(ModelError, match="another network") as raised:
        read_weights(model("1, 4, 8, 8"), network)
    assert raised.value.reason == "other_network"
    assert read_weights(given, network) == {}


def test_several_inputs_are_named():
    text = HEAD + "(float[1,3] x, float[1,3] z) => (float y) { y = Add(x, z) }"
    with pytest.raises(ModelError, match="'x', 'z'") as raised:
        read_onnx(parser.parse_model(text))
    assert raised.value.reason == "several_inputs"

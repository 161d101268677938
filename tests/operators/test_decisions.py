"""What is no valid model is refused; what computes other things is another network, but for
what docs/graph.md names."""

from __future__ import annotations

import io
from typing import Any

import numpy as np
import pytest
from onnx import ModelProto, helper, numpy_helper, parser

from pipeline.errors import ModelError
from pipeline.graph.network import Network
from pipeline.operators.read_onnx import read_onnx
from pipeline.operators.write_onnx import to_skeleton

IMAGE = "float[1,4,6,6] x"


def model(body: str, data: str = IMAGE, outputs: str = "float y", **constants: Any) -> bytes:
    made: ModelProto = parser.parse_model(
        f'<ir_version: 8, opset_import: ["": 20]> g ({data}) => ({outputs}) {{ {body} }}'
    )
    for name, values in constants.items():
        value = numpy_helper.from_array(np.asarray(values), name)
        made.graph.node.insert(0, helper.make_node("Constant", [], [name], value=value))
    return made.SerializeToString()


def read(*arguments: Any, **constants: Any) -> Network:
    return read_onnx(io.BytesIO(model(*arguments, **constants)))


def reshape(data: str, *target: int) -> Network:
    return read("y = Reshape(x, s)", data, s=np.array(target, np.int64))


@pytest.mark.parametrize(
    "target",
    [
        (7,),
        (1, 7),
        (-1, 7),
        (1, 2),
        (-1, -1, 4),
        (-2, 2),
        (1, 4, 0),
        (0, 0, 2),
        (5, -1),
        (),
    ],
)
def test_a_reshape_that_does_not_fit_is_refused(target: tuple[int, ...]) -> None:
    with pytest.raises(ModelError, match="Reshape"):
        reshape("float[1,4] x", *target)


@pytest.mark.parametrize(
    ("data", "target"),
    [("float[1,4] x", (4,)), ("float[1,4] x", (2, -1)), ("float[1,4] x", (0, 2, 2)),
     ("float[8,4] x", (8, 2, 2)), ("float[8,4] x", (16, 2)),
     ("float[8,4] x", (-1, 2))],
)  # fmt: skip
def test_one_that_fits_at_the_files_batch_is_read(data: str, target: tuple[int, ...]) -> None:
    assert len(reshape(data, *target)) == 3


def test_a_target_is_of_int64() -> None:
    with pytest.raises(ModelError, match="int64"):
        read("y = Reshape(x, s)", "float[1,4] x", s=np.array([2**64 - 1], np.uint64))


@pytest.mark.parametrize("axis", [-9, 9, -5, 4])
@pytest.mark.parametrize(
    "body",
    [
        "y = Squeeze(x, a)", "y = Unsqueeze(x, a)", "y = ReduceMean(x, a)",
        "y = Slice(x, s, e, a)", "y = Pad(x, p, , a)", "y = Resize(x, , r)<axes = [{}]>",
        "y, z = Split<axis = {}, num_outputs = 2>(x)", "y = Concat<axis = {}>(x, x)",
        "y = Softmax<axis = {}>(x)",
    ],
)  # fmt: skip
def test_axes_out_of_range_are_refused(body: str, axis: int) -> None:
    if "Resize" in body:
        body = f"y = Resize<axes = [{axis}]>(x, , r)"
    if "Unsqueeze" in body:
        axis += 1 if axis > 0 else -1  # the result has an axis more
    body = body.format(axis)
    constants = {"a": [axis], "s": [0], "e": [2], "p": [1, 1], "r": np.float32([2])}
    with pytest.raises(ModelError):
        read(body, "float[1,1,6,6] x", **constants)


@pytest.mark.parametrize("body", ["y = Squeeze(x, a)", "y = Slice(x, s, s, a)"])
def test_an_axis_named_twice_is_refused(body: str) -> None:
    with pytest.raises(ModelError):
        read(body, "float[1,1,6,6] x", a=[1, -3], s=[0, 0])


@pytest.mark.parametrize("operator", ["Constant", "LeakyRelu"])
def test_an_attribute_given_twice_is_refused(operator: str) -> None:
    made = ModelProto.FromString(model("y = LeakyRelu<alpha = 0.5>(x)", c=[1]))
    for node in made.graph.node:
        if node.op_type == operator:
            node.attribute.append(node.attribute[0])
    with pytest.raises(ModelError, match=r"twice|several values"):
        read_onnx(io.BytesIO(made.SerializeToString()))


def test_auto_pad_of_exchanged_operands_is_refused() -> None:
    body = 'y = Conv<auto_pad = "SAME_UPPER">(w, x)'
    data = "float[4,4,3,3] x, float[1,4,6,6] w"
    made = ModelProto.FromString(model(body, data))
    made.graph.initializer.append(
        numpy_helper.from_array(np.ones((1, 4, 6, 6), np.float32), "w")
    )
    with pytest.raises(ModelError, match="auto_pad"):
        read_onnx(io.BytesIO(made.SerializeToString()))


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("y, i = MaxPool<kernel_shape = [2, 2], storage_order = 0>(x) z = Cast<to = 1>(i)",
         "y, i = MaxPool<kernel_shape = [2, 2], storage_order = 1>(x) z = Cast<to = 1>(i)"),
        ("a = Cast<to = 17, saturate = 0>(x) y = Cast<to = 1>(a) z = Relu(x)",
         "a = Cast<to = 17, saturate = 1>(x) y = Cast<to = 1>(a) z = Relu(x)"),
    ],
)  # fmt: skip
def test_other_functions_are_other_networks(one: str, other: str) -> None:
    outputs = "float y, float z"
    assert read(one, IMAGE, outputs) != read(other, IMAGE, outputs)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("y, i = MaxPool<kernel_shape = [2, 2], storage_order = 1>(x)",
         "y = MaxPool<kernel_shape = [2, 2]>(x)"),
        ("y = Cast<to = 11, saturate = 0>(x)", "y = Cast<to = 11>(x)"),
    ],
)  # fmt: skip
def test_what_has_no_effect_is_no_difference(one: str, other: str) -> None:
    assert read(one) == read(other)


@pytest.mark.parametrize("operator", ["RandomNormal", "RandomUniform"])
def test_what_is_drawn_anew_in_every_run_is_no_weight(operator: str) -> None:
    with pytest.raises(ModelError, match=r"\[random\]"):
        read(f"r = {operator}<shape = [1, 4, 6, 6]>() y = Add(x, r)")


def test_a_bound_that_is_computed_otherwise_is_refused() -> None:
    body = "m = CumSum(c, a) k = Squeeze(m) y = Clip(x, , k)"
    with pytest.raises(ModelError, match=r"CumSum of constants.*\[fold\]"):
        read(body, c=np.float32([6]), a=np.int64(0))


def test_a_weight_computed_from_weights_is_that_weight() -> None:
    """Weight standardisation: the function of x is that of a kernel with these values."""
    kernel = numpy_helper.from_array(np.ones((4, 4, 3, 3), np.float32), "w")
    networks = []
    for body in ("y = Conv(x, w)", "v = Tanh(w) y = Conv(x, v)"):
        made = ModelProto.FromString(model(body))
        made.graph.initializer.append(kernel)
        networks.append(read_onnx(io.BytesIO(made.SerializeToString())))
    assert networks[0] == networks[1]


def test_outputs_that_no_data_reaches_are_left_out() -> None:
    constant = "c = Constant<value_float = 1.0>() y = Relu(x)"
    assert read(constant, IMAGE, "float y, float c") == read("y = Relu(x)")


@pytest.mark.parametrize(
    ("body", "constants"),
    [
        ("y = Resize(x, r, s)", {"r": np.zeros(8), "s": np.float32([1, 1, 2, 2])}),
        ("y = Pad(x, p, , a)", {"p": np.int64([1, 1]), "a": np.int32([3])}),
        ("y = ReduceMean(x, a)", {"a": np.int64([[2, 3]])}),
        ("y = Squeeze(x, a)", {"a": np.int64([])}),
    ],
)
def test_writing_and_reading_again_changes_nothing(body: str, constants: dict) -> None:
    """No word is left of a constant that is gone."""
    try:
        found = read(body, "float[1,4,6,6] x", **constants)
    except ModelError:
        assert constants["a"].ndim == 2  # axes of two axes are no axes
        return
    for vertex in found.vertices:
        names = dict(vertex.attributes)
        for name in names:
            base = name.removesuffix(".dtype").removesuffix(".shape")
            assert base in names or f"{base}.parameter" in names
    content = to_skeleton(found).SerializeToString()
    assert read_onnx(io.BytesIO(content)) == found


def test_numbers_that_are_no_whole_numbers_are_refused() -> None:
    with pytest.raises(ModelError):
        read("y = ReduceMean(x, a)", a=np.float32([np.inf]))


@pytest.mark.parametrize("target", [np.int64(2), np.int64([[2, 4], [2, 4]])])
def test_a_target_of_other_than_one_axis_is_refused(target: np.ndarray) -> None:
    with pytest.raises(ModelError):
        read("y = Expand(x, s)", "float[2,4] x", s=target)

"""One architecture, spelled by files of several opsets: one fingerprint."""

from __future__ import annotations

import pytest
from onnx import parser

from pipeline.errors import ModelError, UnsupportedOperator
from pipeline.graph.network import Network
from pipeline.operators.read_onnx import read_skeleton_network
from pipeline.operators.to_torch import to_torch

IMAGE = "float[1,4,6,6] x"


def read(opset: int, body: str, data: str = IMAGE, weights: str = "") -> Network:
    """The network of a graph in ONNX's text syntax; its output is ``y``."""
    held = f"<{weights}>" if weights else ""
    head = f'<ir_version: 8, opset_import: ["": {opset}]>'
    text = f"{head} g ({data}) => (float y) {held} {{ {body} }}"
    return read_skeleton_network(parser.parse_model(text))


def constant(name: str, values: str, kind: str = "int64") -> str:
    """A Constant node of one axis, in the text syntax."""
    count = values.count(",") + 1
    return f"{name} = Constant<value = {kind}[{count}] {{{values}}}>() "


BN = ", ".join(f"float[4] {name} = {{1,1,1,1}}" for name in "sbmv")
LINEAR = "float[2,4] w = {1,1,1,1,1,1,1,1}, float[2] c = {0,0}"
SPELLINGS = {
    "Clip": [
        (6, "y = Clip<min = 0.0, max = 6.0>(x)"),
        (11, "y = Clip(x, l, h)", {"weights": "float l = {0.0}, float h = {6.0}"}),
        (20, "l = Constant<value_float = 0.0>() h = Constant<value_float = 6.0>() "
             "y = Clip(x, l, h)"),
    ],
    "A number of the source code": [
        (13, "y = Mul(x, c)", {"weights": "float c = {0.5}"}),
        (20, "c = Constant<value_float = 0.5>() y = Mul(x, c)"),
    ],
    "Dropout": [
        (7, "y = Dropout<ratio = 0.25>(x)"),
        (10, "y, mask = Dropout<ratio = 0.25>(x)"),
        (13, "y = Dropout(x, r)", {"weights": "float r = {0.25}"}),
        (20, "y, mask = Dropout<seed = 1>(x, r, t)",
         {"weights": "float r = {0.25}, bool t = {1}"}),
    ],
    "Dropout, its default": [
        (9, "y = Dropout(x)"),
        (20, "y = Dropout(x)"),
        (20, "y = Dropout(x, r)", {"weights": "float r = {0.5}"}),
    ],
    "Squeeze": [
        (11, "y = Squeeze<axes = [2, 3]>(x)", {"data": "float[1,4,1,1] x"}),
        (11, "y = Squeeze<axes = [-1, -2]>(x)", {"data": "float[1,4,1,1] x"}),
        (13, constant("a", "2,3") + "y = Squeeze(x, a)", {"data": "float[1,4,1,1] x"}),
        (20, constant("a", "-1,-2") + "y = Squeeze(x, a)", {"data": "float[1,4,1,1] x"}),
    ],
    "Unsqueeze": [
        (9, "y = Unsqueeze<axes = [4]>(x)"),
        (13, constant("a", "-1") + "y = Unsqueeze(x, a)"),
    ],
    "Resize": [
        (9, constant("s", "1.0,1.0,2.0,2.0", "float") + "y = Upsample(x, s)"),
        (9, 'y = Upsample<mode = "nearest">(x, s)', {"weights": "float[4] s = {1,1,2,2}"}),
        (11, 'y = Resize<coordinate_transformation_mode = "asymmetric", mode = "nearest", '
             'nearest_mode = "floor">(x, r, s)',
         {"weights": "float[0] r = {}, float[4] s = {1,1,2,2}"}),
        (20, constant("s", "2.0,2.0", "float") + "y = Resize<axes = [2, 3], "
             'coordinate_transformation_mode = "asymmetric", nearest_mode = "floor">(x, , s)'),
    ],
    "BatchNormalization": [
        (7, "y = BatchNormalization(x, s, b, m, v)", {"weights": BN}),
        (9, "y = BatchNormalization(x, s, b, m, v)", {"weights": BN}),
        (14, "y, mean, var = BatchNormalization<training_mode = 1>(x, s, b, m, v)",
         {"weights": BN}),
        (17, "y = BatchNormalization<epsilon = 1e-5, momentum = 0.9>(x, s, b, m, v)",
         {"weights": BN}),
    ],
    "Slice": [
        (1, "y = Slice<axes = [1, 3], starts = [1, 0], ends = [4, -1]>(x)"),
        (9, "y = Slice<axes = [1, 3], starts = [1, 0], ends = [9223372036854775807, 5]>(x)"),
        (10, constant("s", "0,1", "int32") + constant("e", "5,4", "int32")
             + constant("a", "3,1", "int32") + "y = Slice(x, s, e, a)"),
        (20, constant("s", "-3,0") + constant("e", "4,-1") + constant("a", "1,-1")
             + constant("t", "1,1") + "y = Slice(x, s, e, a, t)"),
    ],
    "Pad": [
        (2, "y = Pad<pads = [0,0,1,1,0,0,2,2]>(x)"),
        (11, constant("p", "0,0,1,1,0,0,2,2") + "y = Pad(x, p)"),
        (18, constant("p", "1,1,2,2") + constant("a", "2,-1") + "y = Pad(x, p, , a)"),
        (20, constant("p", "0,0,1,1,0,0,2,2") + "y = Pad(x, p, z)",
         {"weights": "float z = {0.0}"}),
    ],
    "ReduceMean": [
        (11, "y = ReduceMean<axes = [2, 3]>(x)"),
        (13, "y = ReduceMean<axes = [-1, -2], keepdims = 1>(x)"),
        (18, constant("a", "3,2") + "y = ReduceMean(x, a)"),
    ],
    "ReduceSum": [
        (11, "y = ReduceSum<axes = [1], keepdims = 0>(x)"),
        (13, constant("a", "-3") + "y = ReduceSum<keepdims = 0>(x, a)"),
    ],
    "Softmax": [
        (7, "y = Softmax(x)", {"data": "float[1,10] x"}),
        (11, "y = Softmax<axis = 1>(x)", {"data": "float[1,10] x"}),
        (13, "y = Softmax(x)", {"data": "float[1,10] x"}),
        (20, "y = Softmax<axis = -1>(x)", {"data": "float[1,10] x"}),
    ],
    "Split": [
        (2, "y, z = Split<axis = 1>(x)"),
        (11, "y, z = Split<axis = -3, split = [2, 2]>(x)"),
        (13, constant("s", "2,2") + "y, z = Split<axis = 1>(x, s)"),
        (13, "y, z = Split<axis = 1>(x)"),
        (18, "y, z = Split<axis = 1, num_outputs = 2>(x)"),
    ],
    "Gemm": [
        (7, "y = Gemm<transB = 1>(x, w, c)", {"data": "float[1,4] x", "weights": LINEAR}),
        (9, "y = Gemm<transB = 1, alpha = 1.0>(x, w, c)",
         {"data": "float[1,4] x", "weights": LINEAR}),
        (13, "y = Gemm<transB = 1>(x, w, c)", {"data": "float[1,4] x", "weights": LINEAR}),
    ],
    "AveragePool": [
        (7, "y = AveragePool<kernel_shape = [3, 3], pads = [1,1,1,1]>(x)"),
        (10, 'y = AveragePool<kernel_shape = [3, 3], auto_pad = "SAME_UPPER">(x)'),
        (20, "y = AveragePool<kernel_shape = [3, 3], pads = [1,1,1,1], strides = [1,1]>(x)"),
    ],
    "MaxPool": [
        (7, "y = MaxPool<kernel_shape = [2, 2], strides = [2, 2]>(x)"),
        (8, "y, i = MaxPool<kernel_shape = [2, 2], strides = [2, 2], storage_order = 1>(x)"),
        (12, 'y = MaxPool<kernel_shape = [2, 2], strides = [2, 2], auto_pad = "VALID">(x)'),
    ],
    "Reshape": [
        (7, "y = Reshape(x, s)", {"weights": "int64[2] s = {1, -1}"}),
        (13, constant("s", "0,-1") + "y = Reshape(x, s)"),
        (20, constant("s", "1,-1") + "y = Reshape<allowzero = 1>(x, s)"),
    ],
    "Flatten": [
        (1, "y = Flatten(x)"),
        (11, "y = Flatten<axis = -3>(x)"),
    ],
    "Concat": [
        (4, "y = Concat<axis = 1>(x, x)"),
        (13, "y = Concat<axis = -3>(x, x)"),
    ],
    "Transpose": [
        (1, "y = Transpose(x)"),
        (13, "y = Transpose<perm = [3, 2, 1, 0]>(x)"),
    ],
    "PRelu": [
        (7, "y = PRelu(x, s)", {"weights": "float[4,1,1] s = {1,1,1,1}"}),
        (16, "y = PRelu(x, s)", {"weights": "float[4,1,1] s = {0,0,0,0}"}),
    ],
    "Sum": [(6, "y = Sum(x, x)"), (13, "y = Sum(x, x)")],
}  # fmt: skip


@pytest.mark.parametrize("name", SPELLINGS)
def test_spellings_are_one_network(name: str) -> None:
    networks = [
        read(opset, body, **(rest[0] if rest else {}))
        for opset, body, *rest in SPELLINGS[name]
    ]
    assert [n.vertices for n in networks] == [networks[0].vertices] * len(networks)
    assert len({n.fingerprint for n in networks}) == 1


def test_softmax_over_several_axes_is_not_softmax_over_one() -> None:
    """Before opset 13 Softmax flattened from its axis on; the last axis alone is the same."""
    flattened = read(11, "y = Softmax<axis = 1>(x)")
    assert flattened != read(13, "y = Softmax<axis = 1>(x)")
    assert read(11, "y = Softmax<axis = 3>(x)") == read(13, "y = Softmax<axis = 3>(x)")


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        ("y = MaxPool<strides = [1, 1]>(x)", "attributes"),
        (constant("s", "0") + constant("e", "3") + constant("a", "1") + constant("t", "0")
         + "y = Slice(x, s, e, a, t)", "attributes"),
        (constant("p", "1,2,3") + constant("a", "1") + "y = Pad(x, p, , a)", "attributes"),
        ("y = Conv<group = 3>(x, x)", "attributes"),
        ("y = Transpose<perm = [0, 1, 2, 9]>(x)", "shapes"),
        (constant("s", "7,-1") + "y = Reshape(x, s)", "shapes"),
    ],
)  # fmt: skip
def test_attributes_that_do_not_fit_are_refused(body: str, reason: str) -> None:
    with pytest.raises(ModelError) as refused:
        read(20, body)
    assert refused.value.reason == reason


def test_a_normalisation_without_affine_has_nothing_to_train() -> None:
    """nn.GroupNorm and affine=False export a constant scale of 1 and shift of 0."""
    scale, shift = (
        constant("s", "1.0,1.0,1.0,1.0", "float"),
        constant("b", "0.0,0.0,0.0,0.0", "float"),
    )
    network = read(20, scale + shift + "y = InstanceNormalization(x, s, b)")
    assert not list(to_torch(network).parameters())
    weighted = read(20, "y = InstanceNormalization(x, s, b)", weights=BN)
    assert len(list(to_torch(weighted).parameters())) == 2


def test_old_resizes_sample_as_they_did() -> None:
    """onnx's version converter turns Upsample-9 into a Resize that samples otherwise."""
    network = read(9, 'y = Upsample<mode = "linear">(x, s)', weights="float[4] s = {1,1,2,2}")
    assert network.vertices[1].get("coordinate_transformation_mode") == "asymmetric"
    with pytest.raises(UnsupportedOperator, match="asymmetric"):
        to_torch(network)

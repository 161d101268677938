"""What is folded is small, known beforehand, and made of numbers of a bounded size."""

from __future__ import annotations

import io
import tracemalloc
from typing import Any

import numpy as np
import pytest
from onnx import ModelProto, TensorProto, helper, numpy_helper, parser

from pipeline.errors import ModelError
from pipeline.operators.fold import fold
from pipeline.operators.fold_limits import BROADCASTING, SIZES, broadcast_size
from pipeline.operators.read_onnx import read_onnx

BILLION, WORDS = np.array([10**9]), np.array([b"ab"], dtype=object)


def node_of(operator: str, count: int, outputs: int = 1, **attributes: Any) -> Any:
    names = [f"i{n}" for n in range(count)]
    return helper.make_node(operator, names, [f"o{n}" for n in range(outputs)], **attributes)


@pytest.mark.parametrize(
    ("operator", "inputs", "attributes"),
    [
        ("Add", [WORDS, WORDS], {}),
        ("Concat", [WORDS, WORDS], {"axis": 0}),
        ("Cast", [BILLION], {"to": TensorProto.STRING}),
        ("Cast", [BILLION], {"to": TensorProto.COMPLEX64}),
        ("Cast", [BILLION], {"to": 0}),
        ("Cast", [BILLION], {"to": -1}),
        ("Exp", [np.array([1j], np.complex64)], {}),
        ("Slice", [np.arange(3), np.float32([0]), np.float32([np.inf])], {}),
        ("Range", [np.float32(0), np.float32(np.nan), np.float32(1)], {}),
        ("Range", [np.int64(0), np.int64(9), np.int64(0)], {}),
        ("Gather", [np.int64(3), np.int64(0)], {"axis": 0}),
        ("Split", [np.arange(4)], {"axis": 0, "num_outputs": 200_000_000}),
        ("Split", [np.arange(4)], {"axis": 0, "num_outputs": -1}),
    ],
)
def test_what_no_shape_is_computed_from_is_refused(operator, inputs, attributes) -> None:
    with pytest.raises(ModelError, match=f"{operator} of constants") as caught:
        fold(node_of(operator, len(inputs), **attributes), [np.asarray(i) for i in inputs])
    assert len(caught.value.detail) < 300


@pytest.mark.parametrize(
    ("operator", "inputs"),
    [
        ("Tile", [np.zeros(0, np.int64), BILLION]),  # nothing, a billion times
        ("Tile", [np.zeros((1, 1), np.int64), np.array([2**31, 0])]),
        ("Expand", [np.zeros(1, np.int64), np.array([0, 2**40, 2**40])]),
        ("ConstantOfShape", [np.array([0, 2**62, 2**62])]),
        ("Range", [np.float32(0), np.float32(np.inf), np.float32(1)]),
        ("Range", [np.int64(0), np.int64(-(2**62)), np.int64(-1)]),
        ("Max", [np.zeros((1,) * n + (2,) + (1,) * (20 - n)) for n in range(20)]),
        ("NonZero", [np.ones((1,) * 40 + (512,))]),
    ],
)
def test_what_would_be_large_takes_no_memory(operator, inputs) -> None:
    tracemalloc.start()
    try:
        assert fold(node_of(operator, len(inputs)), [np.asarray(i) for i in inputs]) is None
        assert tracemalloc.get_traced_memory()[1] < 1 << 20
    finally:
        tracemalloc.stop()


def test_every_rule_is_of_an_operator_that_is_folded() -> None:
    from pipeline.operators.fold import FOLDS

    assert set(SIZES) < set(FOLDS)
    assert set(FOLDS) > BROADCASTING


def test_sizes_of_broadcasts() -> None:
    assert broadcast_size() == broadcast_size(()) == 1
    assert broadcast_size((3, 1), (4,)) == 12
    assert broadcast_size((0, 5), (1, 5)) == 5  # nothing counts as one


def model(body: str, data: str = "float[1,4] x", **constants: np.ndarray) -> bytes:
    made: ModelProto = parser.parse_model(
        f'<ir_version: 8, opset_import: ["": 20]> g ({data}) => (float y) {{ {body} }}'
    )
    for name, array in constants.items():
        value = numpy_helper.from_array(np.asarray(array), name)
        made.graph.node.insert(0, helper.make_node("Constant", [], [name], value=value))
    return made.SerializeToString()


POWER = "t = Cast<to = 8>(n) p = Pow(t, t) s = Cast<to = 7>(p) y = Reshape(x, s)"
DOUBLED = "".join(f"c{n + 1} = Add(c{n}, c{n}) " for n in range(40)) + "y = Relu(x)"


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (model(POWER, n=BILLION), "fold"),
        (model("a = Split<num_outputs = 200000000>(x) y = Relu(a)"), "attributes"),
        (model("a, b = Split<num_outputs = 3>(x) y = Relu(a)"), "arity"),
        (model("y = Resize(x, , s)", "float[1,1,4,4] x", s=np.ones(4, np.complex64)),
         "bad_tensor"),
        (model("y = Add(x, c)", "uint64[1,4] x", c=np.array([2**64 - 1], np.uint64)),
         "bad_tensor"),
    ],
)  # fmt: skip
def test_files_that_count_on_python_are_refused(content: bytes, reason: str) -> None:
    tracemalloc.start()
    try:
        with pytest.raises(ModelError) as caught:
            read_onnx(io.BytesIO(content))
        assert tracemalloc.get_traced_memory()[1] < 64 << 20
    finally:
        tracemalloc.stop()
    assert caught.value.reason == reason


def test_strings_that_double_are_refused() -> None:
    made = ModelProto.FromString(model(DOUBLED))
    words = helper.make_tensor("c0", TensorProto.STRING, [1], [b"ab"])
    made.graph.node.insert(0, helper.make_node("Constant", [], ["c0"], value=words))
    with pytest.raises(ModelError, match=r"Add of constants.*\[fold\]"):
        read_onnx(io.BytesIO(made.SerializeToString()))

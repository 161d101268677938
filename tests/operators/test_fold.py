"""Every operator that is folded gives what ONNX Runtime gives."""

from __future__ import annotations

from typing import Any

import numpy as np
import onnxruntime
import pytest
from onnx import TensorProto, helper, numpy_helper

from pipeline.errors import ModelError
from pipeline.operators.fold import FOLDS, fold, shape_of
from pipeline.operators.fold_limits import LARGEST
from pipeline.operators.schema import OPSET_IMPORTS

INTS, FLOATS = np.array([[7, -3], [2, 5]]), np.array([[0.5, -1.25], [2.0, 3.5]], np.float32)
ROW, TRUTHS = np.array([2, -4]), np.array([[True, False], [True, True]])
POSITIVE = np.abs(FLOATS)

CASES: list[tuple[str, dict[str, Any], list[Any]]] = [
    *((name, {}, [INTS, ROW]) for name in ("Add", "Sub", "Mul", "Div", "Max", "Min")),
    *((name, {}, [FLOATS, POSITIVE]) for name in ("Add", "Div", "Max", "Min")),
    *((name, {}, [INTS, ROW]) for name in ("Equal", "Less", "LessOrEqual")),
    *((name, {}, [INTS, ROW]) for name in ("Greater", "GreaterOrEqual")),
    ("Max", {}, [INTS, ROW, np.array([[9], [-9]])]),
    ("Pow", {}, [FLOATS, np.array(2)]),
    ("Pow", {}, [INTS, np.array(2.0, np.float32)]),
    ("Mod", {}, [INTS, ROW]),
    ("Mod", {"fmod": 1}, [FLOATS, POSITIVE]),
    ("And", {}, [TRUTHS, TRUTHS[0]]),
    ("Or", {}, [TRUTHS, TRUTHS[0]]),
    ("Not", {}, [TRUTHS]),
    ("Where", {}, [TRUTHS, INTS, ROW]),
    *((name, {}, [FLOATS]) for name in ("Neg", "Abs", "Floor", "Ceil", "Round", "Exp")),
    *((name, {}, [POSITIVE]) for name in ("Sqrt", "Log", "Sin", "Cos", "Reciprocal")),
    ("Neg", {}, [INTS]),
    ("Clip", {}, [INTS, np.array(-1), np.array(5)]),
    ("Clip", {}, [FLOATS, np.float32(0)]),
    ("Clip", {}, [FLOATS]),
    ("Cast", {"to": TensorProto.INT64}, [FLOATS]),
    ("Cast", {"to": TensorProto.FLOAT}, [INTS]),
    ("Reshape", {}, [INTS, np.array([0, -1, 1])]),
    ("Reshape", {"allowzero": 1}, [np.zeros((0, 3), np.int64), np.array([3, 0])]),
    ("Flatten", {"axis": 2}, [np.arange(24).reshape(2, 3, 4)]),
    ("Flatten", {"axis": 0}, [INTS]),
    ("Squeeze", {}, [INTS[None], np.array([0])]),
    ("Squeeze", {}, [INTS[:, None, :1]]),
    ("Unsqueeze", {}, [INTS, np.array([0, -1])]),
    ("Transpose", {}, [INTS]),
    ("Transpose", {"perm": [1, 2, 0]}, [np.arange(24).reshape(2, 3, 4)]),
    ("Concat", {"axis": 0}, [ROW, np.array([1]), np.array([], np.int64)]),
    ("Split", {"axis": 0, "num_outputs": 3}, [np.arange(7)]),
    ("Split", {"axis": 1}, [np.arange(12).reshape(2, 6), np.array([1, 2, 3])]),
    ("Gather", {"axis": 0}, [INTS, np.array(-1)]),
    ("Gather", {"axis": 1}, [INTS, np.array([[1, 0]])]),
    ("Slice", {}, [np.arange(9), np.array([1]), np.array([-1])]),
    ("Slice", {}, [np.arange(9), np.array([8]), np.array([-(2**63)]), np.array([0]),
                   np.array([-2])]),
    ("Slice", {}, [np.arange(12).reshape(3, 4), np.array([0, 1]), np.array([2, 2**62]),
                   np.array([0, -1]), np.array([1, 2])]),
    ("Range", {}, [np.array(3), np.array(-4), np.array(-2)]),
    ("Range", {}, [np.float32(0), np.float32(1), np.float32(0.25)]),
    ("ConstantOfShape", {}, [np.array([2, 3])]),
    ("ConstantOfShape", {"value": numpy_helper.from_array(np.array([7]))}, [np.array([2])]),
    ("EyeLike", {}, [FLOATS]),
    ("EyeLike", {"k": -1, "dtype": TensorProto.DOUBLE}, [np.zeros((2, 3), np.int32)]),
    ("Expand", {}, [ROW, np.array([3, 1, 1])]),
    ("Tile", {}, [INTS, np.array([2, 3])]),
    ("ScatterND", {}, [np.arange(4), np.array([[1], [3]]), np.array([-1, -2])]),
    ("NonZero", {}, [TRUTHS]),
    *((name, {}, [FLOATS, np.array([1])]) for name in FOLDS if name.startswith("Reduce")),
    *((name, {"keepdims": 0}, [FLOATS]) for name in FOLDS if name.startswith("Reduce")),
    ("ReduceSum", {"noop_with_empty_axes": 1}, [FLOATS]),
]  # fmt: skip


def run_onnx(node: Any, inputs: list[np.ndarray]) -> list[np.ndarray]:
    values = [
        helper.make_tensor_value_info(name, helper.np_dtype_to_tensor_dtype(x.dtype), x.shape)
        for name, x in zip(node.input, inputs, strict=True)
    ]
    outputs = [helper.make_empty_tensor_value_info(name) for name in node.output]
    graph = helper.make_graph([node], "fold", values, outputs)
    model = helper.make_model(graph, opset_imports=OPSET_IMPORTS, ir_version=9)
    session = onnxruntime.InferenceSession(
        model.SerializeToString(), providers=["CPUExecutionProvider"]
    )
    return session.run(None, dict(zip(node.input, inputs, strict=True)))


@pytest.mark.parametrize(("operator", "attributes", "inputs"), CASES)
def test_folding_agrees_with_onnx_runtime(
    operator: str, attributes: dict[str, Any], inputs: list[Any]
) -> None:
    arrays = [np.asarray(x) for x in inputs]
    names = [f"i{n}" for n in range(len(arrays))]
    node = helper.make_node(
        operator,
        names,
        [f"o{n}" for n in range(3 if operator == "Split" else 1)],
        **attributes,
    )
    folded = fold(node, arrays)  # type: ignore[arg-type]
    assert folded is not None
    for found, expected in zip(folded, run_onnx(node, arrays), strict=True):
        assert found.dtype == expected.dtype
        assert found.shape == expected.shape
        np.testing.assert_allclose(found, expected, rtol=1e-6)


def test_every_operator_that_is_folded_has_a_case() -> None:
    assert {operator for operator, *_ in CASES} == FOLDS.keys()


@pytest.mark.parametrize(
    ("operator", "inputs"),
    [
        ("ConstantOfShape", [np.array([2**20, 2**20])]),
        ("Expand", [np.array(1), np.array([LARGEST + 1])]),
        ("Tile", [np.array([1]), np.array([2**40])]),
        ("Range", [np.array(0), np.array(2**62), np.array(1)]),
        ("Add", [np.zeros((LARGEST, 1)), np.zeros((1, LARGEST))]),
        ("Gather", [np.zeros((1, LARGEST)), np.zeros(LARGEST, np.int64)]),
        ("Concat", [np.zeros(LARGEST), np.zeros(1)]),
    ],
)
def test_what_would_be_large_is_left_alone(operator: str, inputs: list[np.ndarray]) -> None:
    axis = {"axis": 0} if operator in ("Gather", "Concat") else {}
    node = helper.make_node(operator, [f"i{n}" for n in range(len(inputs))], ["o"], **axis)
    assert fold(node, inputs) is None  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("operator", "inputs"),
    [
        ("Div", [np.array([1]), np.array([0])]),
        ("Reshape", [np.arange(6), np.array([4])]),
        ("Gather", [np.arange(3), np.array(3)]),
        ("Concat", [np.arange(3), np.zeros((1, 1), np.int64)]),
        ("Unsqueeze", [np.arange(3)]),
    ],
)
def test_what_does_not_fit_is_refused(operator: str, inputs: list[np.ndarray]) -> None:
    axis = {"axis": 0} if operator in ("Gather", "Concat") else {}
    node = helper.make_node(operator, [f"i{n}" for n in range(len(inputs))], ["o"], **axis)
    with pytest.raises(ModelError, match=f"{operator} of constants"):
        fold(node, inputs)  # type: ignore[arg-type]


def test_shape_and_size() -> None:
    node = helper.make_node("Shape", ["x"], ["y"], start=-2, end=3)
    assert shape_of(node, (1, 2, 3, 4)).tolist() == [3]
    assert shape_of(helper.make_node("Shape", ["x"], ["y"]), (1, 5)).tolist() == [1, 5]
    assert shape_of(helper.make_node("Size", ["x"], ["y"]), (3, 5)).item() == 15

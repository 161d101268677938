"""What a number of a file counts as, by where it stands and what it is."""

from __future__ import annotations

import io
from math import pi, sqrt

import numpy as np
import pytest
from onnx import ModelProto, TensorProto, helper, numpy_helper

from pipeline import read_onnx, read_weights
from pipeline.operators.trained import is_written, looks_trained


def model_of(numbers: list[np.ndarray], operator: str = "Mul") -> ModelProto:
    """x -> x * number * number ..., each number in a Constant node."""
    nodes, value = [], "x"
    for place, number in enumerate(numbers):
        tensor = numpy_helper.from_array(number, f"n{place}")
        nodes.append(helper.make_node("Constant", [], [f"n{place}"], value=tensor))
        nodes.append(helper.make_node(operator, [value, f"n{place}"], [f"y{place}"]))
        value = f"y{place}"
    graph = helper.make_graph(
        nodes, "g",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, (1, 3, 4, 4))],
        [helper.make_empty_tensor_value_info(value)],
    )  # fmt: skip
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 20)], ir_version=9)


def names_of(model: ModelProto) -> list[str]:
    """The attribute that holds each number: B for a constant, B.parameter for a weight."""
    network = read_onnx(io.BytesIO(model.SerializeToString()))
    return [name for v in network.vertices[1:-1] for name, _ in v.attributes]


def scalars(*numbers: float) -> list[np.ndarray]:
    return [np.float32(number).reshape(1) for number in numbers]


@pytest.mark.parametrize(
    "number",
    [0.5, 6.0, 1 / 6, 1e-6, 0.044715, 1.702, sqrt(2 / pi), 1 / sqrt(1.04), 1 / sqrt(32),
     17 / 18, 1 / 0.229, 0.485, 255.0, -1e9],
)  # fmt: skip
def test_what_a_person_writes_is_architecture(number: float) -> None:
    assert is_written(float(np.float32(number)))
    assert names_of(model_of(scalars(number))) == ["B"]


@pytest.mark.parametrize("number", [0.9431690573692322, 0.47632309794425964, -0.0995393544435])
def test_what_training_leaves_is_a_weight(number: float) -> None:
    assert not is_written(float(np.float32(number)))
    assert names_of(model_of(scalars(number))) == ["B.parameter"]
    other = model_of(scalars(number * 1.001))
    assert read_onnx(io.BytesIO(other.SerializeToString())) == read_onnx(
        io.BytesIO(model_of(scalars(number)).SerializeToString())
    )


def test_a_number_that_stands_twice_was_written() -> None:
    assert names_of(model_of(scalars(0.9431690573692322, 0.9431690573692322))) == ["B", "B"]


def test_a_written_number_among_trained_ones_of_its_kind_is_one() -> None:
    trained = (0.9431690573692322, 1.900607943534851, 0.47632309794425964)
    assert names_of(model_of(scalars(*trained, 0.5))) == ["B.parameter"] * 4
    assert names_of(model_of(scalars(*trained[:2], 0.5)))[-1] == "B"


def test_limits_and_whole_numbers_are_architecture() -> None:
    number = np.float32(0.9431690573692322)
    assert names_of(model_of([number], "Clip")) == ["min"]
    assert not looks_trained(np.array([7], np.int64))


def test_the_weight_is_read() -> None:
    model = model_of(scalars(0.9431690573692322))
    source = io.BytesIO(model.SerializeToString())
    weights = read_weights(source, read_onnx(source))
    assert {n: w.tolist() for n, w in weights.items()} == {"mul_1.B": [0.9431690573692322]}


def test_few_trained_numbers_are_taken_for_written() -> None:
    drawn = np.random.default_rng(0).standard_normal(2000).astype(np.float32)
    assert sum(is_written(float(n)) for n in drawn) < 50

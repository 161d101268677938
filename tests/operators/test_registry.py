"""The registry: what it refuses, and what it must hold."""

from __future__ import annotations

import pytest

from pipeline.errors import UnsupportedOperator
from pipeline.operators import registry
from pipeline.operators.registry import Operator, registered, torch_operator
from pipeline.operators.schema import formal_name, position_of, schema_of

PAPER = {
    "Conv", "LeakyRelu", "MaxPool", "Flatten", "Gemm", "Sigmoid", "BatchNormalization", "Relu",
    "Add", "GlobalAveragePool", "AveragePool", "Concat", "Pad", "ReduceMean", "Tanh",
    "ConvTranspose", "Slice", "Elu", "Reshape", "Mul",
}  # fmt: skip


def test_the_papers_operators_are_marked() -> None:
    assert {name for name, operator in registered().items() if operator.paper} == PAPER


def test_a_name_is_taken_once() -> None:
    with pytest.raises(ValueError, match="Relu is registered twice"):
        registry.register(registered()["Relu"])


def test_no_operator_without_an_example() -> None:
    with pytest.raises(ValueError, match="without its own test"):
        Operator(name="Relu", build=lambda layer: layer.x, examples=())


def test_an_unknown_operator_is_refused_by_name() -> None:
    with pytest.raises(UnsupportedOperator, match="Einsum"):
        torch_operator("Einsum")


@pytest.mark.parametrize("name", sorted(registered()))
def test_onnx_knows_what_is_registered(name: str) -> None:
    operator, schema = registered()[name], schema_of(name)
    assert not schema.deprecated
    for formal in operator.torch_names:
        assert formal_name(name, position_of(name, formal)) == formal  # type: ignore[arg-type]
    for dropped in operator.drop:
        assert dropped in schema.attributes or position_of(name, dropped) is not None

"""Operators with random attributes: ONNX Runtime, torch, the written file and source agree.

``pytest tests/operators/test_random_layers.py --layers 500`` is the long run.
"""

from __future__ import annotations

import pytest
from numbers_agree import assert_close, assert_same_module, draw, read, run_onnx, run_torch
from onnxruntime.capi import onnxruntime_pybind11_state as ort
from random_layers import LAYERS, draw_layer

from pipeline.errors import ModelError
from pipeline.operators.example_models import model_of
from pipeline.operators.registry import registered
from pipeline.operators.to_source import to_source
from pipeline.operators.to_torch import to_torch
from pipeline.operators.write_onnx import to_onnx

# ONNX Runtime says no: attributes that are none, or a case that it has not implemented
REFUSALS = (ort.Fail, ort.InvalidArgument, ort.NotImplemented, ort.RuntimeException,
            ort.InvalidGraph)  # fmt: skip


def test_every_operator_is_drawn() -> None:
    assert LAYERS.keys() == registered().keys()


@pytest.mark.parametrize("name", sorted(registered()))
def test_random_layers(name: str, request: pytest.FixtureRequest) -> None:
    asked: int = request.config.getoption("--layers")
    compared = sum(is_the_same_everywhere(name, seed) for seed in range(asked))
    assert compared >= asked / 4, "too few were compared to say anything"


def is_the_same_everywhere(name: str, seed: int) -> bool:
    """Compare one layer; False where ONNX Runtime or the project refuses it by name."""
    example = draw_layer(name, seed)
    model = model_of(name, example, seed)
    x = draw(model, example)
    try:
        expected = run_onnx(model, x)
    except REFUSALS:
        return False
    said = f"{name}, seed {seed}: {example}"
    try:
        network, weights = read(model)
        module = to_torch(network, weights).eval()
    except ModelError:
        return False
    try:
        assert_close(run_torch(module, x), expected)
        assert_close(run_onnx(to_onnx(network, weights), x), expected)
        assert_same_module(network, to_source(network))
    except Exception as e:
        raise AssertionError(said) from e
    return True

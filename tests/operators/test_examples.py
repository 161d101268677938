"""Every example of every operator: ONNX Runtime, the network, torch and back agree."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from numbers_agree import assert_close, draw, read, run_onnx, run_torch
from onnx import checker

from pipeline.operators.example_models import has_batch, model_of
from pipeline.operators.registry import Example, registered
from pipeline.operators.to_torch import to_torch
from pipeline.operators.write_onnx import to_onnx


def keeps_images(name: str, example: Example) -> bool:
    """Whether each image of a batch goes its own way: all but a few examples, which flatten,
    move or cut the batch axis itself."""
    axes = dict(example.constants).get("axes", ())
    mixes = (
        (name == "Flatten" and example.attributes == {"axis": 0})
        or (name == "Unsqueeze" and 0 in axes)
        or (name == "Slice" and not axes)
        or (name == "Expand" and 3 in dict(example.constants)["shape"][:1])
    )
    return has_batch(example) and not mixes


EXAMPLES = [
    pytest.param(name, example, id=f"{name}-{number}")
    for name, operator in sorted(registered().items())
    for number, example in enumerate(operator.examples)
]


@pytest.mark.parametrize(("name", "example"), EXAMPLES)
def test_torch_agrees_with_onnx_runtime(name: str, example: Example) -> None:
    model = model_of(name, example)
    x = draw(model, example)
    expected = run_onnx(model, x)
    network, weights = read(model)
    assert_close(run_torch(to_torch(network, weights).eval(), x), expected)


@pytest.mark.parametrize(("name", "example"), [p for p in EXAMPLES if keeps_images(*p.values)])
def test_a_batch_is_its_images_one_by_one(name: str, example: Example) -> None:
    model = model_of(name, example)
    x = draw(model, example, batch=2)
    network, weights = read(model)
    module = to_torch(network, weights).eval()
    rows = [run_torch(module, image) for image in (x[:1], x[1:])]
    expected = [np.concatenate(pair) for pair in zip(*rows, strict=True)]
    assert_close(run_torch(module, x), expected)


@pytest.mark.parametrize(("name", "example"), EXAMPLES)
def test_the_written_file_is_the_same_network(name: str, example: Example) -> None:
    model = model_of(name, example)
    network, weights = read(model)
    written = to_onnx(network, weights)
    checker.check_model(written, full_check=True)
    x = draw(model, example)
    assert_close(run_onnx(written, x), run_onnx(model, x))
    assert read(written)[0] == network
    joined = name == "Concat" and len(example.inputs) == 1  # a weight of one row: ONNX cannot
    if keeps_images(name, example) and not joined:
        pair = draw(model, example, batch=2)
        expected = run_torch(to_torch(network, weights).eval(), pair)
        assert_close(run_onnx(written, pair), expected)


@pytest.mark.parametrize(("name", "example"), EXAMPLES)
def test_training_gives_finite_gradients(name: str, example: Example) -> None:
    model = model_of(name, example)
    network, weights = read(model)
    module = to_torch(network, weights).train()
    batch = 2 if has_batch(example) else 1
    x = torch.from_numpy(draw(model, example, batch)).requires_grad_()
    outputs = module(x)
    outputs = outputs if isinstance(outputs, tuple) else (outputs,)
    differentiable = [y for y in outputs if y.requires_grad]
    if not differentiable:
        assert all(not y.is_floating_point() for y in outputs)
        return
    sum(y.square().sum() for y in differentiable).backward()
    for tensor in (x, *module.parameters()):
        assert tensor.grad is not None
        assert torch.isfinite(tensor.grad).all()

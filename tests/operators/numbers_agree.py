"""What tests of operators compare: numbers by ONNX Runtime, by torch, and by source."""

from __future__ import annotations

from io import BytesIO
from typing import Any

import numpy as np
import onnxruntime
import torch
from onnx import ModelProto

from pipeline.graph.network import Network
from pipeline.operators.read_onnx import read_onnx, read_weights
from pipeline.operators.registry import Example
from pipeline.operators.to_torch import to_torch

TOLERANCE = 1e-5


def run_onnx(model: ModelProto, x: np.ndarray) -> list[np.ndarray]:
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    # what is compared are the operators themselves, not what fusing them makes of rounding
    options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL
    session = onnxruntime.InferenceSession(
        model.SerializeToString(), options, providers=["CPUExecutionProvider"]
    )
    return session.run(None, {model.graph.input[0].name: x})


def read(model: ModelProto) -> tuple[Network, dict[str, np.ndarray]]:
    """The network of a model in memory and its weights under the network's names."""
    file = BytesIO(model.SerializeToString())
    network = read_onnx(file)
    return network, read_weights(file, network)


def draw(model: ModelProto, example: Example, batch: int = 1) -> np.ndarray:
    dims = model.graph.input[0].type.tensor_type.shape.dim
    shape = (batch, *(d.dim_value for d in dims[1:]))
    x = np.random.default_rng(1).standard_normal(shape).astype(np.float32)
    return np.abs(x) + 0.1 if example.positive else x


def run_torch(module: torch.nn.Module, x: np.ndarray) -> list[np.ndarray]:
    with torch.no_grad():
        outputs = module(torch.from_numpy(x))
    return [y.numpy() for y in (outputs if isinstance(outputs, tuple) else (outputs,))]


def assert_close(found: list[np.ndarray], expected: list[np.ndarray]) -> None:
    assert len(found) == len(expected)
    for a, b in zip(found, expected, strict=True):
        assert a.shape == b.shape
        assert a.dtype == b.dtype
        scale = max(float(np.abs(b.astype(np.float64)).max()), 1e-6)
        assert np.abs(a.astype(np.float64) - b).max() <= TOLERANCE * scale


def execute(source: str) -> torch.nn.Module:
    space: dict[str, Any] = {}
    exec(compile(source, "network.py", "exec"), space)
    return space["Network"]()


def run_seeded(module: torch.nn.Module, x: torch.Tensor) -> tuple[torch.Tensor, ...]:
    torch.manual_seed(1)  # of the Dropouts
    with torch.no_grad():
        outputs = module(x)
    return outputs if isinstance(outputs, tuple) else (outputs,)


def assert_same_module(network: Network, source: str) -> None:
    """The same parameters in the same order; loaded by position, the same numbers."""
    written, built = execute(source), to_torch(network)
    kinds = [
        [(p.shape, p.dtype, p.requires_grad) for p in m.parameters()] for m in (written, built)
    ]
    assert kinds[0] == kinds[1]
    state = built.state_dict()
    for tensor in state.values():
        if tensor.is_floating_point():
            tensor.uniform_(0.1, 1.0)
    assert [t.shape for t in written.state_dict().values()] == [
        t.shape for t in state.values()
    ]
    written.load_state_dict(dict(zip(written.state_dict(), state.values(), strict=True)))
    x = torch.rand(1, *network.vertices[0].get("shape")) + 0.1  # type: ignore[misc]
    for a, b in zip(run_seeded(written.eval(), x), run_seeded(built.eval(), x), strict=True):
        torch.testing.assert_close(a, b, rtol=0, atol=0, equal_nan=True)

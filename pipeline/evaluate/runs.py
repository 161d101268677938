"""Whether a network runs: ONNX's checker, ONNX Runtime, and torch forward and backward."""

from __future__ import annotations

from math import prod

import numpy as np
import onnx
import onnxruntime
import torch

from pipeline.errors import ModelError
from pipeline.graph.network import Network
from pipeline.operators.operands import dtype_of
from pipeline.operators.shapes import Layer, infer_layers
from pipeline.operators.to_torch import load_weights, to_torch
from pipeline.operators.write_onnx import parameter_arrays, to_onnx

MAX_PARAMETERS = 400_000_000
MAX_ELEMENTS = 4_000_000_000  # of all outputs together, at batch size 1
FLOAT = dtype_of("float32")
Layers = tuple[Layer, ...]
Weights = dict[str, np.ndarray]


def runs(network: Network) -> str | None:
    """None if a network runs with random weights: ``onnx.checker`` with full shape inference,
    ONNX Runtime, torch forward and backward in training mode at batch size 2, all values
    finite. Otherwise what failed, in a few words; a failure is an answer here, not an error.
    """
    try:
        layers = infer_layers(network)
    except ModelError as e:
        return f"shapes: {e.detail}"
    parameters = sum(prod(t.shape) for layer in layers for t in layer.parameters.values())
    elements = sum(prod(t.shape) for layer in layers for t in layer.outputs)
    if parameters > MAX_PARAMETERS or elements > MAX_ELEMENTS:
        return f"too large to try: {parameters} parameters, {elements} elements"
    weights = parameter_arrays(layers)
    return _runs_in_onnx(network, layers, weights) or _runs_in_torch(network, layers, weights)


def _runs_in_onnx(network: Network, layers: Layers, weights: Weights) -> str | None:
    model = to_onnx(network, weights)
    try:
        onnx.checker.check_model(model, full_check=True)
    except (onnx.checker.ValidationError, onnx.shape_inference.InferenceError) as e:
        return f"onnx.checker: {_line(e)}"
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 4
    options.intra_op_num_threads = torch.get_num_threads()
    try:
        session = onnxruntime.InferenceSession(
            model.SerializeToString(), options, providers=["CPUExecutionProvider"]
        )
        outputs = session.run(None, {"v0": _images(layers, 1).numpy()})
    except Exception as e:  # ONNX Runtime has a class of its own for every failure
        return f"ONNX Runtime: {_line(e)}"
    if not all(np.isfinite(o).all() for o in outputs if o.dtype.kind == "f"):
        return "ONNX Runtime: values that are not finite"
    return None


def _runs_in_torch(network: Network, layers: Layers, weights: Weights) -> str | None:
    try:
        module = to_torch(network)
    except ModelError as e:
        return f"torch: {e.detail}"
    load_weights(module, weights)
    module.train()
    try:
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(0)
            found = module(_images(layers, 2))
        outputs = found if isinstance(found, tuple) else (found,)
        loss = sum(o.float().square().mean() for o in outputs)
        if isinstance(loss, torch.Tensor) and loss.requires_grad:
            loss.backward()
    except (RuntimeError, ValueError, TypeError, IndexError) as e:
        return f"torch: {_line(e)}"
    values = [*outputs, *(p.grad for p in module.parameters() if p.grad is not None)]
    if not all(bool(torch.isfinite(v).all()) for v in values if v.is_floating_point()):
        return "torch: values that are not finite"
    return None


def _images(layers: Layers, batch: int) -> torch.Tensor:
    source = layers[0].outputs[0]
    images = torch.randn(batch, *source.shape[1:], generator=torch.Generator().manual_seed(0))
    return images if source.dtype == FLOAT else images.abs().to(torch.int64)


def _line(error: Exception) -> str:
    return str(error).strip().splitlines()[0][:160] if str(error) else type(error).__name__

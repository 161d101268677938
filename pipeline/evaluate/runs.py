"""Whether a network runs: ONNX's checker, ONNX Runtime, and torch forward and backward."""

from __future__ import annotations

from collections.abc import Iterable
from math import prod

import numpy as np
import onnx
import onnxruntime
import torch
from torch import nn
from torch.nn.modules.batchnorm import _BatchNorm

from pipeline.errors import ModelError
from pipeline.graph.network import Network
from pipeline.operators.operands import FLOAT, dtype_name
from pipeline.operators.shapes import Layer, infer_layers
from pipeline.operators.to_torch import load_weights, to_torch
from pipeline.operators.write_onnx import parameter_arrays, to_onnx

MAX_PARAMETERS = 400_000_000
MAX_ELEMENTS = 4_000_000_000  # of all outputs together, at batch size 1


def runs(network: Network) -> str | None:
    """None if a network runs with random weights: ``onnx.checker`` with full shape inference
    passes, ONNX Runtime computes it, torch computes it in training mode at batch sizes 1 and 2
    and gives gradients, and all values are finite. Otherwise what failed, in a few words.
    """
    try:
        layers = infer_layers(network)
    except ModelError as e:
        return f"shapes: {e.detail}"
    parameters = sum(prod(t.shape) for layer in layers for t in layer.parameters.values())
    elements = sum(prod(t.shape) for layer in layers for t in layer.outputs)
    if parameters > MAX_PARAMETERS or elements > MAX_ELEMENTS:
        return f"too large to try: {parameters} parameters, {elements} elements"
    return _runs_in_onnx(network, layers) or _runs_in_torch(network, layers)


def _runs_in_onnx(network: Network, layers: tuple[Layer, ...]) -> str | None:
    model = to_onnx(network)
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


def _runs_in_torch(network: Network, layers: tuple[Layer, ...]) -> str | None:
    try:
        module = to_torch(network)
    except ModelError as e:
        return f"torch: {e.detail}"
    load_weights(module, parameter_arrays(layers))
    return next(filter(None, (_trains(module, _images(layers, n)) for n in (1, 2))), None)


def _trains(module: nn.Module, images: torch.Tensor) -> str | None:
    """Forward and backward in training mode. A batch normalisation of one value a channel has
    no variance: there it uses its running statistics."""
    module.train()
    handles = [
        part.register_forward_pre_hook(_freeze_single_values)
        for part in module.modules()
        if isinstance(part, _BatchNorm)
    ]
    where = f"torch at batch size {len(images)}"
    try:
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(0)
            images.requires_grad_(images.is_floating_point())
            found = module(images)
        outputs = found if isinstance(found, tuple) else (found,)
        floats = [o for o in outputs if o.is_floating_point() and o.requires_grad]
        if not floats:
            return f"{where}: no output has a gradient"
        sum(o.square().mean() for o in floats).backward()
    except (RuntimeError, ValueError, TypeError, IndexError) as e:
        return f"{where}: {_line(e)}"
    finally:
        for handle in handles:
            handle.remove()
    gradients = [p.grad for p in module.parameters() if p.grad is not None]
    module.zero_grad()
    return None if _are_finite([*outputs, *gradients]) else f"{where}: not finite"


def _freeze_single_values(part: nn.Module, inputs: tuple[torch.Tensor, ...]) -> None:
    x = inputs[0]
    part.train(x.numel() > x.shape[1])


def _are_finite(tensors: Iterable[torch.Tensor]) -> bool:
    return all(bool(torch.isfinite(t).all()) for t in tensors if t.is_floating_point())


def _images(layers: tuple[Layer, ...], batch: int) -> torch.Tensor:
    source = layers[0].outputs[0]
    images = torch.randn(batch, *source.shape[1:], generator=torch.Generator().manual_seed(0))
    if source.dtype == FLOAT:
        return images
    return images.abs().to(getattr(torch, dtype_name(source.dtype)))


def _line(error: Exception) -> str:
    return str(error).strip().splitlines()[0][:360] if str(error) else type(error).__name__

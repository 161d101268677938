"""Trying a network out in torch: forward, backward, and are all values finite?"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from itertools import chain
from math import prod

import numpy as np
import torch
from torch import nn
from torch.nn.modules.batchnorm import _BatchNorm

from pipeline.errors import ModelError
from pipeline.graph.network import Network
from pipeline.operators.operands import FLOAT, dtype_name
from pipeline.operators.shapes import Layer, infer_layers
from pipeline.operators.to_torch import to_torch
from pipeline.operators.write_onnx import parameter_arrays

MAX_PARAMETERS = 400_000_000
MAX_ELEMENTS = 4_000_000_000  # of all outputs together, at batch size 1
MODERATE = 2**28  # which take some gigabytes to train
REFUSALS = (RuntimeError, ValueError, TypeError, IndexError)  # torch's, of what it cannot do


def why_too_large(layers: Sequence[Layer], most: int = MAX_ELEMENTS) -> str | None:
    """Why a network is not tried; None for one that can be."""
    parameters = sum(prod(t.shape) for layer in layers for t in layer.parameters.values())
    elements = sum(prod(t.shape) for layer in layers for t in layer.outputs)
    if parameters > MAX_PARAMETERS or elements > most:
        return f"too large to try: {parameters} parameters, {elements} elements"
    return None


def is_finite(network: Network) -> bool:
    """Whether a network of sound shapes gives finite values with the random weights that files
    get: at rest, and in training with its gradients. A large one is taken to."""
    layers = infer_layers(network)
    if why_too_large(layers, MODERATE):
        return True
    weights = parameter_arrays(layers)
    return (
        _rests(network, layers, weights) and why_not_in_torch(network, layers, weights) is None
    )


def why_not_in_torch(
    network: Network, layers: Sequence[Layer], weights: Mapping[str, np.ndarray]
) -> str | None:
    """None if torch computes a network in training mode at batch sizes 1 and 2, with finite
    values and gradients; otherwise what failed, in a few words."""
    try:
        module = to_torch(network, weights)
    except ModelError as e:
        return f"torch: {e.detail}"
    return next(filter(None, (_trains(module, images(layers, n)) for n in (1, 2))), None)


def images(layers: Sequence[Layer], batch: int) -> torch.Tensor:
    """Random images for a network's Input."""
    source = layers[0].outputs[0]
    drawn = torch.randn(batch, *source.shape[1:], generator=torch.Generator().manual_seed(0))
    if source.dtype == FLOAT:
        return drawn
    return drawn.abs().to(getattr(torch, dtype_name(source.dtype)))


def _rests(
    network: Network, layers: Sequence[Layer], weights: Mapping[str, np.ndarray]
) -> bool:
    try:
        with torch.inference_mode():
            found = to_torch(network, weights).eval()(images(layers, 1))
    except (ModelError, *REFUSALS):
        return False
    return _are_finite(found if isinstance(found, tuple) else (found,))


def _trains(module: nn.Module, x: torch.Tensor) -> str | None:
    """Forward and backward in training mode. A batch normalisation of one value a channel has
    no variance: there it uses its running statistics."""
    module.train()
    handles = [
        part.register_forward_pre_hook(_freeze_single_values)
        for part in module.modules()
        if isinstance(part, _BatchNorm)
    ]
    where = f"torch at batch size {len(x)}"
    try:
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(0)
            x.requires_grad_(x.is_floating_point())
            found = module(x)
        outputs = found if isinstance(found, tuple) else (found,)
        floats = [o for o in outputs if o.is_floating_point() and o.requires_grad]
        if not floats:
            return f"{where}: no output has a gradient"
        sum(o.square().mean() for o in floats).backward()
    except REFUSALS as e:
        return f"{where}: {first_line(e)}"
    finally:
        for handle in handles:
            handle.remove()
    gradients = [p.grad for p in module.parameters() if p.grad is not None]
    module.zero_grad()
    return None if _are_finite(chain(outputs, gradients)) else f"{where}: not finite"


def _freeze_single_values(part: nn.Module, inputs: tuple[torch.Tensor, ...]) -> None:
    x = inputs[0]
    part.train(x.numel() > x.shape[1])


def _are_finite(tensors: Iterable[torch.Tensor]) -> bool:
    return all(bool(torch.isfinite(t).all()) for t in tensors if t.is_floating_point())


def first_line(error: Exception) -> str:
    """An error's message, cut."""
    return str(error).strip().splitlines()[0][:360] if str(error) else type(error).__name__

"""Trying a network out in torch: forward, backward, and are all values finite?"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import chain
from math import inf, log2, prod
from typing import Any

import numpy as np
import torch
from torch import fx, nn
from torch.nn.modules.batchnorm import _BatchNorm

from pipeline.errors import ModelError
from pipeline.graph.network import Network, Vertex
from pipeline.operators.operands import FLOAT, dtype_name
from pipeline.operators.registry import operator_of
from pipeline.operators.shapes import Layer, infer_layers
from pipeline.operators.to_torch import TorchBuilder, copy_weights, to_torch
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


@dataclass(frozen=True)
class Failure:
    """Where finite numbers end: the vertex, the number of its largest operand, log2 of that
    one's largest absolute value, and whether torch refused to compute it at all."""

    vertex: int
    operand: int
    size: float
    reason: str
    is_refused: bool = False


def find_failure(network: Network) -> Failure | None:
    """Where a network of sound shapes gives values or gradients that are not finite, with the
    random weights that files get: at rest, or in training at batch sizes 1 and 2."""
    builder = TorchBuilder(network)
    module = builder.build()
    copy_weights(module, parameter_arrays(builder.layers))
    trials = (Trial(builder, module, *mode) for mode in ((False, 1), (True, 1), (True, 2)))
    return next(filter(None, (trial.run() for trial in trials)), None)


class Trial(fx.Interpreter):
    """One computation of a network, every value of which is kept and looked at."""

    def __init__(
        self, builder: TorchBuilder, module: fx.GraphModule, trains: bool, batch: int
    ) -> None:
        super().__init__(module, garbage_collect_values=False)
        self.vertices = [layer.vertex for layer in builder.layers]
        self.nodes = builder.outputs
        self.trains, self.image = trains, images(builder.layers, batch)
        self.current: fx.Node | None = None

    def run_node(self, node: fx.Node) -> Any:
        """As fx does it, noting the node and keeping its gradient."""
        self.current = node
        value = super().run_node(node)
        if isinstance(value, torch.Tensor) and value.requires_grad:
            value.retain_grad()
        return value

    def run(self) -> Failure | None:  # type: ignore[override]
        """The failure, or None."""
        try:
            with training(self.module, self.trains), torch.set_grad_enabled(self.trains):
                found = super().run(self.image.requires_grad_(self.trains))
        except REFUSALS as e:
            return self._failure(self._owner(self.current), first_line(e), is_refused=True)
        broken = self._forward()
        if broken is not None or not self.trains:
            return None if broken is None else self._failure(broken, "values not finite")
        outputs = found if isinstance(found, tuple) else (found,)
        floats = [o for o in outputs if o.is_floating_point() and o.requires_grad]
        loss = sum(o.square().mean() for o in floats)
        if not floats or not torch.isfinite(loss):
            reason = "its square is not finite" if floats else "no gradient"
            return self._failure(len(self.vertices) - 1, reason)
        loss.backward()
        broken = self._backward()
        return None if broken is None else self._failure(broken, "gradients not finite")

    def _owner(self, node: fx.Node | None) -> int:
        """The vertex that a node is a part of."""
        order = {n: place for place, n in enumerate(self.module.graph.nodes)}  # type: ignore[union-attr, arg-type]
        place = order[node] if node is not None else 0
        return next(
            (v for v, nodes in enumerate(self.nodes) if any(order[n] >= place for n in nodes)),
            len(self.nodes) - 1,
        )

    def _forward(self) -> int | None:
        """The first vertex whose values are not finite, and go on."""
        broken = [not _are_finite(self.env[n] for n in nodes) for nodes in self.nodes]
        goes_on = {o.source for v, b in zip(self.vertices, broken, strict=True) if b
                   for o in v.operands}  # fmt: skip
        return next((v for v, b in enumerate(broken[:-1]) if b and v in goes_on), None)

    def _backward(self) -> int | None:
        """The last vertex that makes gradients infinite, one that may if there is such."""
        finite = [_are_finite(self._gradients(v)) for v in range(len(self.nodes))]
        broken = [
            index
            for index, vertex in enumerate(self.vertices[:-1])
            if finite[index] and not all(finite[o.source] for o in vertex.operands)
        ]
        parameters = dict(self.module.named_parameters())
        broken += sorted({
            int(name.partition(".")[0].rpartition("_")[2])
            for name, p in parameters.items()
            if p.grad is not None and not _are_finite([p.grad])
        })  # fmt: skip
        self.module.zero_grad()
        likely = [v for v in broken if may_fail(self.vertices[v])]
        return max(likely or broken, default=None)

    def _gradients(self, vertex: int) -> list[torch.Tensor]:
        values = (self.env[node] for node in self.nodes[vertex])
        return [v.grad for v in values if v.requires_grad and v.grad is not None]

    def _failure(self, vertex: int, reason: str, is_refused: bool = False) -> Failure:
        sizes = [
            _largest(self.env[self.nodes[o.source][o.output]])
            for o in self.vertices[vertex].operands
        ] or [0.0]  # fmt: skip
        operand = max(range(len(sizes)), key=sizes.__getitem__)
        return Failure(vertex, operand, sizes[operand], reason, is_refused)


def may_fail(vertex: Vertex) -> bool:
    """Whether a vertex may give numbers that are not finite for some that are: by its operator
    or by an infinite attribute (which the Pad before a MaxPool has)."""
    operator = operator_of(vertex.operator)
    return bool(infinite_attributes(vertex)) or (operator is not None and operator.may_fail)


def infinite_attributes(vertex: Vertex) -> list[str]:
    """The names of the attributes with infinite numbers."""
    return [
        name
        for name, value in vertex.attributes
        for number in (value if isinstance(value, tuple) else (value,))
        if isinstance(number, float) and abs(number) == inf
    ]


def _largest(tensor: torch.Tensor) -> float:
    """log2 of the largest absolute value."""
    largest = tensor.detach().abs().nan_to_num(nan=0.0).max().item()
    return log2(largest) if 0 < largest < inf else (inf if largest else -inf)


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
    """Forward and backward in training mode."""
    where = f"torch at batch size {len(x)}"
    try:
        with training(module):
            x.requires_grad_(x.is_floating_point())
            found = module(x)
        outputs = found if isinstance(found, tuple) else (found,)
        floats = [o for o in outputs if o.is_floating_point() and o.requires_grad]
        if not floats:
            return f"{where}: no output has a gradient"
        sum(o.square().mean() for o in floats).backward()
    except REFUSALS as e:
        return f"{where}: {first_line(e)}"
    gradients = [p.grad for p in module.parameters() if p.grad is not None]
    module.zero_grad()
    return None if _are_finite(chain(outputs, gradients)) else f"{where}: not finite"


@contextmanager
def training(module: nn.Module, trains: bool = True) -> Iterator[None]:
    """A module in training mode, or at rest, and one seed for what it draws. A batch
    normalisation of one value a channel has no variance: there it uses its running statistics.
    """
    module.train(trains)
    norms = [part for part in module.modules() if isinstance(part, _BatchNorm)]
    handles = [p.register_forward_pre_hook(_freeze_single) for p in norms if trains]
    try:
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(0)
            yield
    finally:
        for handle in handles:
            handle.remove()


def _freeze_single(part: nn.Module, inputs: tuple[torch.Tensor, ...]) -> None:
    x = inputs[0]
    part.train(x.numel() > x.shape[1])


def _are_finite(tensors: Iterable[torch.Tensor]) -> bool:
    return all(bool(torch.isfinite(t).all()) for t in tensors if t.is_floating_point())


def first_line(error: Exception) -> str:
    """An error's message, cut."""
    return str(error).strip().splitlines()[0][:360] if str(error) else type(error).__name__

"""The judge of one vertex: does it run, given the tensors that flow into it?

ONNX's own shape inference answers at batch size 1, the operator's torch form on shapes alone
(the meta device) at batch size 2, and three checks see what both overlook.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from math import prod
from typing import Any

import torch
from torch import fx, nn

from pipeline.decode.repair.soundness import why_unsound
from pipeline.errors import InvalidNetwork, ModelError
from pipeline.graph.network import INPUT, OUTPUT, Operand, Shape, Vertex
from pipeline.operators.operands import Tensor, dtype_name
from pipeline.operators.registry import operator_of, torch_operator
from pipeline.operators.shapes import Layer, infer_layer
from pipeline.operators.to_torch import TorchLayer

MAX_ELEMENTS = 2**28  # of one tensor: a gigabyte
MAX_OUTPUTS = 512  # of one vertex
# What Python, torch and numpy raise for attributes that make no sense.
NONSENSE = (
    ArithmeticError, AssertionError, AttributeError, IndexError, KeyError, NotImplementedError,
    RuntimeError, TypeError, ValueError,
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Flow:
    """A tensor between vertices: its type, its shape at batch size 1 and at batch size 2."""

    dtype: int
    shape: Shape
    pair: Shape

    @property
    def elements(self) -> int:
        """At batch size 1."""
        return prod(self.shape)


@dataclass(frozen=True, slots=True)
class Verdict:
    """``reason`` is None for a vertex that runs: then its outputs, the number of its
    parameters and, roughly, of its multiplications are known."""

    reason: str | None
    outputs: tuple[Flow, ...] = ()
    parameters: int = 0
    work: int = 0


def judge(vertex: Vertex, flows: Sequence[Flow], outputs: int = 1) -> Verdict:
    """One vertex and the tensors of its operands -> whether it runs, and its outputs."""
    positions = [o.position for o in vertex.operands]
    if len(set(positions)) < len(positions):
        return Verdict(f"{vertex.operator}: two operands at one input")
    if vertex.operator == OUTPUT:
        if positions != list(range(len(positions))):
            return Verdict("outputs that are not numbered")
        return Verdict(None, tuple(flows)) if flows else Verdict("there is nothing to output")
    if not 0 < outputs <= MAX_OUTPUTS:
        return Verdict(f"{vertex.operator}: {outputs} outputs")
    # Vertices that differ in where their operands stand alone have one verdict; repr tells
    # 1 from 1.0.
    places = tuple(Operand(i, 0, o.position) for i, o in enumerate(vertex.operands))
    alike = Vertex(vertex.operator, vertex.attributes, places)
    return _judge(repr(alike.attributes), alike, tuple(flows), outputs)


@lru_cache(maxsize=16384)
def _judge(_: str, vertex: Vertex, flows: tuple[Flow, ...], outputs: int) -> Verdict:
    try:
        if vertex.operator != INPUT:
            torch_operator(vertex.operator)
        layer = infer_layer(0, vertex, [Tensor(f.dtype, f.shape) for f in flows], outputs)
        why = why_unsound(layer)
        if why is not None or not _has_own_weights(vertex, flows):
            return Verdict(why or f"{vertex.operator}: a weight that depends on the image")
        largest = max(prod(t.shape) for t in layer.outputs)
        if largest > MAX_ELEMENTS:
            return Verdict(f"{vertex.operator}: a tensor of {largest} elements")
        pairs = _run_on_shapes(layer, flows)
    except ModelError as e:
        return Verdict(e.detail)
    except NONSENSE as e:
        first = str(e).strip().splitlines()[:1]
        return Verdict(f"{vertex.operator}: {(first or [type(e).__name__])[0][:160]}")
    made = tuple(
        Flow(t.dtype, t.shape, pair) for t, pair in zip(layer.outputs, pairs, strict=True)
    )
    if any(_mixes_images(flow) for flow in made):
        return Verdict(f"{vertex.operator}: mixes the images of a batch")
    sizes = [prod(t.shape) for t in layer.parameters.values()]
    work = max(sizes, default=0) * prod(made[0].shape[2:]) if sizes else 0
    return Verdict(None, made, sum(sizes), work)


def _mixes_images(flow: Flow) -> bool:
    """Whether more than one axis grows with the batch."""
    grown = [two / one for one, two in zip(flow.shape, flow.pair, strict=True) if one != two]
    return len(grown) > 1 or grown not in ([], [2.0])


def _has_own_weights(vertex: Vertex, flows: Sequence[Flow]) -> bool:
    """Whether a layer's weights are the same for each image of a batch, and their number."""
    if vertex.operator in ("Conv", "ConvTranspose") and flows[0].pair[1] != flows[0].shape[1]:
        return False
    if vertex.operator == "Clip":  # ONNX's inference overlooks that bounds are scalars
        return all(
            o.position == 0 or flow.shape == ()
            for o, flow in zip(vertex.operands, flows, strict=True)
        )
    operator = operator_of(vertex.operator)
    weighted = operator is not None and dict(operator.torch_names)
    return (
        not weighted
        or vertex.operator == "Gemm"
        or all(
            o.position == 0 or flow.shape == flow.pair
            for o, flow in zip(vertex.operands, flows, strict=True)
        )
    )


def _run_on_shapes(layer: Layer, flows: Sequence[Flow]) -> list[Shape]:
    """Shapes of the outputs in torch at batch size 2. Raises whatever torch raises."""
    if layer.vertex.operator == INPUT:
        return [(2, *layer.outputs[0].shape[1:])]
    piece = Piece()
    nodes = [piece.graph.placeholder(f"x{i}") for i in range(len(flows))]
    with torch.device("meta"), torch.no_grad():
        built: Any = torch_operator(layer.vertex.operator).build(
            TorchLayer(piece, layer, nodes)  # type: ignore[arg-type]
        )
        many = isinstance(built, list)
        piece.graph.output(tuple(built) if many else (built,))
        _check_parameters(layer, piece.root)
        piece.root.to("meta")
        values = [torch.empty(f.pair, dtype=_torch_dtype(f.dtype)) for f in flows]
        results = fx.Interpreter(piece.root, graph=piece.graph).run(*values)
    for result, tensor in zip(results, layer.outputs, strict=True):
        if result.dtype != _torch_dtype(tensor.dtype) or result.dim() != len(tensor.shape):
            raise InvalidNetwork("torch", f"{layer.vertex.operator}: torch and ONNX disagree")
    return [tuple(result.shape) for result in results]


def _check_parameters(layer: Layer, root: nn.Module) -> None:
    """Whether the parameters of the torch form have the shapes of those in a file."""
    state = root.state_dict()
    for formal, tensor in layer.parameters.items():
        found = state.get(layer.parameter_name(formal))
        if found is not None and tuple(found.shape) != tensor.shape:
            raise InvalidNetwork(
                "parameters", f"{layer.vertex.operator}: {formal} cannot be {tensor.shape}"
            )


@dataclass
class Piece:
    """The one-vertex module that an operator's ``build`` adds to."""

    root: nn.Module = field(default_factory=nn.Module)
    graph: fx.Graph = field(default_factory=fx.Graph)


@lru_cache(maxsize=32)
def _torch_dtype(dtype: int) -> torch.dtype:
    return getattr(torch, dtype_name(dtype))

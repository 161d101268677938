"""The check of one vertex: does it run, given the tensors that it takes?

ONNX's own shape inference answers at batch size 1, the operator's torch form on shapes alone
(the meta device) at batch size 2. What both overlook, the operator's own check sees, and the
looks at its attributes, its types and the batch that are here.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from math import prod
from typing import Any

import torch
from torch import fx, nn

from pipeline.decode.repair.values import why_nonsense
from pipeline.errors import InvalidNetwork, ModelError
from pipeline.graph.network import INPUT, OUTPUT, Operand, Shape, Vertex
from pipeline.operators.operands import FLOAT, Tensor, dtype_name
from pipeline.operators.registry import torch_operator
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
class PairedShape:
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
    outputs: tuple[PairedShape, ...] = ()
    parameters: int = 0
    work: int = 0


def check(vertex: Vertex, tensors: Sequence[PairedShape], outputs: int = 1) -> Verdict:
    """One vertex and the tensors of its operands -> whether it runs, and its outputs."""
    positions = [o.position for o in vertex.operands]
    if len(set(positions)) < len(positions):
        return Verdict(f"{vertex.operator}: two operands at one input")
    if vertex.operator == OUTPUT:
        if positions != list(range(len(positions))):
            return Verdict("outputs that are not numbered")
        return Verdict(None, tuple(tensors)) if tensors else Verdict("nothing to output")
    if not 0 < outputs <= MAX_OUTPUTS:
        return Verdict(f"{vertex.operator}: {outputs} outputs")
    # Vertices that differ in where their operands stand alone have one verdict; repr tells
    # 1 from 1.0.
    places = tuple(Operand(i, 0, o.position) for i, o in enumerate(vertex.operands))
    alike = Vertex(vertex.operator, vertex.attributes, places)
    return _check_alike(repr(alike.attributes), alike, tuple(tensors), outputs)


@lru_cache(maxsize=16384)
def _check_alike(
    _: str, vertex: Vertex, tensors: tuple[PairedShape, ...], outputs: int
) -> Verdict:
    try:
        if vertex.operator != INPUT:
            torch_operator(vertex.operator)
        layer = infer_layer(0, vertex, [Tensor(t.dtype, t.shape) for t in tensors], outputs)
        why = why_unsound(layer)
        if why is not None:
            return Verdict(f"{vertex.operator}: {why}")
        largest = max(prod(t.shape) for t in layer.outputs)
        if largest > MAX_ELEMENTS:
            return Verdict(f"{vertex.operator}: a tensor of {largest} elements")
        pairs = _run_on_shapes(layer, tensors)
    except ModelError as e:
        return Verdict(e.detail)
    except NONSENSE as e:
        first = str(e).strip().splitlines()[:1]
        return Verdict(f"{vertex.operator}: {(first or [type(e).__name__])[0][:160]}")
    found = tuple(
        PairedShape(t.dtype, t.shape, pair)
        for t, pair in zip(layer.outputs, pairs, strict=True)
    )
    if any(_mixes_images(tensor) for tensor in found):
        return Verdict(f"{vertex.operator}: mixes the images of a batch")
    sizes = [prod(t.shape) for t in layer.parameters.values()]
    work = max(sizes, default=0) * prod(found[0].shape[2:]) if sizes else 0
    return Verdict(None, found, sum(sizes), work)


def why_unsound(layer: Layer) -> str | None:
    """Why a layer whose shapes agree does not run all the same; None where it does."""
    vertex = layer.vertex
    if vertex.operator == INPUT:
        return None if vertex.get("dtype") else "of no type"
    operator, values = torch_operator(vertex.operator), dict(vertex.attributes)
    axis, rank = values.get("axis"), len(layer.operands[0].shape)
    if isinstance(axis, int) and not -rank <= axis <= rank:
        return f"axis {axis} of {rank}"
    if values.get("axes") == ():
        return "of no axes"  # which ONNX Runtime takes for all of them
    if not operator.any_dtype and any(t.dtype != FLOAT for t in layer.operands):
        return "of numbers that are not float32"
    found = (why_nonsense(vertex.operator, values, name) for name in values)
    return next(filter(None, found), None) or operator.check(layer)


def _mixes_images(tensor: PairedShape) -> bool:
    """Whether more than one axis grows with the batch."""
    sizes = zip(tensor.shape, tensor.pair, strict=True)
    grown = [two / one for one, two in sizes if one != two]
    return len(grown) > 1 or grown not in ([], [2.0])


def _run_on_shapes(layer: Layer, tensors: Sequence[PairedShape]) -> list[Shape]:
    """Shapes of the outputs in torch at batch size 2. Raises whatever torch raises."""
    if layer.vertex.operator == INPUT:
        return [(2, *layer.outputs[0].shape[1:])]
    piece = Piece()
    nodes = [piece.graph.placeholder(f"x{i}") for i in range(len(tensors))]
    with torch.device("meta"), torch.no_grad():
        built: Any = torch_operator(layer.vertex.operator).build(
            TorchLayer(piece, layer, nodes)  # type: ignore[arg-type]
        )
        many = isinstance(built, list)
        piece.graph.output(tuple(built) if many else (built,))
        _check_parameters(layer, piece.root)
        piece.root.to("meta")
        values = [torch.empty(t.pair, dtype=_torch_dtype(t.dtype)) for t in tensors]
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

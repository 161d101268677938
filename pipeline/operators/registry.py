"""The operators this project can turn into torch modules, each with its whole story.

An operator that is not registered is still read, stored and written back unchanged: ONNX's
schema says all that takes. Registration adds what ONNX leaves implicit (defaults that depend
on rank, weights whose shapes follow from attributes) and the torch form.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from importlib import import_module
from typing import Any

from pipeline.errors import UnsupportedOperator
from pipeline.graph.network import Shape, Value

Values = dict[str, Value]
Shapes = dict[str, Shape]

FAMILIES = (
    "convolution", "linear", "pooling", "normalisation", "activation",
    "arithmetic", "reduction", "layout", "cropping", "resampling", "regularisation",
)  # fmt: skip


@dataclass(frozen=True)
class Example:
    """One use of an operator, tested against ONNX Runtime in both directions.

    ``inputs``: shapes of the data operands; ``parameters``: formal name -> shape of a weight;
    ``constants``: formal name -> value; ``attributes``: as in an ONNX file, defaults left out.
    """

    inputs: tuple[Shape, ...]
    attributes: Mapping[str, Any] = ()  # type: ignore[assignment]
    parameters: Mapping[str, Shape] = ()  # type: ignore[assignment]
    constants: Mapping[str, Any] = ()  # type: ignore[assignment]
    outputs: int = 1
    positive: bool = False  # draw positive input values (Sqrt, Log, Pow)


def _nothing(*_: Any) -> dict[str, Any]:
    return {}


@dataclass(frozen=True)
class Operator:
    """One operator: how its parameters and defaults follow from attributes, its torch form."""

    name: str
    build: Callable[..., Any]
    """(Layer) -> torch.fx nodes, one an output; see :mod:`pipeline.operators.to_torch`."""
    examples: tuple[Example, ...]
    fill: Callable[[Values, Shape, Shapes], Mapping[str, Value | None]] = _nothing
    """(attributes, shape of the first operand, shapes of all inputs by formal name; () for one
    that is left out) -> the defaults ONNX leaves to the rank, and attributes brought to their
    one form (auto_pad -> pads); None removes one."""
    summarise: Callable[[Shapes, Values], Values] = _nothing
    """(shapes of the parameters, attributes) -> attributes that stand for the parameters
    (out_channels, bias)."""
    parameters: Callable[[Values, Shape], Shapes] = _nothing
    """(attributes, shape of the first operand) -> shapes of the parameters, by formal name."""
    torch_names: Mapping[str, str] = ()  # type: ignore[assignment]
    """Formal name of a parameter -> its name in the torch module (``W`` -> ``weight``)."""
    outputs: Callable[[Values], int] | None = None
    """Attributes -> number of outputs, for the operators that have several (Split)."""
    drop: tuple[str, ...] = ()
    """Attributes that are spelling or mode, not architecture (storage_order)."""
    paper: bool = False
    """Whether it is one of the 20 operators of the paper."""

    def __post_init__(self) -> None:
        if not self.examples:
            raise ValueError(f"{self.name}: no operator registers without its own test")


_REGISTRY: dict[str, Operator] = {}


def register(operator: Operator) -> Operator:
    """Add one operator. Raises ValueError for a name that is taken."""
    if operator.name in _REGISTRY:
        raise ValueError(f"{operator.name} is registered twice")
    _REGISTRY[operator.name] = operator
    return operator


@lru_cache(maxsize=1)
def registered() -> Mapping[str, Operator]:
    """All registered operators by name."""
    for family in FAMILIES:
        import_module(f"pipeline.operators.{family}")
    return _REGISTRY


def operator_of(name: str) -> Operator | None:
    """The registered operator, or None for one that is only read and written."""
    return registered().get(name)


def torch_operator(name: str) -> Operator:
    """The registered operator. Raises UnsupportedOperator naming it when there is none."""
    operator = operator_of(name)
    if operator is None:
        raise UnsupportedOperator("unsupported_operator", f"{name} has no torch form here")
    return operator

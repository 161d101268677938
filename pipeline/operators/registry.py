"""The operators this project can turn into torch modules, each with its whole story.

An operator that is not registered is still read, stored and written back unchanged: ONNX's
schema says all that takes. Registration adds what ONNX leaves implicit (defaults that depend
on rank, weights whose shapes follow from attributes) and the torch form.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
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
    attributes: Mapping[str, Any] = field(default_factory=dict)
    parameters: Mapping[str, Shape] = field(default_factory=dict)
    constants: Mapping[str, Any] = field(default_factory=dict)
    outputs: int = 1
    positive: bool = False  # draw positive input values (Sqrt, Log, Pow)


def _nothing(*_: Any) -> dict[str, Any]:
    return {}


def _nothing_wrong(_: Any) -> str | None:
    return None


@dataclass(frozen=True)
class Operator:
    """One operator: how its parameters and defaults follow from attributes, its torch form,
    and all that other rooms ask about it. Nobody else keeps a list of operators."""

    name: str
    build: Callable[..., Any]
    """(Layer) -> torch.fx nodes, one an output; see :mod:`pipeline.operators.to_torch`."""
    examples: tuple[Example, ...]
    fill: Callable[[Values, Shape, Shapes], Mapping[str, Value | None]] = _nothing
    """(attributes, shape of the first operand, shapes of all inputs by formal name; () for one
    that is left out) -> the defaults ONNX leaves to the rank, and attributes brought to their
    one form (auto_pad -> pads); None removes one."""
    drop: tuple[str, ...] = ()
    """Attributes that are spelling or mode, not architecture (storage_order)."""
    of_other_outputs: tuple[str, ...] = ()
    """Attributes about outputs beyond the first: they say nothing where that alone is used."""
    outputs: Callable[[Values], int] | None = None
    """Attributes -> number of outputs, for the operators that have several (Split)."""
    paper: bool = False
    """Whether it is one of the 20 operators of the paper."""

    # its weights
    parameters: Callable[[Values, Shape], Shapes] = _nothing
    """(attributes, shape of the first operand) -> shapes of the parameters, by formal name."""
    torch_names: Mapping[str, str] = field(default_factory=dict)
    """Formal name of a parameter -> its name in the torch module (``W`` -> ``weight``)."""
    summarise: Callable[[Shapes, Values], Values] = _nothing
    """(shapes of the parameters, attributes) -> attributes that stand for the parameters."""
    summary: tuple[str, ...] = ()
    """The names of those attributes (out_channels, bias)."""
    width: str = ""
    """The one of them that is the number of channels, or of features, that come out."""
    affine: tuple[str, ...] = ()
    """Formal names of a scale and a shift that a file leaves out by saying one and zero."""
    initial: Mapping[str, float] = field(default_factory=dict)
    """Formal name of a parameter -> where it starts, if not at 0 or as a random matrix."""

    # its inputs: all but parameters and these are tensors that flow
    structural: tuple[str, ...] = ()
    """Formal inputs that shape the computation (Reshape's shape, Clip's limits): their values
    are architecture, whatever their type."""
    target: str = ""
    """The structural input that is a shape, batch first."""
    formerly: str = ""
    """The name that older opsets have for it, with inputs in the same places."""

    # what it computes
    elementwise: bool = False
    """Whether its operands broadcast and each element of the output follows from those at its
    place alone."""
    keeps_channels: bool = False
    """Whether as many channels come out as go in, whatever their number."""
    spatial: bool = False
    """Whether it slides over the axes after the first two, which are batch and channels."""
    any_dtype: bool = False
    """Whether ONNX Runtime computes it of other types than float32 too."""
    differentiable: bool = True
    """Whether a gradient flows back through it."""
    positive: tuple[str, ...] = ()
    """Formal inputs that give finite values, and gradients, where they are positive."""
    exponents: tuple[str, ...] = ()
    """Formal inputs that stand in an exponent."""
    delicate: bool = False
    """Whether finite values may give others, or such gradients, besides."""

    macs: Callable[[Shapes, Shape], int] | None = None
    """(shapes of all inputs by formal name, shape of the first output) -> multiplications that
    are added up, for matrix products."""

    # which attributes it may have
    usual: Callable[[Shape], Values] = _nothing
    """Shape of the first operand -> values of attributes that ONNX has no default for."""
    choices: Mapping[str, tuple[Value, ...]] = field(default_factory=dict)
    """Attribute -> its possible values, where they are few."""
    ranges: Mapping[str, tuple[float, float]] = field(default_factory=dict)
    """Attribute -> the least and the largest float it may be, where those are not any."""
    check: Callable[[Any], str | None] = _nothing_wrong
    """(:class:`~pipeline.operators.shapes.Layer`) -> why it does not run although shape
    inference has nothing against it; None where it does."""

    def __post_init__(self) -> None:
        if not self.examples:
            raise ValueError(f"{self.name}: no operator registers without its own test")

    @property
    def may_fail(self) -> bool:
        """Whether it may give numbers that are not finite where its operands are."""
        return bool(self.positive or self.exponents or self.delicate)


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

"""The exact, immutable, attributed graph of one architecture."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

from pipeline.errors import InvalidNetwork
from pipeline.graph.fingerprint import fingerprint

if TYPE_CHECKING:
    from pipeline.program.program import Program

Value = int | float | str | tuple[int, ...] | tuple[float, ...] | tuple[str, ...]
Attributes = tuple[tuple[str, Value], ...]
Shape = tuple[int, ...]

INPUT, OUTPUT = "Input", "Output"


@dataclass(frozen=True, slots=True)
class Operand:
    """Where one input of a vertex comes from: output slot ``output`` of vertex ``source``.

    ``position`` is the ONNX input index it fills; the positions between are parameters,
    constants or absent, and stand among the attributes.
    """

    source: int
    output: int = 0
    position: int = 0


@dataclass(frozen=True, slots=True)
class Edge:
    """One tensor flowing from a vertex's output slot to another's operand position."""

    source: int
    output: int
    target: int
    operand: int


@dataclass(frozen=True, slots=True)
class Vertex:
    """One layer or operation: its ONNX operator, typed attributes sorted by name, operands."""

    operator: str
    attributes: Attributes = ()
    operands: tuple[Operand, ...] = ()

    def get(self, name: str, default: Value | None = None) -> Value | None:
        """The value of attribute ``name``, or ``default``."""
        return next((value for key, value in self.attributes if key == name), default)


@dataclass(frozen=True, eq=False)
class Network:
    """A connected directed acyclic graph with one source and one sink, in canonical order.

    ``vertices[0]`` is the Input, ``vertices[-1]`` the Output, and every operand comes before
    the vertex that uses it. Two networks are equal when their fingerprints are.
    Build one with :func:`pipeline.graph.canonical.canonicalise`.
    """

    vertices: tuple[Vertex, ...]

    def __post_init__(self) -> None:
        if len(self.vertices) < 2:
            raise InvalidNetwork("too_small", "a network has at least an Input and an Output")
        if self.vertices[0].operator != INPUT or self.vertices[-1].operator != OUTPUT:
            raise InvalidNetwork("no_source_or_sink", "a network runs from Input to Output")
        for index, vertex in enumerate(self.vertices):
            if bool(index) == (not vertex.operands):
                raise InvalidNetwork(
                    "several_sources", f"vertex {index} ({vertex.operator}) is a second source"
                )
            if any(not 0 <= operand.source < index for operand in vertex.operands):
                raise InvalidNetwork("cycle", f"vertex {index} uses a vertex that comes later")

    @cached_property
    def fingerprint(self) -> str:
        """Hash of the canonical form, 32 hexadecimal digits."""
        return fingerprint(self)

    @cached_property
    def design(self) -> str:
        """Fingerprint of the inference form: equal for networks that exporters spell
        differently. Raises InvalidNetwork where shapes disagree."""
        from pipeline.design.design import design_fingerprint  # a later room: only when asked

        return design_fingerprint(self)

    @cached_property
    def program(self) -> Program:
        """The network as a short list of instructions and repeats; ``program.network()`` is
        this network again."""
        from pipeline.program.program import Program  # a later room: only when asked

        return Program.of(self)

    @property
    def edges(self) -> Iterator[Edge]:
        """All edges, ordered by target and operand position."""
        for target, vertex in enumerate(self.vertices):
            for operand in vertex.operands:
                yield Edge(operand.source, operand.output, target, operand.position)

    def __len__(self) -> int:
        return len(self.vertices)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Network) and self.fingerprint == other.fingerprint

    def __hash__(self) -> int:
        return hash(self.fingerprint)

    def __repr__(self) -> str:
        return f"Network({self.fingerprint[:12]}, {len(self)} vertices)"

"""Vertices <-> instructions, one each, exactly: the program before anything is repeated."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import count, islice

from pipeline.errors import UnsupportedOperator
from pipeline.graph.network import INPUT, OUTPUT, Network, Operand, Vertex
from pipeline.operators.schema import position_of
from pipeline.program.instruction import Instruction
from pipeline.program.operands import OperandReader, OperandWriter
from pipeline.program.widths import OUT, Widths, read_value, spell_value


def spell(network: Network) -> list[Instruction]:
    """A network -> an instruction a vertex, in canonical order."""
    operands, widths = OperandWriter(), Widths()
    written = []
    for vertex in network.vertices:
        inputs = [widths.of(o.source, o.output) for o in vertex.operands]
        width = inputs[0] if inputs else 1
        attributes = tuple(
            (
                name,
                widths.spell_own(value, width)
                if name in OUT and type(value) is int
                else spell_value(name, value, width),
            )
            for name, value in vertex.attributes
        )
        positions = tuple(o.position for o in vertex.operands)
        usual = positions == free_positions(
            vertex.operator, [name for name, _ in vertex.attributes], len(positions)
        )
        written.append(
            Instruction(
                vertex.operator,
                attributes,
                operands.write(vertex),
                None if usual else positions,
            )
        )
        widths.add(inputs, dict(vertex.attributes))
    return written


def read(instructions: Iterable[Instruction]) -> list[Vertex]:
    """Instructions -> vertices. Any give some; whether they make a network, repair says."""
    reader = Reader()
    return [reader.read(instruction) for instruction in instructions]


class Reader:
    """Instruction after instruction -> vertices."""

    def __init__(self) -> None:
        self._operands, self._widths = OperandReader(), Widths()

    def copy(self) -> Reader:
        """Another one that has read the same."""
        other = Reader()
        other._operands, other._widths = self._operands.copy(), self._widths.copy()
        return other

    @property
    def open(self) -> int:
        """How many vertices nothing has taken from the stack so far."""
        return self._operands.open

    def read(self, instruction: Instruction) -> Vertex:
        """The vertex that the next instruction says."""
        sources = self._operands.read(instruction.operands)
        inputs = [self._widths.of(*source) for source in sources]
        width = inputs[0] if inputs else 1
        attributes = {
            name: self._widths.read_own(value, width)  # type: ignore[arg-type]
            if name in OUT and not isinstance(value, float | str | tuple)
            else read_value(value, width)
            for name, value in instruction.attributes
        }
        places = instruction.positions or ()
        if len(places) != len(sources):
            places = free_positions(instruction.operator, list(attributes), len(sources))
        placed = (Operand(v, s, p) for (v, s), p in zip(sources, places, strict=True))
        self._widths.add(inputs, attributes)
        return Vertex(instruction.operator, tuple(attributes.items()), tuple(placed))


def free_positions(operator: str, attributes: Sequence[str], operands: int) -> tuple[int, ...]:
    """The lowest ONNX inputs that no constant and no spelled parameter fills."""
    taken = {_position(operator, name.partition(".")[0]) for name in attributes}
    return tuple(islice((p for p in count() if p not in taken), operands))


def _position(operator: str, name: str) -> int | None:
    if operator in (INPUT, OUTPUT):
        return None
    try:
        return position_of(operator, name)
    except UnsupportedOperator:  # a draft may name what is no operator
        return None

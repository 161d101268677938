"""The beginning of a network, line by line: what a decoder may write next, and what not.

A line that fits no network is known as soon as it stands: it takes more from the stack than
lies there, or its shapes do not agree with those before it. So a decoder can be asked for
another line there and then.
"""

from __future__ import annotations

from collections.abc import Iterator

from pipeline.decode.repair.check import NONSENSE
from pipeline.errors import ModelError
from pipeline.graph.network import INPUT, Vertex
from pipeline.operators.operands import Tensor
from pipeline.operators.shapes import infer_tensors, least_outputs
from pipeline.program.instruction import Instruction, Kind, Line
from pipeline.program.spell import Reader

LARGEST = 20_000  # vertices


class Prefix:
    """Lines that may begin a network; see the module. Not to be changed: :meth:`after` gives
    another."""

    def __init__(self) -> None:
        self._said: list[Instruction] = []
        self._vertices: list[Vertex] = []
        self._outputs: list[tuple[Tensor, ...]] = []
        self._reader = Reader()

    def after(self, line: Line) -> Prefix | None:
        """With one line more; None where no network goes on like that."""
        longer = Prefix()
        longer._said, longer._outputs = self._said[:], self._outputs[:]
        longer._vertices, longer._reader = self._vertices[:], self._reader.copy()
        try:
            fits = all(longer._add(instruction) for instruction in self._read(line))
        except (ModelError, *NONSENSE):
            return None
        return longer if fits else None

    def _read(self, line: Line) -> Iterator[Instruction]:
        if isinstance(line, Instruction):
            yield line
            return
        if not 0 < line.length <= len(self._said) or not 0 < line.covers <= LARGEST:
            raise ValueError("a repeat of nothing, or of more than there is")
        for place in range(line.covers):
            yield self._said[len(self._said) - line.length + place % line.length]

    def _add(self, instruction: Instruction) -> bool:
        """One instruction more, if it fits."""
        index = len(self._vertices)
        if (index == 0) != (instruction.operator == INPUT) or index >= LARGEST:
            return False
        taken = sum(s.number for s in instruction.operands if s.kind is Kind.FRESH)
        if taken > self._reader.open:
            return False
        vertex = self._reader.read(instruction)
        if bool(index) != bool(vertex.operands):
            return False
        operands = tuple(self._tensor(o.source, o.output) for o in vertex.operands)
        outputs, _, _ = infer_tensors(vertex, operands, least_outputs(vertex))
        self._said.append(instruction)
        self._vertices.append(vertex)
        self._outputs.append(outputs)
        return True

    def _tensor(self, source: int, slot: int) -> Tensor:
        """What flows from a vertex's output: of those that not all vertices of its operator
        have, the first time that it is asked for."""
        if slot >= len(self._outputs[source]):
            vertex = self._vertices[source]
            operands = tuple(self._outputs[o.source][o.output] for o in vertex.operands)
            self._outputs[source], _, _ = infer_tensors(vertex, operands, slot + 1)
        return self._outputs[source][slot]

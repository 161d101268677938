"""The program of a network: exact both ways, linear in its size."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

from pipeline.graph.network import Network, Vertex
from pipeline.program.instruction import Line
from pipeline.program.repeats import expand, parse
from pipeline.program.spell import read, spell


@dataclass(frozen=True)
class Program:
    """A network, or any draft of one, as lines: instructions and repeats."""

    lines: tuple[Line, ...]

    @classmethod
    def of(cls, network: Network) -> Program:
        """A network -> its program; :meth:`network` gives the very same network back."""
        return cls(tuple(parse(spell(network))))

    @cached_property
    def draft(self) -> tuple[Vertex, ...]:
        """The vertices that the lines say. Any lines say some; raises InvalidNetwork where
        they would be more than a million."""
        return tuple(read(expand(self.lines)))

    def network(self) -> Network:
        """The network. Raises InvalidNetwork when the draft is none."""
        return Network(self.draft)

    def __len__(self) -> int:
        return len(self.lines)

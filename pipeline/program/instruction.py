"""What a program is made of: literal instructions, repeats, and numbers relative to widths.

An :class:`Instruction` is one vertex, spelled so that alike layers of different stages are the
same word: widths relative to the operand's or to the last ones, operands relative to the stack
of a post-order walk. A :class:`Repeat` says lines again. Whatever list of lines there is reads
as some list of vertices (:mod:`pipeline.program.spell`).
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum

from pipeline.graph.network import Value


@dataclass(frozen=True, slots=True)
class Ratio:
    """The width of the first operand, times ``numerator / denominator``."""

    numerator: int
    denominator: int

    def __repr__(self) -> str:
        times = "C" if self.numerator == 1 else f"{self.numerator}C"
        return times if self.denominator == 1 else f"{times}/{self.denominator}"


@dataclass(frozen=True, slots=True)
class Recent:
    """The ``rank``-th of the last distinct widths that layers were given, 0 the latest."""

    rank: int

    def __repr__(self) -> str:
        return "=" if self.rank == 0 else f"={self.rank}"


@dataclass(frozen=True, slots=True)
class Filled:
    """``count`` equal numbers."""

    value: int | float
    count: int | Ratio

    def __repr__(self) -> str:
        return f"{self.value!r}*{self.count!r}"


Number = int | Ratio | Recent
Spelled = Value | Number | Filled | tuple[Number, ...]


class Kind(IntEnum):
    """How an operand is named: see :mod:`pipeline.program.operands`."""

    FRESH, BACK, EVEN, LIKE = range(4)


@dataclass(frozen=True, slots=True)
class Symbol:
    """One or several operands: ``number`` is a count (FRESH, EVEN) or a distance (BACK, LIKE),
    ``slot`` the output of the source that flows."""

    kind: Kind
    number: int
    slot: int = 0

    def __repr__(self) -> str:
        mark = {Kind.FRESH: "^", Kind.BACK: "-", Kind.EVEN: "..", Kind.LIKE: "like -"}[
            self.kind
        ]
        number = "" if self.kind is Kind.FRESH and self.number == 1 else str(self.number)
        return f"{mark}{number}" + (f":{self.slot}" if self.slot else "")


TOP = (Symbol(Kind.FRESH, 1),)  # the last vertex, the commonest operand


@dataclass(frozen=True, slots=True)
class Instruction:
    """One vertex: operator, attributes sorted by name, operands.

    ``positions``: the ONNX inputs that the operands fill, where they are not simply those that
    no constant and no parameter fills.
    """

    operator: str
    attributes: tuple[tuple[str, Spelled], ...] = ()
    operands: tuple[Symbol, ...] = TOP
    positions: tuple[int, ...] | None = None


@dataclass(frozen=True, slots=True)
class Repeat:
    """The last ``length`` instructions again: ``times`` times all of them, then the first
    ``rest`` of them. What earlier repeats said counts as said."""

    length: int
    times: int
    rest: int = 0

    @property
    def covers(self) -> int:
        """The number of instructions that it stands for."""
        return self.times * self.length + self.rest


Line = Instruction | Repeat

"""The vocabulary of a codec: which classes each kind of token has, by what training saw."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import accumulate
from random import Random
from typing import Any

import onnx

from pipeline.compress.grammar import Unsure, Word, read_lines, split_word, write_lines
from pipeline.compress.tokens import (
    DIRECT,
    FIRST_WORD,
    MINUS,
    OTHER_ATTRIBUTE,
    Field,
    Token,
    Type,
)
from pipeline.graph.network import INPUT, OUTPUT
from pipeline.operators.registry import registered
from pipeline.operators.schema import OPSET
from pipeline.program.instruction import (
    Filled,
    Instruction,
    Kind,
    Line,
    Ratio,
    Recent,
    Symbol,
)

FIRST = {Field.WORD: FIRST_WORD, Field.ATTRIBUTE: OTHER_ATTRIBUTE + 1}  # others: 1, an escape
LISTED = (
    Field.WORD, Field.WIDTH, Field.OPERANDS, Field.OPERATOR, Field.ATTRIBUTE, Field.VALUE,
)  # fmt: skip
FIXED = {
    **{field: direct + 1 for field, direct in DIRECT.items()},
    Field.TYPE: len(Type),
    Field.SYMBOL: len(Kind) + 1,
    Field.DIGIT: MINUS + 1,
}


@dataclass(frozen=True)
class Vocabulary:
    """What is one token, by kind of token, commonest first."""

    entries: dict[Field, tuple[Any, ...]]

    @classmethod
    def of(cls, programs: Iterable[Sequence[Line]], least: int = 2) -> Vocabulary:
        """The words, widths, operands and values that occur in ``least`` programs at least."""
        counts: dict[Field, Counter[str]] = {field: Counter() for field in LISTED}
        spelled: dict[str, Any] = {}
        for lines in programs:
            found: dict[Field, dict[str, Any]] = {field: {} for field in LISTED}
            for line in lines:
                if isinstance(line, Instruction):
                    _note(line, found)
            for field, items in found.items():
                counts[field].update(items.keys())
                spelled |= items
        entries = {
            field: tuple(
                spelled[key]
                for key, count in sorted(c.items(), key=lambda e: (-e[1], e[0]))
                if count >= least
            )
            for field, c in counts.items()
        }
        entries[Field.OPERATOR] = operator_names()
        return cls(entries)

    @cached_property
    def sizes(self) -> dict[Field, int]:
        """The number of classes of each kind."""
        listed = {f: FIRST.get(f, 1) + len(self.entries[f]) for f in LISTED}
        return {field: (listed | FIXED)[field] for field in Field}

    @cached_property
    def offsets(self) -> dict[Field, int]:
        """Where the classes of each kind begin when all are numbered through."""
        starts = accumulate((self.sizes[field] for field in Field), initial=0)
        return dict(zip(Field, starts, strict=False))

    @property
    def size(self) -> int:
        """The number of all classes of all kinds."""
        return sum(self.sizes.values())

    @cached_property
    def _index(self) -> dict[tuple[Field, str], int]:
        return {
            (field, repr(entry)): FIRST.get(field, 1) + i
            for field, entries in self.entries.items()
            for i, entry in enumerate(entries)
        }

    def find(self, field: Field, value: Any) -> int | None:
        """The class of a value, None for one that has none."""
        return self._index.get((field, repr(value)))

    def at(self, field: Field, token: int) -> Any:
        """The value of a class."""
        return self.entries[field][token - FIRST.get(field, 1)]

    def numbers(self, lines: Sequence[Line]) -> list[int]:
        """Lines -> tokens, numbered through all kinds."""
        return self._numbered(write_lines(lines, self))

    def spelled_out(self, lines: Sequence[Line], random: Random) -> list[int]:
        """:meth:`numbers`, a few of the known entries spelled out."""
        return self._numbered(write_lines(lines, Unsure(self, random)))

    def _numbered(self, tokens: Iterable[Token]) -> list[int]:
        return [self.offsets[field] + token for field, token in tokens]

    def lines(self, numbers: Iterable[int]) -> list[Line]:
        """The inverse of :meth:`numbers`."""
        reading = read_lines(self)
        field = next(reading)
        for number in numbers:
            try:
                field = reading.send(int(number) - self.offsets[field])
            except StopIteration as end:
                return end.value
        raise ValueError("the tokens of a program end with those of its Output")

    def to_json(self) -> dict[str, list[Any]]:
        """As a card holds it."""
        return {f.name.lower(): [_to_json(e) for e in es] for f, es in self.entries.items()}

    @classmethod
    def from_json(cls, plain: dict[str, list[Any]]) -> Vocabulary:
        """The inverse of :meth:`to_json`. Raises KeyError, TypeError or ValueError."""
        return cls({f: tuple(_from_json(e) for e in plain[f.name.lower()]) for f in LISTED})


def operator_names() -> tuple[str, ...]:
    """Every operator a vertex can have: ONNX's own, sorted, and the two ends of a network."""
    schemas = onnx.defs.get_all_schemas_with_history()
    known = {s.name for s in schemas if s.domain == "" and s.since_version <= OPSET}
    return (INPUT, OUTPUT, *sorted(known | registered().keys()))


def _note(line: Instruction, found: dict[Field, dict[str, Any]]) -> None:
    word, width = split_word(line)
    found[Field.WORD][repr(word)] = word
    found[Field.OPERANDS][repr(line.operands)] = line.operands
    if width is not None:
        found[Field.WIDTH][repr(width)] = width
    for name, value in word.attributes:
        found[Field.ATTRIBUTE][name] = name
        found[Field.VALUE][repr(value)] = value
        for element in value if isinstance(value, tuple) else ():
            found[Field.VALUE][repr(element)] = element


# Values as JSON: numbers and text are themselves, all else is a list with its kind first.
def _to_json(value: Any) -> Any:
    match value:
        case Word(operator, attributes, positions):
            pairs = [[name, _to_json(v)] for name, v in attributes]
            return ["word", operator, pairs, None if positions is None else list(positions)]
        case Ratio(numerator, denominator):
            return ["ratio", numerator, denominator]
        case Recent(rank):
            return ["recent", rank]
        case Filled(number, count):
            return ["filled", number, _to_json(count)]
        case Symbol(kind, number, slot):
            return ["symbol", int(kind), number, slot]
        case tuple():
            return ["tuple", *map(_to_json, value)]
    return value


def _from_json(plain: Any) -> Any:
    match plain:
        case ["word", str(operator), list(pairs), positions]:
            attributes = tuple((str(name), _from_json(v)) for name, v in pairs)
            return Word(operator, attributes, positions and tuple(positions))
        case ["ratio", int(numerator), int(denominator)]:
            return Ratio(numerator, denominator)
        case ["recent", int(rank)]:
            return Recent(rank)
        case ["filled", int() | float() as number, count]:
            return Filled(number, _from_json(count))
        case ["symbol", int(kind), int(number), int(slot)]:
            return Symbol(Kind(kind), number, slot)
        case ["tuple", *elements]:
            return tuple(map(_from_json, elements))
        case int() | float() | str():
            return plain
    raise ValueError(f"{plain!r} is no entry of a vocabulary")

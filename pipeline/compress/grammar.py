"""Lines of a program <-> tokens: what the codecs of whole networks read and write.

A token is a class of some kind; which kind comes next follows from the tokens before, so a
model only ever chooses among classes that mean something there, and any choice reads as some
line. Words, widths, operands and values that the vocabulary has are one token; all others are
spelled out in numbers that delimit themselves, so there is no unknown word.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from random import Random
from typing import TYPE_CHECKING, Any

from pipeline.compress.numerals import (
    read_float,
    read_number,
    read_text,
    write_float,
    write_number,
    write_text,
)
from pipeline.compress.tokens import (
    DEEPEST,
    DIRECT,
    END_ATTRIBUTES,
    END_SYMBOLS,
    ESCAPE,
    LONGEST_TUPLE,
    OTHER_ATTRIBUTE,
    POSITIONS,
    REPEAT,
    SPELLED,
    Field,
    Reading,
    Token,
    Type,
)
from pipeline.graph.network import OUTPUT
from pipeline.program.instruction import (
    Filled,
    Instruction,
    Kind,
    Line,
    Ratio,
    Recent,
    Repeat,
    Spelled,
    Symbol,
)
from pipeline.program.widths import OUT

if TYPE_CHECKING:
    from pipeline.compress.vocabulary import Vocabulary

OWN = Recent(0)  # stands in a word for the width that follows it


@dataclass(frozen=True, slots=True)
class Word:
    """An instruction without its own width and its operands."""

    operator: str
    attributes: tuple[tuple[str, Spelled], ...]
    positions: tuple[int, ...] | None

    @property
    def has_width(self) -> bool:
        return any(name in OUT and value == OWN for name, value in self.attributes)


def split_word(instruction: Instruction) -> tuple[Word, Any]:
    """An instruction -> its word, and its own width or None."""
    width = None
    attributes = []
    for name, value in instruction.attributes:
        if name in OUT and isinstance(value, int | Ratio | Recent) and width is None:
            width, value = value, OWN
        attributes.append((name, value))
    return Word(instruction.operator, tuple(attributes), instruction.positions), width


OVERLOOKED = {Field.WORD: 0.06, Field.VALUE: 0.1, Field.WIDTH: 0.03, Field.OPERANDS: 0.02}


class Unsure:
    """A vocabulary of which now and then an entry is overlooked: what it writes is spelled out
    instead. Training on this teaches a model to spell what no vocabulary will have."""

    def __init__(self, vocabulary: Vocabulary, random: Random) -> None:
        self._vocabulary, self._random = vocabulary, random

    def find(self, field: Field, value: Any) -> int | None:
        """The class of a value, None for one that has none or is overlooked."""
        if self._random.random() < OVERLOOKED.get(field, 0):
            return None
        return self._vocabulary.find(field, value)


def write_lines(lines: Sequence[Line], vocabulary: Vocabulary | Unsure) -> Iterator[Token]:
    """Lines -> tokens."""
    for line in lines:
        if isinstance(line, Repeat):
            yield Field.WORD, REPEAT
            yield from _write_direct(Field.LENGTH, line.length)
            yield from _write_direct(Field.TIMES, line.times)
            yield from _write_direct(Field.REST, line.rest)
        else:
            word, width = split_word(line)
            known = vocabulary.find(Field.WORD, word)
            if known is None:
                yield Field.WORD, SPELLED
                yield from _write_word(word, vocabulary)
            else:
                yield Field.WORD, known
            if width is not None:
                yield from _write_known(Field.WIDTH, width, vocabulary)
            yield from _write_operands(line.operands, vocabulary)


def read_lines(vocabulary: Vocabulary, lines: list[Line] | None = None) -> Reading:
    """The inverse: a generator that yields the kind of the next token and is sent its class;
    it returns the lines once an Output has been read. It goes on with ``lines``, to which it
    adds each as soon as it is read."""
    lines = [] if lines is None else lines
    while True:
        token = yield Field.WORD
        if token == REPEAT:
            length = yield from _read_direct(Field.LENGTH)
            times = yield from _read_direct(Field.TIMES)
            rest = yield from _read_direct(Field.REST)
            lines.append(Repeat(length, times, rest))
            continue
        if token == SPELLED:
            word = yield from _read_word(vocabulary)
        else:
            word = vocabulary.at(Field.WORD, token)
        attributes = word.attributes
        if word.has_width:
            width = yield from _read_known(Field.WIDTH, vocabulary)
            attributes = tuple(
                (name, width if name in OUT and value == OWN else value)
                for name, value in attributes
            )
        operands = yield from _read_operands(vocabulary)
        lines.append(Instruction(word.operator, attributes, operands, word.positions))
        if word.operator == OUTPUT:
            return lines


def _write_word(word: Word, vocabulary: Vocabulary | Unsure) -> Iterator[Token]:
    operator = vocabulary.find(Field.OPERATOR, word.operator)
    yield Field.OPERATOR, ESCAPE if operator is None else operator
    if operator is None:
        yield from write_text(word.operator)
    for name, value in word.attributes:
        known = vocabulary.find(Field.ATTRIBUTE, name)
        yield Field.ATTRIBUTE, OTHER_ATTRIBUTE if known is None else known
        if known is None:
            yield from write_text(name)
        yield from _write_known(Field.VALUE, value, vocabulary)
    if word.positions is not None:
        yield Field.ATTRIBUTE, POSITIONS
        yield from _write_known(Field.VALUE, word.positions, vocabulary)
    yield Field.ATTRIBUTE, END_ATTRIBUTES


def _read_word(vocabulary: Vocabulary) -> Reading:
    token = yield Field.OPERATOR
    if token == ESCAPE:
        operator = yield from read_text()
    else:
        operator = vocabulary.at(Field.OPERATOR, token)
    attributes: dict[str, Spelled] = {}
    positions = None
    while (token := (yield Field.ATTRIBUTE)) != END_ATTRIBUTES:
        if token == POSITIONS:
            value = yield from _read_known(Field.VALUE, vocabulary)
            positions = value if _are_positions(value) else None
            continue
        if token == OTHER_ATTRIBUTE:
            name = yield from read_text()
        else:
            name = vocabulary.at(Field.ATTRIBUTE, token)
        attributes[name] = yield from _read_known(Field.VALUE, vocabulary)
    return Word(operator, tuple(sorted(attributes.items())), positions)


def _are_positions(value: Spelled) -> bool:
    return isinstance(value, tuple) and all(type(v) is int and v >= 0 for v in value)


def _write_known(
    field: Field, value: Spelled, vocabulary: Vocabulary | Unsure
) -> Iterator[Token]:
    known = vocabulary.find(field, value)
    yield field, ESCAPE if known is None else known
    if known is None:
        yield from _write_value(value, vocabulary)


def _read_known(field: Field, vocabulary: Vocabulary, depth: int = 0) -> Reading:
    token = yield field
    if token != ESCAPE:
        return vocabulary.at(field, token)
    return (yield from _read_value(vocabulary, depth))


def _write_value(value: Spelled, vocabulary: Vocabulary | Unsure) -> Iterator[Token]:
    match value:
        case bool():
            raise TypeError(f"{value!r} is no attribute value")
        case int():
            yield Field.TYPE, Type.INT
            yield from write_number(value)
        case float():
            yield from write_float(value)
        case str():
            yield Field.TYPE, Type.TEXT
            yield from write_text(value)
        case Ratio(numerator, denominator):
            yield Field.TYPE, Type.RATIO
            yield from write_number(numerator)
            yield from write_number(denominator)
        case Recent(rank):
            yield Field.TYPE, Type.RECENT
            yield from write_number(rank)
        case Filled(number, count):
            yield Field.TYPE, Type.FILLED
            yield from _write_known(Field.VALUE, number, vocabulary)
            yield from _write_known(Field.VALUE, count, vocabulary)
        case tuple():
            yield Field.TYPE, Type.TUPLE
            yield from write_number(len(value))
            for element in value:
                yield from _write_known(Field.VALUE, element, vocabulary)


def _read_value(vocabulary: Vocabulary, depth: int) -> Reading:
    kind = yield Field.TYPE
    if depth > DEEPEST:
        return 0
    if kind in (Type.FLOAT, Type.SINGLE, Type.ROOT):
        return (yield from read_float(kind))
    if kind in (Type.INT, Type.RECENT):
        number = yield from read_number()
        bounded = max(-(2**63), min(number, 2**63 - 1))
        return bounded if kind == Type.INT else Recent(min(abs(bounded), 2**31))
    if kind == Type.TEXT:
        return (yield from read_text())
    if kind == Type.RATIO:
        numerator = yield from read_number()
        denominator = yield from read_number()
        return Ratio(abs(numerator) % 2**31 or 1, abs(denominator) % 2**31 or 1)
    if kind == Type.FILLED:
        value = yield from _read_known(Field.VALUE, vocabulary, depth + 1)
        count = yield from _read_known(Field.VALUE, vocabulary, depth + 1)
        number = value if isinstance(value, int | float) else 0
        return Filled(number, count if isinstance(count, int | Ratio) else 1)
    elements = []
    length = yield from read_number()
    for _ in range(min(max(length, 0), LONGEST_TUPLE)):
        element = yield from _read_known(Field.VALUE, vocabulary, depth + 1)
        if not isinstance(element, tuple | Filled | Recent):
            elements.append(element)
    return tuple(elements)


def _write_operands(
    operands: tuple[Symbol, ...], vocabulary: Vocabulary | Unsure
) -> Iterator[Token]:
    known = vocabulary.find(Field.OPERANDS, operands)
    yield Field.OPERANDS, ESCAPE if known is None else known
    if known is None:
        for symbol in operands:
            yield Field.SYMBOL, 1 + symbol.kind
            yield from write_number(symbol.number)
            yield from write_number(symbol.slot)
        yield Field.SYMBOL, END_SYMBOLS


def _read_operands(vocabulary: Vocabulary) -> Reading:
    token = yield Field.OPERANDS
    if token != ESCAPE:
        return vocabulary.at(Field.OPERANDS, token)
    symbols = []
    while (token := (yield Field.SYMBOL)) != END_SYMBOLS:
        number = yield from read_number()
        slot = yield from read_number()
        symbols.append(Symbol(Kind(token - 1), abs(number) % 2**31, abs(slot) % 2**15))
    return tuple(symbols[:LONGEST_TUPLE])


def _write_direct(field: Field, number: int) -> Iterator[Token]:
    direct = number < DIRECT[field]
    yield field, number + 1 if direct else ESCAPE
    if not direct:
        yield from write_number(number)


def _read_direct(field: Field) -> Reading:
    token = yield field
    if token != ESCAPE:
        return token - 1
    return abs((yield from read_number())) % 2**31

"""Lines of a program <-> tokens: what the codecs of whole networks read and write.

A token is a class of some kind; which kind comes next follows from the tokens before, so a
model only ever chooses among classes that mean something there, and any choice reads as some
line. Words, widths, operands and values that the vocabulary has are one token; all others are
spelled out in numbers that delimit themselves, so there is no unknown word.
"""

from __future__ import annotations

import struct
from collections.abc import Generator, Iterator, Sequence
from dataclasses import dataclass
from enum import IntEnum
from random import Random
from typing import TYPE_CHECKING, Any

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

Token = tuple["Field", int]
Reading = Generator["Field", int, Any]  # yields the kind it wants next, is sent the class


class Field(IntEnum):
    """The kinds of tokens."""

    WORD = 0  # an instruction without its width and operands, REPEAT or SPELLED
    WIDTH = 1  # a layer's own width
    OPERANDS = 2
    LENGTH = 3  # of a repeat
    TIMES = 4
    REST = 5
    OPERATOR = 6
    ATTRIBUTE = 7
    VALUE = 8
    TYPE = 9  # of a value that is spelled out
    SYMBOL = 10  # of operands that are spelled out
    DIGIT = 11


REPEAT, SPELLED, FIRST_WORD = 0, 1, 2  # classes of WORD
ESCAPE = 0  # of every other kind that has favourites
END_ATTRIBUTES, POSITIONS, OTHER_ATTRIBUTE = 0, 1, 2
END_SYMBOLS = 0  # then 1 + Kind
BASE, END_NUMBER, MINUS = 16, 16, 17  # classes of DIGIT
DIRECT = {Field.LENGTH: 160, Field.TIMES: 40, Field.REST: 160}  # numbers that are one token
LONGEST_NUMBER, LONGEST_TUPLE, LONGEST_TEXT, DEEPEST = 20, 4096, 256, 4
OWN = Recent(0)  # stands in a word for the width that follows it


class Type(IntEnum):
    """How a value that is spelled out goes on."""

    INT, FLOAT, TEXT, RATIO, RECENT, FILLED, TUPLE = range(7)


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


def read_lines(vocabulary: Vocabulary) -> Reading:
    """The inverse: a generator that yields the kind of the next token and is sent its class;
    it returns the lines once an Output has been read."""
    lines: list[Line] = []
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
        yield from _write_text(word.operator)
    for name, value in word.attributes:
        known = vocabulary.find(Field.ATTRIBUTE, name)
        yield Field.ATTRIBUTE, OTHER_ATTRIBUTE if known is None else known
        if known is None:
            yield from _write_text(name)
        yield from _write_known(Field.VALUE, value, vocabulary)
    if word.positions is not None:
        yield Field.ATTRIBUTE, POSITIONS
        yield from _write_known(Field.VALUE, word.positions, vocabulary)
    yield Field.ATTRIBUTE, END_ATTRIBUTES


def _read_word(vocabulary: Vocabulary) -> Reading:
    token = yield Field.OPERATOR
    if token == ESCAPE:
        operator = yield from _read_text()
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
            name = yield from _read_text()
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
            yield from _write_number(value)
        case float():
            yield Field.TYPE, Type.FLOAT
            yield from _write_number(struct.unpack("<q", struct.pack("<d", value))[0])
        case str():
            yield Field.TYPE, Type.TEXT
            yield from _write_text(value)
        case Ratio(numerator, denominator):
            yield Field.TYPE, Type.RATIO
            yield from _write_number(numerator)
            yield from _write_number(denominator)
        case Recent(rank):
            yield Field.TYPE, Type.RECENT
            yield from _write_number(rank)
        case Filled(number, count):
            yield Field.TYPE, Type.FILLED
            yield from _write_known(Field.VALUE, number, vocabulary)
            yield from _write_known(Field.VALUE, count, vocabulary)
        case tuple():
            yield Field.TYPE, Type.TUPLE
            yield from _write_number(len(value))
            for element in value:
                yield from _write_known(Field.VALUE, element, vocabulary)


def _read_value(vocabulary: Vocabulary, depth: int) -> Reading:
    kind = yield Field.TYPE
    if depth > DEEPEST:
        return 0
    if kind in (Type.INT, Type.FLOAT, Type.RECENT):
        number = yield from _read_number()
        if kind == Type.FLOAT:
            return struct.unpack("<d", struct.pack("<Q", number % 2**64))[0]
        bounded = max(-(2**63), min(number, 2**63 - 1))
        return bounded if kind == Type.INT else Recent(min(abs(bounded), 2**31))
    if kind == Type.TEXT:
        return (yield from _read_text())
    if kind == Type.RATIO:
        numerator = yield from _read_number()
        denominator = yield from _read_number()
        return Ratio(abs(numerator) % 2**31 or 1, abs(denominator) % 2**31 or 1)
    if kind == Type.FILLED:
        value = yield from _read_known(Field.VALUE, vocabulary, depth + 1)
        count = yield from _read_known(Field.VALUE, vocabulary, depth + 1)
        number = value if isinstance(value, int | float) else 0
        return Filled(number, count if isinstance(count, int | Ratio) else 1)
    elements = []
    length = yield from _read_number()
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
            yield from _write_number(symbol.number)
            yield from _write_number(symbol.slot)
        yield Field.SYMBOL, END_SYMBOLS


def _read_operands(vocabulary: Vocabulary) -> Reading:
    token = yield Field.OPERANDS
    if token != ESCAPE:
        return vocabulary.at(Field.OPERANDS, token)
    symbols = []
    while (token := (yield Field.SYMBOL)) != END_SYMBOLS:
        number = yield from _read_number()
        slot = yield from _read_number()
        symbols.append(Symbol(Kind(token - 1), abs(number) % 2**31, abs(slot) % 2**15))
    return tuple(symbols[:LONGEST_TUPLE])


def _write_direct(field: Field, number: int) -> Iterator[Token]:
    direct = number < DIRECT[field]
    yield field, number + 1 if direct else ESCAPE
    if not direct:
        yield from _write_number(number)


def _read_direct(field: Field) -> Reading:
    token = yield field
    if token != ESCAPE:
        return token - 1
    return abs((yield from _read_number())) % 2**31


def _write_number(number: int) -> Iterator[Token]:
    if number < 0:
        yield Field.DIGIT, MINUS
    for digit in f"{abs(number):x}":
        yield Field.DIGIT, int(digit, BASE)
    yield Field.DIGIT, END_NUMBER


def _read_number() -> Reading:
    number, sign, digits = 0, 1, 0
    while (digit := (yield Field.DIGIT)) != END_NUMBER and digits < LONGEST_NUMBER:
        digits += 1
        if digit == MINUS:
            sign = -1
        else:
            number = number * BASE + digit
    return sign * number


def _write_text(text: str) -> Iterator[Token]:
    data = text.encode()
    yield from _write_number(len(data))
    for byte in data:
        yield Field.DIGIT, byte >> 4
        yield Field.DIGIT, byte & 15


def _read_text() -> Reading:
    length = yield from _read_number()
    data = bytearray()
    for _ in range(min(max(length, 0), LONGEST_TEXT)):
        high = yield Field.DIGIT
        low = yield Field.DIGIT
        data.append((high % BASE) << 4 | low % BASE)
    return data.decode("utf-8", "replace")

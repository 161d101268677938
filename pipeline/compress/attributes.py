"""A vertex's attributes as hexadecimal digits: the attribute row that codecs compress.

The first word names the row's *signature* among those of its operator: which attributes there
are, of what kind and length. Then comes each value: one digit for one of the commonest values
of that attribute, or an escape and the numbers themselves in a self-delimiting code; of equal
numbers, how many and one. Fields are factored this way because held-out networks keep bringing
rows that training never saw, made of parts that it did. A row that needs more than seven words
is left to the patch.
"""

from __future__ import annotations

import struct
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import onnx

from pipeline.compress.fields import Group
from pipeline.graph.network import INPUT, OUTPUT, Attributes, Value, Vertex
from pipeline.operators.registry import registered
from pipeline.operators.schema import OPSET, formal_name

WORD, WORDS = 3, 8  # digits a word, words a row; one latent dimension carries one word
ESCAPE, FAVOURITES = 15, 15
INT64_MAX = 2**63 - 1
OTHER = "?"
UNIFORM, ANY_LENGTH = "uniform", -2  # several equal floats
MOST_EQUAL = 2**16
COMMON_FLOATS = (0.0, 1.0)  # among equal ones: a digit each, before the numbers in full
LENGTHS = range(1, 7)  # of tuples of integers: shapes, axes, paddings
ELEMENTWISE = ("Add", "Sub", "Mul", "Div", "Max", "Min", "Pow")

ATTRIBUTES = Group(
    "attributes",
    cardinalities=(16,) * (WORD * WORDS),
    dimensions=WORDS,
    blocks=tuple(tuple(range(w * WORD, (w + 1) * WORD)) for w in range(WORDS)),
)

Row = tuple[int, ...]
# attribute, kind, length (-1: a single value; ANY_LENGTH: the length is one of the digits)
Signature = tuple[tuple[str, str, int], ...]


def operator_names() -> tuple[str, ...]:
    """Every operator a vertex can have: ONNX's own, sorted, and the two ends of a network."""
    schemas = onnx.defs.get_all_schemas_with_history()
    known = {s.name for s in schemas if s.domain == "" and s.since_version <= OPSET}
    return (OTHER, INPUT, OUTPUT, *sorted(known | registered().keys()))


def signature_of(attributes: Attributes) -> Signature:
    """What a row consists of, without its values."""
    return tuple((name, _kind(value), _length(value)) for name, value in attributes)


@dataclass(frozen=True)
class Vocabulary:
    """Signatures by operator, favourite values by (operator, attribute), commonest first."""

    signatures: dict[str, list[Signature]]
    favourites: dict[tuple[str, str], list[Value]]

    @classmethod
    def of(cls, vertices: Iterable[Vertex]) -> Vocabulary:
        """The vocabulary of a training set, its signatures with other lengths as well."""
        signatures: dict[str, Counter[Signature]] = {}
        values: dict[tuple[str, str], Counter[str]] = {}
        spelled: dict[str, Value] = {}  # 1, 1.0 and True, 0.0 and -0.0 are equal keys
        for vertex in vertices:
            signature = signature_of(vertex.attributes)
            signatures.setdefault(vertex.operator, Counter())[signature] += 1
            for name, value in vertex.attributes:
                text = repr(value)
                spelled[text] = value
                values.setdefault((vertex.operator, name), Counter())[text] += 1
        return cls(
            {op: _widened(op, _ranked(found)) for op, found in sorted(signatures.items())},
            {
                key: [spelled[text] for text in _ranked(found)[:FAVOURITES]]
                for key, found in sorted(values.items())
            },
        )

    def to_plain(self) -> dict[str, Any]:
        """As JSON holds it."""
        favourites = [[op, name, values] for (op, name), values in self.favourites.items()]
        return {"signatures": self.signatures, "favourites": favourites}

    @classmethod
    def from_plain(cls, plain: dict[str, Any]) -> Vocabulary:
        """The inverse of :meth:`to_plain`."""
        signatures = {
            op: [tuple((n, k, length) for n, k, length in s) for s in found]
            for op, found in plain["signatures"].items()
        }
        favourites = {
            (op, name): [tuple(v) if isinstance(v, list) else v for v in values]
            for op, name, values in plain["favourites"]
        }
        return cls(signatures, favourites)

    @cached_property
    def _signature_index(self) -> dict[tuple[str, Signature], int]:
        return {
            (op, s): i for op, found in self.signatures.items() for i, s in enumerate(found)
        }

    @cached_property
    def _favourite_index(self) -> dict[tuple[str, str, str], int]:
        return {
            (op, name, repr(value)): i
            for (op, name), values in self.favourites.items()
            for i, value in enumerate(values)
        }

    def to_row(self, vertex: Vertex) -> Row | None:
        """A vertex's attributes -> a row; None where they do not fit."""
        signature = signature_of(vertex.attributes)
        number = self._signature_index.get((vertex.operator, signature))
        if number is None:
            return None
        digits = [number >> 8, number >> 4 & 15, number & 15]
        for (name, value), (_, kind, _) in zip(vertex.attributes, signature, strict=True):
            index = self._favourite_index.get((vertex.operator, name, repr(value)))
            spelled = [index] if index is not None else _spell(kind, value)
            if spelled is None:
                return None
            digits += spelled
        if len(digits) > WORD * WORDS:
            return None
        return (*digits, *(0,) * (WORD * WORDS - len(digits)))

    def from_row(self, operator: str, row: Sequence[int]) -> Attributes:
        """A row -> attributes. Any row gives some, those that its digits do spell."""
        signatures = self.signatures.get(operator, [])
        number = row[0] << 8 | row[1] << 4 | row[2]
        if not signatures:
            return ()
        digits = iter(row[WORD:])
        attributes = []
        for name, kind, length in signatures[min(number, len(signatures) - 1)]:
            value = self._read_value(operator, name, kind, length, digits)
            if value is not None:
                attributes.append((name, value))
        return tuple(attributes)

    def _read_value(
        self, operator: str, name: str, kind: str, length: int, digits: Iterator[int]
    ) -> Value | None:
        first = next(digits, None)
        favourites = self.favourites.get((operator, name), [])
        if first is None:
            return None
        if first != ESCAPE:
            return favourites[first] if first < len(favourites) else None
        read = _read_float if kind == "float" else _read_int
        if length == ANY_LENGTH:
            return _read_equal(digits)
        values = tuple(read(digits) for _ in range(max(length, 1)))
        if None in values or kind == "str":
            return None
        return values if length >= 0 else values[0]  # type: ignore[return-value]


def _ranked(counter: Counter[Any]) -> list[Any]:
    """By falling count; ties by their text, so the order never depends on the input's."""
    return [item for item, _ in sorted(counter.items(), key=lambda p: (-p[1], repr(p[0])))]


def _widened(operator: str, known: list[Signature]) -> list[Signature]:
    """The known signatures, those of operands that any elementwise operator may have, then all
    of them with tuples of other lengths; as many as a word can name."""
    bases = [*known, *_operand_signatures(operator)]
    variants = (
        (*base[:place], (name, kind, other), *base[place + 1 :])
        for base in bases
        for place, (name, kind, length) in enumerate(base)
        if kind == "int" and length >= 0
        for other in LENGTHS
    )
    return list(dict.fromkeys([*bases, *variants]))[: 16**WORD]


def _operand_signatures(operator: str) -> Iterator[Signature]:
    """An operand that is a parameter, a number, or equal numbers."""
    for position in (0, 1) if operator in ELEMENTWISE else ():
        formal = formal_name(operator, position)
        yield ((f"{formal}.parameter", "int", 4),)
        yield ((formal, "float", -1),)
        yield ((formal, UNIFORM, ANY_LENGTH),)
        yield (formal, UNIFORM, ANY_LENGTH), (f"{formal}.shape", "int", 4)


def _kind(value: Value) -> str:
    if _length(value) == ANY_LENGTH:
        return UNIFORM
    sample = value[0] if isinstance(value, tuple) and value else value
    return "int" if isinstance(sample, tuple) else type(sample).__name__


def _length(value: Value) -> int:
    if not isinstance(value, tuple):
        return -1
    is_even = len(value) > 1 and type(value[0]) is float and len(set(map(repr, value))) == 1
    return ANY_LENGTH if is_even else len(value)


def _spell(kind: str, value: Value) -> list[int] | None:
    """Escape, then every number of the value; None for text and for what is too long."""
    if kind == "str":
        return None
    if kind == UNIFORM:
        return _spell_equal(value)
    spell: Any = _spell_float if kind == "float" else _spell_int
    digits = [ESCAPE]
    for number in value if isinstance(value, tuple) else (value,):
        spelled = spell(number)
        if spelled is None:
            return None
        digits += spelled
    return digits


def _spell_equal(value: Any) -> list[int] | None:
    """Escape, how many, which."""
    count, number = _spell_int(len(value)), value[0]
    common = [repr(n) for n in COMMON_FLOATS]
    if repr(number) in common:
        spelled: list[int] | None = [common.index(repr(number))]
    elif (spelled := _spell_float(number)) is not None:
        spelled = [len(common), *spelled]
    if count is None or spelled is None or len(value) > MOST_EQUAL:
        return None
    return [ESCAPE, *count, *spelled]


def _read_equal(digits: Iterator[int]) -> tuple[float, ...] | None:
    count, first = _read_int(digits), next(digits, None)
    if count is None or not 1 < count <= MOST_EQUAL or first is None:
        return None
    number = COMMON_FLOATS[first] if first < len(COMMON_FLOATS) else _read_float(digits)
    return None if number is None else (number,) * count


def _spell_int(number: int) -> list[int] | None:
    """-1..7 as one digit; 9 for INT64_MAX; 9 + k, then k digits; 15 before a negative one."""
    if -1 <= number <= 7:
        return [number + 1]
    if number == INT64_MAX:
        return [9]
    digits = [int(d, 16) for d in f"{abs(number):x}"]
    if len(digits) > 5:
        return None
    sign = [15] if number < 0 else []
    return [*sign, 9 + len(digits), *digits]


def _read_int(digits: Iterator[int]) -> int | None:
    first = next(digits, None)
    sign = -1 if first == 15 else 1
    if first == 15:
        first = next(digits, None)
    if first is None or first > 14:
        return None
    if first <= 8:
        return sign * (first - 1)
    if first == 9:
        return INT64_MAX
    number = 0
    for _ in range(first - 9):
        digit = next(digits, None)
        if digit is None:
            return None
        number = number << 4 | digit
    return sign * number


def _spell_float(number: float) -> list[int] | None:
    """The eight digits of a float32; None for a number that is none."""
    try:
        packed = struct.pack(">f", number)
    except OverflowError:
        return None
    if struct.unpack(">f", packed)[0] != number:
        return None
    return [int(d, 16) for d in packed.hex()]


def _read_float(digits: Iterator[int]) -> float | None:
    found = [d for _, d in zip(range(8), digits, strict=False)]
    if len(found) < 8:
        return None
    number = struct.unpack(">f", bytes.fromhex("".join(f"{d:x}" for d in found)))[0]
    return float(number)

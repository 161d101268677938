"""Numbers and text as tokens that delimit themselves: how what no vocabulary has is said."""

from __future__ import annotations

import math
import struct
from collections.abc import Iterator
from fractions import Fraction

from pipeline.compress.tokens import (
    BASE,
    END_NUMBER,
    LONGEST_NUMBER,
    LONGEST_TEXT,
    MINUS,
    Field,
    Reading,
    Token,
    Type,
)

LARGEST_ROOT, LARGEST_RATIO = 64.0, 1024  # of a float that is the root of a ratio


def write_number(number: int) -> Iterator[Token]:
    """A whole number, in hexadecimal digits."""
    if number < 0:
        yield Field.DIGIT, MINUS
    for digit in f"{abs(number):x}":
        yield Field.DIGIT, int(digit, BASE)
    yield Field.DIGIT, END_NUMBER


def read_number() -> Reading:
    """The inverse of :func:`write_number`; any digits give a number."""
    number, sign, digits = 0, 1, 0
    while (digit := (yield Field.DIGIT)) != END_NUMBER and digits < LONGEST_NUMBER:
        digits += 1
        if digit == MINUS:
            sign = -1
        else:
            number = number * BASE + digit
    return sign * number


def write_text(text: str) -> Iterator[Token]:
    """Its length in bytes, then the bytes, two digits each."""
    data = text.encode()
    yield from write_number(len(data))
    for byte in data:
        yield Field.DIGIT, byte >> 4
        yield Field.DIGIT, byte & 15


def read_text() -> Reading:
    """The inverse of :func:`write_text`; any digits give a text."""
    length = yield from read_number()
    data = bytearray()
    for _ in range(min(max(length, 0), LONGEST_TEXT)):
        high = yield Field.DIGIT
        low = yield Field.DIGIT
        data.append((high % BASE) << 4 | low % BASE)
    return data.decode("utf-8", "replace")


def write_float(value: float) -> Iterator[Token]:
    """As the root of a ratio of small numbers, which scales of residual branches and of
    attention are, in single precision, which nearly all others are, or in double."""
    root = _root(value)
    if root is not None:
        yield Field.TYPE, Type.ROOT
        yield from write_number(root.numerator)
        yield from write_number(root.denominator)
        return
    if _same(_single(value), value):
        yield Field.TYPE, Type.SINGLE
        yield from write_number(int.from_bytes(struct.pack(">f", value)))
    else:
        yield Field.TYPE, Type.FLOAT
        yield from write_number(int.from_bytes(struct.pack(">d", value)))


def read_float(kind: int) -> Reading:
    """The inverse of :func:`write_float`, its type read."""
    number = yield from read_number()
    if kind == Type.ROOT:
        denominator = yield from read_number()
        return _single(math.sqrt(abs(number) % 2**31 / (abs(denominator) % 2**31 or 1)))
    if kind == Type.SINGLE:
        return struct.unpack("<f", struct.pack("<I", number % 2**32))[0]
    return struct.unpack("<d", struct.pack("<Q", number % 2**64))[0]


def _root(value: float) -> Fraction | None:
    """The ratio of small numbers whose root is a value, in single precision."""
    if not 0 < value < LARGEST_ROOT:
        return None
    ratio = Fraction(value * value).limit_denominator(LARGEST_RATIO)
    return ratio if _single(math.sqrt(ratio)) == value else None


def _single(value: float) -> float:
    """Rounded to single precision."""
    try:
        return struct.unpack("<f", struct.pack("<f", value))[0]
    except OverflowError:
        return math.copysign(math.inf, value)


def _same(a: float, b: float) -> bool:
    """Bit for bit: -0.0 is not 0.0, and a NaN is itself."""
    return struct.pack("<d", a) == struct.pack("<d", b)

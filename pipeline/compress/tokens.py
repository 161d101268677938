"""The kinds of tokens, and the classes of theirs that mean something of their own."""

from __future__ import annotations

from collections.abc import Generator
from enum import IntEnum
from typing import Any

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
DIRECT = {Field.LENGTH: 1024, Field.TIMES: 40, Field.REST: 512}  # numbers that are one token
LONGEST_NUMBER, LONGEST_TUPLE, LONGEST_TEXT, DEEPEST = 20, 4096, 256, 4


class Type(IntEnum):
    """How a value that is spelled out goes on."""

    INT, FLOAT, TEXT, RATIO, RECENT, FILLED, TUPLE, SINGLE, ROOT = range(9)

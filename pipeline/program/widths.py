"""Numbers relative to widths, so that layers of all stages of a network are the same words.

A *width* is roughly the number of channels of a tensor, found from attributes alone by rules
that hold for any vertex: no shape inference, which a draft might not survive. Writer and
reader only have to agree on it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import lru_cache
from math import gcd

from pipeline.graph.network import Value
from pipeline.program.instruction import Filled, Number, Ratio, Recent, Spelled

OUT = ("out_channels", "out_features")  # a layer's own width
RELATIVE = ("group", "split", "starts", "ends", "shape")  # attributes that hold widths
RELATIVE_ENDINGS = (".parameter", ".shape")
LEAST = 4  # smaller numbers stay numbers
RECENT = 4  # how many of the last distinct widths have a name
LARGEST_WIDTH = 2**31 - 1
SHORTEST_FILLED = 9
MOST_FILLED = 2**16


class Widths:
    """The width of every output so far, and the last distinct ones layers were given."""

    def __init__(self) -> None:
        self._widths: list[tuple[int, ...]] = []
        self._recent: list[int] = []

    def copy(self) -> Widths:
        """Another one that knows the same."""
        other = Widths()
        other._widths, other._recent = self._widths[:], self._recent[:]
        return other

    def of(self, source: int, slot: int) -> int:
        """The width of a vertex's output."""
        widths = self._widths[source]
        return widths[min(slot, len(widths) - 1)]

    def add(self, inputs: Sequence[int], attributes: Mapping[str, Value]) -> None:
        """The next vertex: the widths of its operands, its attributes."""
        own = own_width(attributes)
        if own is not None:
            if own in self._recent:
                self._recent.remove(own)
            self._recent = [own, *self._recent][:RECENT]
        self._widths.append(_widths(inputs, attributes))

    def spell_own(self, value: int, width: int) -> Number:
        """A layer's own width -> its shortest name."""
        if self._recent and value == self._recent[0]:
            return Recent(0)
        ratio = spell_ratio(value, width)
        if isinstance(ratio, Ratio):
            return ratio
        if value in self._recent:
            return Recent(self._recent.index(value))
        return value

    def read_own(self, spelled: Number, width: int) -> int:
        """The inverse of :meth:`spell_own`; any name gives a number."""
        if isinstance(spelled, Recent):
            return (
                self._recent[min(spelled.rank, len(self._recent) - 1)] if self._recent else 1
            )
        return read_number(spelled, width)


def own_width(attributes: Mapping[str, Value]) -> int | None:
    """The width that a layer is given by name, or None."""
    for name in OUT:
        value = attributes.get(name)
        if type(value) is int:
            return value
    return None


def _widths(inputs: Sequence[int], attributes: Mapping[str, Value]) -> tuple[int, ...]:
    first = max(inputs, default=1)
    own = own_width(attributes)
    if own is not None:
        return (_bounded(own),)
    parts = attributes.get("split")
    if isinstance(parts, tuple) and parts and all(type(p) is int for p in parts):
        return tuple(_bounded(p) for p in parts)  # type: ignore[arg-type]
    count = attributes.get("num_outputs")
    if type(count) is int and count > 0:
        return (_bounded(-(-first // count)),)
    match attributes:
        case {"starts": (int(start),), "ends": (int(end),)} if end > start >= 0:
            return (_bounded(min(end, first) - start),)
        case {"B.parameter": (int(), int(columns))}:
            return (_bounded(columns),)
        case {"dtype": _, "shape": (int(channels), *_)} if not inputs:
            return (_bounded(channels),)
    if len(inputs) > 1 and "axis" in attributes:
        return (_bounded(sum(inputs)),)
    return (first,)


def _bounded(width: int) -> int:
    return min(max(width, 1), LARGEST_WIDTH)


def spell_ratio(value: int, width: int) -> int | Ratio:
    """A number, as a small ratio of the width where it is one."""
    if value < LEAST or width < LEAST:
        return value
    common = gcd(value, width)
    numerator, denominator = value // common, width // common
    simple = (numerator == 1 and denominator <= 16) or (denominator == 1 and numerator <= 6)
    if simple or max(numerator, denominator) <= 4:
        return Ratio(numerator, denominator)
    return value


def read_number(spelled: Number, width: int) -> int:
    """The inverse of :func:`spell_ratio`; any name gives a number."""
    if isinstance(spelled, Ratio):
        return max(1, width * spelled.numerator // max(spelled.denominator, 1))
    return spelled if isinstance(spelled, int) else width


def spell_value(name: str, value: Value, width: int) -> Spelled:
    """An attribute's value -> the same, relative to the width where the attribute holds
    widths, and a run of one number as its count."""
    if isinstance(value, tuple):
        if len(value) >= SHORTEST_FILLED and _all_equal(value):
            return Filled(value[0], spell_ratio(len(value), width))  # type: ignore[arg-type]
        if _is_relative(name):
            return tuple(spell_ratio(v, width) if type(v) is int else v for v in value)  # type: ignore[return-value]
    elif type(value) is int and _is_relative(name):
        return spell_ratio(value, width)
    return value


def read_value(spelled: Spelled, width: int) -> Value:
    """The inverse of :func:`spell_value`."""
    if isinstance(spelled, Filled):
        count = min(max(read_number(spelled.count, width), 0), MOST_FILLED)
        return _filled(repr(spelled.value), spelled.value, count)
    if isinstance(spelled, tuple):
        return tuple(read_number(v, width) if isinstance(v, Ratio) else v for v in spelled)  # type: ignore[return-value]
    return read_number(spelled, width) if isinstance(spelled, Ratio | Recent) else spelled


@lru_cache(maxsize=64)
def _filled(_key: str, value: int | float, count: int) -> Value:
    """One tuple for all the vertices of a loop: a draft of many long ones stays small.

    The key tells 0.0 from -0.0 and 1 from 1.0.
    """
    return (value,) * count


def _is_relative(name: str) -> bool:
    return name in RELATIVE or name.endswith(RELATIVE_ENDINGS)


def _all_equal(value: tuple[object, ...]) -> bool:
    first = repr(value[0])
    return not isinstance(value[0], str) and all(repr(v) == first for v in value)

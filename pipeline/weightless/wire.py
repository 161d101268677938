"""The protobuf wire format, read by hand: tags and lengths only, values left where they are.

Format: https://protobuf.dev/programming-guides/encoding
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Protocol, overload

from pipeline.errors import ModelError

VARINT, FIXED64, BYTES, FIXED32 = 0, 1, 2, 5  # wire types; groups (3, 4) are not in ONNX
HEAD = 20  # bytes of the longest tag and length
AHEAD = 64  # bytes read at once while walking a message: asking a file for each is slow
MAX_FIELDS = 2_000_000  # looked at in one file: bounds the time a hostile one can take

# key, start of the tag, start and end of the value, value of a varint (length of bytes)
Field = tuple[int, int, int, int, int]


class Bytes(Protocol):
    """Random access to a file: ``data[i]`` is a byte, ``data[i:j]`` bytes."""

    def __len__(self) -> int: ...
    @overload
    def __getitem__(self, at: int, /) -> int: ...
    @overload
    def __getitem__(self, at: slice, /) -> bytes: ...


def key(number: int, wire_type: int = BYTES) -> int:
    """The key a field is tagged with."""
    return number << 3 | wire_type


def tagged(number: int, body: bytes) -> bytes:
    """``body`` as the length-delimited field ``number``."""
    return encode_varint(key(number)) + encode_varint(len(body)) + body


def encode_varint(value: int) -> bytes:
    """A non-negative integer -> its varint."""
    out = bytearray()
    while value > 127:
        out.append(value & 127 | 128)
        value >>= 7
    out.append(value)
    return bytes(out)


class WireReader:
    """Walks the fields of messages in ``data`` without touching what length can skip."""

    def __init__(self, data: Bytes, max_fields: int = MAX_FIELDS) -> None:
        self.data, self.size, self.left = data, len(data), max_fields

    def fields(self, start: int, end: int) -> Iterator[Field]:
        """The fields of the message at ``start:end``, in file order.

        Raises ModelError: truncated, malformed, too_many_fields.
        """
        data, at = self.data, start
        head, base, known = b"", at, at  # the bytes from base on, known so far
        while at < end:
            self.left -= 1
            if self.left < 0:
                raise ModelError("too_many_fields", f"more than {MAX_FIELDS:,} fields")
            if known < end and at + HEAD > known:
                head, base = data[at : min(at + AHEAD, end)], at
                known = base + len(head)
            tag, begin = head[at - base], at + 1
            if tag > 127:
                tag, begin = self.varint(at, end)
            value, kind = 0, tag & 7
            if kind in (BYTES, VARINT):
                if begin < end and (value := head[begin - base]) < 128:
                    stop = begin + 1
                else:
                    near = begin - base
                    value, stop = self._decode(head[near : near + 10], begin, end)
                if kind == BYTES:
                    begin, stop = stop, stop + value
            elif kind in (FIXED32, FIXED64):
                stop = begin + (4 if kind == FIXED32 else 8)
            else:
                raise ModelError("malformed", f"wire type {kind} at byte {at:,}")
            if stop > end or tag < 8:
                raise self._overrun(at, stop, end)
            yield tag, at, begin, stop, value
            at = stop

    def varint(self, at: int, end: int) -> tuple[int, int]:
        """The varint at ``at`` -> its unsigned value and where it ends. Raises ModelError."""
        return self._decode(self.data[at : min(at + 10, end)], at, end)

    def _decode(self, piece: bytes, at: int, end: int) -> tuple[int, int]:
        value = shift = 0
        for position, byte in enumerate(piece, at + 1):
            value |= (byte & 127) << shift
            if byte < 128:
                return value & 0xFFFF_FFFF_FFFF_FFFF, position
            shift += 7
        if at + 10 > end:
            raise self._overrun(at, end + 1, end)
        raise ModelError("malformed", f"a varint at byte {at:,} is longer than 10 bytes")

    def text(self, start: int, end: int) -> str:
        """A string field's value. Raises ModelError when it is no UTF-8 or absurdly long."""
        if end - start > 65_536:
            raise ModelError("too_large", f"a name of {end - start:,} bytes")
        try:
            return str(self.data[start:end], "utf-8")
        except UnicodeDecodeError as e:
            raise ModelError("malformed", f"a name at byte {start:,} is not UTF-8") from e

    def integers(self, field: Field) -> list[int]:
        """A repeated int64 field's values, packed or not. Raises ModelError."""
        tag, _, at, end, value = field
        if tag & 7 == VARINT:
            return [signed(value)]
        if end - at > 640:  # only ever asked for dims: 64 of them
            raise ModelError("dims", f"{end - at:,} bytes of dimensions")
        values = []
        while at < end:
            value, at = self.varint(at, end)
            values.append(signed(value))
        return values

    def _overrun(self, at: int, stop: int, end: int) -> ModelError:
        if stop > self.size:
            return ModelError("truncated", f"byte {at:,} promises bytes past the file's end")
        if stop > end:
            return ModelError("malformed", f"a field at byte {at:,} overruns its message")
        return ModelError("malformed", f"field number 0 at byte {at:,}")


def signed(value: int) -> int:
    """A varint's unsigned value -> the int64 it stands for."""
    return value - (1 << 64) if value >= 1 << 63 else value

"""What a TensorProto says of itself, found without reading its payload.

Field numbers: https://github.com/onnx/onnx/blob/main/onnx/onnx.proto
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from functools import lru_cache

import onnx
from onnx import TensorProto, helper

from pipeline.errors import ModelError
from pipeline.weightless.wire import (
    BYTES,
    FIXED32,
    FIXED64,
    VARINT,
    Field,
    WireReader,
    key,
    signed,
)

MAX_ELEMENTS = 2**40
MAX_RANK = 64
SMALL_ELEMENTS = 16  # of any type: kept
SMALL_BYTES = 8192  # of an integer type: kept, it may be a Reshape target or the like; of a
# float type in a Constant node as well: what an exporter writes there is seldom a weight

_NARROW = {"INT4": 4, "UINT4": 4, "FLOAT4E2M1": 4, "INT2": 2, "UINT2": 2}
_NARROW |= {"FLOAT6E2M3": 6, "FLOAT6E3M2": 6}
_INTEGERS = {"BOOL", "INT2", "INT4", "INT8", "INT16", "INT32", "INT64"}
_INTEGERS |= {"UINT2", "UINT4", "UINT8", "UINT16", "UINT32", "UINT64"}
_FLOATS = {"FLOAT", "DOUBLE", "FLOAT16", "BFLOAT16"}
_FIELDS = {f.name: f.number for f in TensorProto.DESCRIPTOR.fields}
DIMS, DATA_TYPE, NAME = _FIELDS["dims"], _FIELDS["data_type"], _FIELDS["name"]
RAW, STRINGS, LOCATION = _FIELDS["raw_data"], _FIELDS["string_data"], _FIELDS["data_location"]
# the bytes of one value in a payload field; 0: a varint
_WIDTHS = {
    "float_data": 4,
    "double_data": 8,
    "int32_data": 0,
    "int64_data": 0,
    "uint64_data": 0,
}
_TYPED = {_FIELDS[name]: width for name, width in _WIDTHS.items()}
_WIRE = {0: VARINT, 4: FIXED32, 8: FIXED64}
_ALLOWED = {key(n, k) for n, width in _TYPED.items() for k in (BYTES, _WIRE[width])}
_ALLOWED |= {key(DIMS, BYTES), key(DIMS, VARINT), key(DATA_TYPE, VARINT), key(NAME)}
_ALLOWED |= {key(RAW), key(STRINGS), key(LOCATION, VARINT)}
_CHECKED = {DIMS, DATA_TYPE, NAME, RAW, STRINGS, LOCATION, *_TYPED}
_CONTINUED = bytes(range(128, 256))  # the bytes of a varint that are not its last


@dataclass(slots=True)
class TensorHeader:
    """A tensor's name, type and dims, and where in the file it and its payload stand.

    ``spans`` are the parts of the message (one, save in odd files), ``raw`` the span of
    raw_data. ``form`` says what the spans hold: a TensorProto (``"tensor"``), a
    SparseTensorProto (``"sparse"``) or a Constant's AttributeProto (``"list"``).
    ``in_node``: it stands in a Constant node.
    """

    form: str = "tensor"
    name: str = ""
    data_type: int = 0
    dims: tuple[int, ...] = ()
    external: bool = False
    in_node: bool = False
    raw: tuple[int, int] | None = None
    spans: list[tuple[int, int]] = field(default_factory=list)
    payload_bytes: int = 0
    values: dict[int, int] = field(default_factory=dict)  # payload field -> number of values
    packed: list[tuple[int, int, int]] = field(default_factory=list)  # varints, uncounted

    @property
    def elements(self) -> int:
        return math.prod(self.dims)

    @property
    def is_kept(self) -> bool:
        """Whether its values are part of a skeleton: small, and not a weight by its type."""
        if self.external or self.form == "sparse":
            return False
        name = type_name(self.data_type)
        if self.elements <= SMALL_ELEMENTS:
            return name != "STRING" or self.payload_bytes <= SMALL_BYTES
        is_small = bytes_of(self.data_type, self.elements) <= SMALL_BYTES
        return is_small and (name in _INTEGERS or (self.in_node and name in _FLOATS))


@lru_cache(maxsize=64)
def type_name(data_type: int) -> str:
    """The name of an element type. Raises ModelError for one ONNX does not have."""
    try:
        name = TensorProto.DataType.Name(data_type)
    except ValueError as e:
        raise ModelError("element_type", f"element type {data_type} is unknown") from e
    if name == "UNDEFINED":
        raise ModelError("element_type", "a tensor without element type")
    return name


@lru_cache(maxsize=64)
def bits_of(data_type: int) -> int:
    """The bits of one element as ONNX stores it raw; 0 for strings."""
    name = type_name(data_type)
    if name == "STRING":
        return 0
    return _NARROW.get(name) or helper.tensor_dtype_to_np_dtype(data_type).itemsize * 8


def bytes_of(data_type: int, elements: int) -> int:
    """The bytes of so many elements as raw_data."""
    return (elements * bits_of(data_type) + 7) // 8


def scan_tensor(reader: WireReader, *spans: tuple[int, int]) -> TensorHeader:
    """The header of the TensorProto that stands at ``spans``.

    Raises ModelError: dims, element_type, payload_mismatch, malformed, truncated.
    """
    header = TensorHeader(spans=list(spans))
    dims: list[int] = []
    for span in spans:
        for found in reader.fields(*span):
            tag, _, start, stop, value = found
            number = tag >> 3
            if number in _CHECKED and tag not in _ALLOWED:
                raise ModelError("malformed", f"wire type of tensor field {number} is wrong")
            if number == DIMS:
                dims += reader.integers(found)
                if len(dims) > MAX_RANK:
                    raise ModelError("dims", f"a tensor of rank {len(dims)} or more")
            elif number == DATA_TYPE:
                header.data_type = signed(value)
            elif number == NAME:
                header.name = reader.text(start, stop)
            elif number == LOCATION:
                header.external |= value & 0xFFFF_FFFF == TensorProto.EXTERNAL  # an int32
            elif number == RAW:
                header.raw = (start, stop)
                header.payload_bytes += stop - start
            elif number in _TYPED or number == STRINGS:
                _count_values(header, found)
    header.dims = checked_dims(dims)
    type_name(header.data_type)
    if not header.external:
        _check_payload(reader, header)
    return header


def checked_dims(dims: list[int]) -> tuple[int, ...]:
    """Raises ModelError for dims that no tensor can have."""
    absurd = any(not 0 <= dim <= MAX_ELEMENTS for dim in dims)
    if absurd or math.prod(dims) > MAX_ELEMENTS:
        raise ModelError("dims", f"a tensor of dims {dims[:8]}")
    return tuple(dims)


def _count_values(header: TensorHeader, found: Field) -> None:
    tag, _, start, stop, _ = found
    number, size = tag >> 3, stop - start
    header.payload_bytes += size
    width = _TYPED.get(number, 0)
    count = 1
    if tag & 7 == BYTES and number != STRINGS:
        if width and size % width:
            raise ModelError("payload_mismatch", f"{size} bytes of {width}-byte values")
        if not width:
            header.packed.append((number, start, stop))
        count = size // width if width else 0
    header.values[number] = header.values.get(number, 0) + count


def _check_payload(reader: WireReader, header: TensorHeader) -> None:
    """Declared size against payload: exact but for long varints, which it will not read."""
    held = {number for number, count in header.values.items() if count}
    held |= {number for number, start, stop in header.packed if stop > start}
    if header.raw is not None and header.raw[1] > header.raw[0]:
        held.add(RAW)
    elements = header.elements
    if held == {RAW} and header.raw is not None:
        expected = bytes_of(header.data_type, elements)
        _require(header, header.raw[1] - header.raw[0] == expected)
        return
    number, expected = _typed_form(header.data_type, elements)
    _require(header, held == ({number} if elements else set()))
    least = most = header.values.get(number, 0)
    for _, start, stop in header.packed:
        size = stop - start
        if size <= 10 * SMALL_BYTES:
            size = ending = len(reader.data[start:stop].translate(None, _CONTINUED))
        else:
            ending = -(-size // 10)
        least, most = least + ending, most + size
    _require(header, least <= expected <= most)


def _typed_form(data_type: int, elements: int) -> tuple[int, int]:
    """The payload field a type uses when not raw, and the number of values it then has."""
    number = _FIELDS[helper.tensor_dtype_to_field(data_type)]
    name = type_name(data_type)
    if name.startswith("COMPLEX"):
        return number, 2 * elements
    if name in _NARROW and not name.startswith("FLOAT6"):  # those are stored one by one
        return number, bytes_of(data_type, elements)
    return number, elements


def _require(header: TensorHeader, holds: bool) -> None:
    if not holds:
        kind = type_name(header.data_type)
        detail = f"{header.name!r}: the payload does not fit {kind} of dims {header.dims}"
        raise ModelError("payload_mismatch", detail)


@lru_cache(maxsize=1024)
def shape_only(data_type: int, dims: tuple[int, ...]) -> onnx.TypeProto:
    """The type of a graph input that stands for a tensor: to copy, not to change."""
    return helper.make_tensor_type_proto(data_type, dims)

"""The tensor that a Constant node holds, in whichever of its attributes."""

from __future__ import annotations

from onnx import AttributeProto, TensorProto

from pipeline.errors import ModelError
from pipeline.weightless.tensors import TensorHeader, checked_dims, scan_tensor
from pipeline.weightless.wire import BYTES, VARINT, Field, WireReader, key

_FIELDS = {f.name: f.number for f in AttributeProto.DESCRIPTOR.fields}
_SPARSE = {"values": 1, "indices": 2, "dims": 3}
# attribute field -> element type and bytes of a packed value (0: not packed, or varints)
_LISTS = {
    _FIELDS["floats"]: (TensorProto.FLOAT, 4),
    _FIELDS["ints"]: (TensorProto.INT64, 0),
    _FIELDS["strings"]: (TensorProto.STRING, 0),
}
_SCALARS = {
    _FIELDS["f"]: TensorProto.FLOAT,
    _FIELDS["i"]: TensorProto.INT64,
    _FIELDS["s"]: TensorProto.STRING,
}
_CONTINUED = bytes(range(128, 256))


def scan_constant(reader: WireReader, attribute: tuple[int, int]) -> TensorHeader | None:
    """The header of the tensor in one AttributeProto, nameless; None when it holds none.

    Raises ModelError: see :func:`~pipeline.weightless.tensors.scan_tensor`.
    """
    tensors: list[tuple[int, int]] = []
    sparse: list[tuple[int, int]] = []
    header: TensorHeader | None = None
    for found in reader.fields(*attribute):
        tag, _, start, stop, _ = found
        number = tag >> 3
        if tag == key(_FIELDS["t"]):
            tensors.append((start, stop))
        elif tag == key(_FIELDS["sparse_tensor"]):
            sparse.append((start, stop))
        elif number in _SCALARS:
            header = TensorHeader("list", data_type=_SCALARS[number], spans=[attribute])
            header.payload_bytes = stop - start
        elif number in _LISTS:
            header = header or TensorHeader(
                "list", data_type=_LISTS[number][0], dims=(0,), spans=[attribute]
            )
            _extend(reader, header, found)
    if tensors:
        return scan_tensor(reader, *tensors)
    return scan_sparse(reader, sparse) if sparse else header


def scan_sparse(reader: WireReader, spans: list[tuple[int, int]]) -> TensorHeader:
    """A SparseTensorProto -> the header of the dense tensor it stands for."""
    values, dims = [], []
    for span in spans:
        for found in reader.fields(*span):
            tag, _, start, stop, _ = found
            if tag == key(_SPARSE["values"]):
                values.append((start, stop))
            elif tag in (key(_SPARSE["dims"], VARINT), key(_SPARSE["dims"])):
                dims += reader.integers(found)
    held = scan_tensor(reader, *values)
    dense = checked_dims(dims)
    return TensorHeader("sparse", held.name, held.data_type, dense, spans=spans)


def _extend(reader: WireReader, header: TensorHeader, found: Field) -> None:
    tag, _, start, stop, _ = found
    data_type, width = _LISTS[tag >> 3]
    if data_type != header.data_type or not header.dims:
        raise ModelError("malformed", "a Constant with several values")
    count = 1
    if tag & 7 == BYTES and width:
        count = (stop - start) // width
    elif tag & 7 == BYTES and data_type == TensorProto.INT64:
        if stop - start > 1 << 20:
            raise ModelError("large_attribute", f"a list of {stop - start:,} bytes")
        count = len(reader.data[start:stop].translate(None, _CONTINUED))
    header.dims = (header.dims[0] + count,)
    header.payload_bytes += stop - start

"""The values of the tensors one asks for by name, and of no other."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Any

import numpy as np
from google.protobuf.message import DecodeError
from onnx import AttributeProto, TensorProto, helper

from pipeline.errors import ModelError
from pipeline.weightless.arrays import array_of
from pipeline.weightless.copy import WeightlessCopy
from pipeline.weightless.ranges import Source, local_path, open_ranges
from pipeline.weightless.tensors import TensorHeader, bits_of, bytes_of
from pipeline.weightless.wire import Bytes


def read_tensor_values(
    source: Source, names: Collection[str], storage_options: Mapping[str, Any] | None = None
) -> dict[str, np.ndarray]:
    """The arrays of the named initializers or Constant outputs, in the order of ``names``.

    ``source`` is what :func:`~pipeline.weightless.skeleton.read_skeleton` takes. Arrays are
    the caller's own: writable, of the dims and type the file declares. External data is read
    from the folder of a model file on this machine, and from nowhere else. Raises ModelError:
    no_payload, external_path, external_data, payload_mismatch, sparse, and those of
    ``WeightlessCopy``.
    """
    with open_ranges(source, storage_options) as data:
        copy = WeightlessCopy(data)
        tensors = {**copy.initializers, **copy.constants}
        arrays = {}
        for name in names:
            if name not in tensors:
                raise ModelError("no_payload", f"holds no tensor called {name!r}")
            arrays[name] = _read(data, tensors[name], source)
    return arrays


def _read(data: Bytes, header: TensorHeader, source: Source) -> np.ndarray:
    if header.form == "sparse":
        raise ModelError("sparse", f"{header.name!r} is a sparse tensor")
    try:
        if header.raw and _is_plain(header) and not header.external:
            return _array(data[slice(*header.raw)], header)
        message = _message(data, header)
        if header.form == "list":
            return _read_list(AttributeProto.FromString(message), header)
        if header.external:
            return _read_external(TensorProto.FromString(message), header, source)
        return array_of(TensorProto.FromString(message)).copy()
    except (ValueError, TypeError, RuntimeError, DecodeError) as e:
        raise ModelError("payload_mismatch", f"{header.name!r}: {e}") from e


def _message(data: Bytes, header: TensorHeader) -> bytes:
    return b"".join(data[start:stop] for start, stop in header.spans)


def _is_plain(header: TensorHeader) -> bool:
    """Whether elements are whole bytes, stored as numpy stores them."""
    return bits_of(header.data_type) % 8 == 0


def _array(raw: bytes, header: TensorHeader) -> np.ndarray:
    kind = helper.tensor_dtype_to_np_dtype(header.data_type)
    little = kind.newbyteorder("<") if kind.kind in "iufc" else kind
    return np.frombuffer(bytearray(raw), little).reshape(header.dims)


def _read_list(attribute: AttributeProto, header: TensorHeader) -> np.ndarray:
    value = helper.get_attribute_value(attribute)
    if header.data_type == TensorProto.STRING:
        return np.array(value, dtype=object).reshape(header.dims)
    kind = helper.tensor_dtype_to_np_dtype(header.data_type)
    return np.array(value, kind).reshape(header.dims)


def _read_external(tensor: TensorProto, header: TensorHeader, source: Source) -> np.ndarray:
    entries = {entry.key: entry.value for entry in tensor.external_data}
    path = _inside_folder(str(entries.get("location", "")), header, source)
    needed = bytes_of(header.data_type, header.elements)
    offset, length = int(entries.get("offset", 0)), int(entries.get("length", needed))
    if offset < 0 or length != needed or header.data_type == TensorProto.STRING:
        raise ModelError("payload_mismatch", f"{header.name!r}: {length} bytes at {offset}")
    try:
        if offset + length > path.stat().st_size:
            raise ModelError("truncated", f"{path.name} ends before {header.name!r} does")
        with path.open("rb") as file:
            file.seek(offset)
            raw = file.read(length)
    except OSError as e:
        raise ModelError("missing", f"external data {path.name}: {e.strerror}") from e
    if _is_plain(header):
        return _array(raw, header)
    whole = TensorProto(data_type=header.data_type, dims=header.dims, raw_data=raw)
    return array_of(whole).copy()


def _inside_folder(location: str, header: TensorHeader, source: Source) -> Path:
    """The file of a tensor's external data. Raises ModelError: external_path, missing."""
    model = local_path(source)
    if model is None:
        detail = f"{header.name!r} is stored outside a file that has no folder here"
        raise ModelError("external_data", detail)
    folder = model.parent.resolve()
    if not location or "\0" in location:
        raise ModelError("external_path", f"external data {location!r} names no file")
    path = (folder / location).resolve()
    if not path.is_relative_to(folder):
        raise ModelError("external_path", f"external data {location!r} leaves the folder")
    if not path.is_file():
        raise ModelError("missing", f"external data {location!r} is no file")
    return path

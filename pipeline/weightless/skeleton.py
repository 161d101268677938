"""The ONNX file without its weights, over any source, never reading one of them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from google.protobuf.descriptor import Descriptor
from google.protobuf.message import DecodeError
from onnx import ModelProto, NodeProto, ValueInfoProto

from pipeline.errors import ModelError
from pipeline.weightless.arrays import refuse_external_data
from pipeline.weightless.copy import NODE_DROPPED, WeightlessCopy
from pipeline.weightless.ranges import Source, open_ranges
from pipeline.weightless.tensors import MAX_ELEMENTS, TensorHeader, shape_only
from pipeline.weightless.wire import BYTES, WireReader

DATA_INPUTS = "nn2vec.data_inputs"  # metadata: the real inputs' names, one a line
COUNTED_FROM = 1 << 20  # bytes of skeleton from which its messages are counted before parsing
MAX_DEPTH = 100  # protobuf's own limit of nesting


def read_skeleton(
    source: Source, storage_options: Mapping[str, Any] | None = None
) -> ModelProto:
    """A path, seekable binary file or fsspec address -> its model without weights.

    The result is a valid ONNX file. Integer tensors of up to 8192 bytes, any tensor of up to
    16 elements and the floats of a Constant node of up to 8192 bytes stay, for they may shape
    the computation. Every other initializer or
    Constant becomes a graph input of its type and dims, and the metadata entry
    ``nn2vec.data_inputs`` names the inputs that were inputs before. Documentation,
    ``value_info``, training info and quantisation annotations are dropped. External data is
    never opened. A file object is read from its beginning and left where it stood.

    A skeleton is its own skeleton, byte for byte when serialised deterministically.
    ``storage_options`` go to fsspec. Raises ModelError: those of ``open_ranges`` and of
    ``WeightlessCopy``, too_deep, external_data where what stays would have to be read from
    another file.
    """
    with open_ranges(source, storage_options) as data:
        copy = WeightlessCopy(data)
        model = _parse(copy.message)
        refuse_external_data(model)
        _check_names(model)
        _check_inputs(model)
        _note_data_inputs(model, copy)
        _declare_stripped(model, copy)
        _drop_documentation(model)
    return model


def data_inputs(skeleton: ModelProto) -> list[str] | None:
    """The names of a skeleton's real inputs, None when the file does not say."""
    for entry in skeleton.metadata_props:
        if entry.key == DATA_INPUTS:
            return entry.value.split("\n") if entry.value else []
    return None


def _parse(message: bytes) -> ModelProto:
    if len(message) > COUNTED_FROM:
        # two bytes of an empty message become about two hundred in memory
        _count_messages(message)
    try:
        return ModelProto.FromString(message)
    except DecodeError as e:
        if "MaxDepth" in str(e):
            raise ModelError("too_deep", "messages are nested too deep") from e
        raise ModelError("malformed", str(e)) from e


def _count_messages(message: bytes) -> None:
    """Walks all messages within a message. Raises ModelError: too_many_fields, too_deep."""
    reader = WireReader(message)
    pending: list[tuple[Descriptor, int, int, int]] = [
        (ModelProto.DESCRIPTOR, 0, len(message), 0)
    ]
    while pending:
        kind, start, end, depth = pending.pop()
        if depth > MAX_DEPTH:
            raise ModelError("too_deep", "messages are nested too deep")
        known = kind.fields_by_number
        for tag, _, begin, stop, _ in reader.fields(start, end):
            child = known.get(tag >> 3)
            if tag & 7 == BYTES and child is not None and child.message_type is not None:
                pending.append((child.message_type, begin, stop, depth + 1))


def _check_names(model: ModelProto) -> None:
    """protobuf hands out bytes for a string that is not UTF-8; nothing later expects those."""
    try:
        for node in model.graph.node:
            "".join((*_words(node), *(a.name for a in node.attribute)))
        for value in (*model.graph.input, *model.graph.output):
            "".join((value.name,))
        for entry in model.metadata_props:
            "".join((entry.key, entry.value))
        for opset in model.opset_import:
            "".join((opset.domain,))
        "".join((model.graph.name, model.producer_name, model.producer_version, model.domain))
    except TypeError as e:
        raise ModelError("malformed", "a name is not UTF-8") from e


def _words(node: NodeProto) -> Iterator[str]:
    yield from (node.op_type, node.name, node.domain)
    yield from node.input
    yield from node.output


def _check_inputs(model: ModelProto) -> None:
    for value in model.graph.input:
        elements = 1
        for dim in value.type.tensor_type.shape.dim:
            elements *= max(1, abs(dim.dim_value))  # -1 and 0 are how some files say "any"
        if elements > MAX_ELEMENTS:
            raise ModelError("dims", f"input {value.name!r} has more than 2^40 elements")


def _note_data_inputs(model: ModelProto, copy: WeightlessCopy) -> None:
    if data_inputs(model) is None:
        names = (value.name for value in model.graph.input)
        real = "\n".join(name for name in names if name not in copy.initializers)
        model.metadata_props.add(key=DATA_INPUTS, value=real)


def _declare_stripped(model: ModelProto, copy: WeightlessCopy) -> None:
    """A shape-only input for every tensor that was left out, in the order of the file."""
    inputs = {value.name: value for value in model.graph.input}
    for header in (*copy.initializers.values(), *copy.constants.values()):
        if not header.is_kept:
            _declare(model, inputs, header)


def _declare(
    model: ModelProto, inputs: dict[str, ValueInfoProto], header: TensorHeader
) -> None:
    declared = inputs.get(header.name)
    if declared is None:
        declared = model.graph.input.add(name=header.name)
    # the tensor knows its dims; what the input said of them may be vague
    declared.type.CopyFrom(shape_only(header.data_type, header.dims))


def _drop_documentation(model: ModelProto) -> None:
    known = NodeProto.DESCRIPTOR.fields_by_name
    dropped = [name for name in NODE_DROPPED if name in known]
    for node in model.graph.node:
        for name in dropped:
            node.ClearField(name)
    for tensor in model.graph.initializer:
        tensor.ClearField("doc_string")

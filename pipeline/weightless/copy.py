"""One pass over an ONNX file: weights are noted and skipped, all else is copied."""

from __future__ import annotations

from collections.abc import Iterator

from onnx import GraphProto, ModelProto, NodeProto

from pipeline.errors import ModelError
from pipeline.weightless.constants import scan_constant, scan_sparse
from pipeline.weightless.tensors import TensorHeader, scan_tensor
from pipeline.weightless.wire import Bytes, Field, WireReader, key, tagged

MAX_NODES = 200_000
MAX_TENSORS = 200_000
MAX_FIELD = 1 << 20  # bytes of one field that is copied unseen
MAX_KEPT = 64 << 20  # bytes of everything that is copied
LONG_NODE = 1024  # a longer node may hold a payload
# op_type "Constant" as it is spelled on the wire: length, then the word
_CONSTANT = b"\x08Constant"

_MODEL = {f.name: f.number for f in ModelProto.DESCRIPTOR.fields}
_MODEL_KEYS = {
    number: key(number, 0 if name in ("ir_version", "model_version") else 2)
    for name, number in _MODEL.items()
}
_MODEL_DROPPED = {key(_MODEL["training_info"])}
_GRAPH = {f.name: f.number for f in GraphProto.DESCRIPTOR.fields}
_GRAPH_DROPPED = {
    key(_GRAPH[n]) for n in ("doc_string", "value_info", "quantization_annotation")
}
_NODE = {f.name: f.number for f in NodeProto.DESCRIPTOR.fields}
NODE_DROPPED = ("doc_string", "metadata_props", "device_configurations")
_NODE_DROPPED = {key(_NODE[name]) for name in NODE_DROPPED if name in _NODE}
_NODE_KEY, _TENSOR_KEY = key(_GRAPH["node"]), key(_GRAPH["initializer"])
_SPARSE_KEY = key(_GRAPH["sparse_initializer"])
_GRAPH_KEYS = {key(number) for number in _GRAPH.values()}


class WeightlessCopy:
    """What one pass found.

    ``message`` is a serialised ModelProto without weights. ``initializers`` and ``constants``
    hold the header of every tensor by name, kept or not, in file order.
    Raises ModelError from the constructor: not_onnx, truncated, malformed, too_many_nodes,
    too_many_tensors, too_many_fields, too_large, large_attribute, duplicate_name, unnamed,
    and those of :func:`~pipeline.weightless.tensors.scan_tensor`.
    """

    def __init__(self, data: Bytes) -> None:
        self.reader = WireReader(data)
        self.data = data
        self.initializers: dict[str, TensorHeader] = {}
        self.constants: dict[str, TensorHeader] = {}
        self.nodes = self.kept_bytes = 0
        self.message = self._model()

    def _model(self) -> bytes:
        parts: list[bytes] = []
        graphs = 0
        for tag, at, start, stop, _ in self._model_fields():
            if tag == _MODEL_KEYS[_MODEL["graph"]]:
                graphs += 1
                parts.append(tagged(_MODEL["graph"], self._graph(start, stop)))
            elif tag not in _MODEL_DROPPED:
                parts.append(self._copy(at, stop))
        if not graphs:
            raise ModelError("not_onnx", "holds no graph")
        return b"".join(parts)

    def _model_fields(self) -> Iterator[Field]:
        """Top-level fields; what does not even begin like a model is called no ONNX file."""
        first = True
        try:
            for found in self.reader.fields(0, self.reader.size):
                number = found[0] >> 3
                if _MODEL_KEYS.get(number, None if first else found[0]) != found[0]:
                    raise ModelError("not_onnx", f"field {number} is not one of a model's")
                first = False
                yield found
        except ModelError as e:
            if first:
                raise ModelError("not_onnx", f"does not begin like one: {e.detail}") from e
            raise

    def _graph(self, start: int, end: int) -> bytes:
        """A GraphProto without payloads. Fields that stay are copied in unbroken runs."""
        parts: list[bytes] = []
        run = start
        for tag, at, begin, stop, _ in self.reader.fields(start, end):
            replacement: bytes | None
            if tag == _NODE_KEY:
                if not self._may_hold_payload(begin, stop):
                    continue
                replacement = self._node(begin, stop)
            elif tag == _TENSOR_KEY:
                replacement = self._initializer(at, begin, stop)
            elif tag == _SPARSE_KEY:
                header = scan_sparse(self.reader, [(begin, stop)])
                self._note(self.initializers, header.name, header)
                replacement = None
            elif tag in _GRAPH_DROPPED:
                replacement = None
            else:
                self._check_copied(tag, stop - begin)
                continue
            if at > run:
                parts.append(self._copy_run(run, at))
            if replacement:
                parts.append(replacement)
            run = stop
        parts.append(self._copy_run(run, end))
        return b"".join(parts)

    def _may_hold_payload(self, start: int, stop: int) -> bool:
        self.nodes += 1
        if self.nodes > MAX_NODES:
            raise ModelError("too_many_nodes", f"more than {MAX_NODES:,} nodes")
        return stop - start > LONG_NODE or _CONSTANT in self.data[start:stop]

    def _node(self, start: int, end: int) -> bytes | None:
        """A node without its documentation; None for a Constant whose tensor is a weight."""
        parts: list[tuple[int, int]] = []
        outputs: list[tuple[int, int]] = []
        attributes: list[tuple[int, int]] = []
        words = {_NODE["op_type"]: "", _NODE["domain"]: ""}
        for tag, at, begin, stop, _ in self.reader.fields(start, end):
            if tag in _NODE_DROPPED:
                continue
            parts.append((at, stop))
            if tag == key(_NODE["output"]):
                outputs.append((begin, stop))
            elif tag == key(_NODE["attribute"]):
                attributes.append((begin, stop))
            elif tag >> 3 in words and tag & 7 == 2:
                words[tag >> 3] = self.reader.text(begin, stop)
        is_constant = words[_NODE["op_type"]] == "Constant"
        if is_constant and words[_NODE["domain"]] in ("", "ai.onnx") and len(outputs) == 1:
            header = self._constant(attributes)
            if header is not None:
                header.in_node = True
                self._note(self.constants, self.reader.text(*outputs[0]), header)
                if not header.is_kept:
                    return None
        size = sum(stop - at for at, stop in parts)
        if size > MAX_FIELD:
            detail = f"a {words[_NODE['op_type']]} node holds {size:,} bytes of attributes"
            raise ModelError("large_attribute", detail)
        return tagged(_GRAPH["node"], b"".join(self._copy(*part) for part in parts))

    def _constant(self, attributes: list[tuple[int, int]]) -> TensorHeader | None:
        headers = [scan_constant(self.reader, span) for span in attributes]
        found = [header for header in headers if header is not None]
        if len(found) > 1:
            raise ModelError("malformed", "a Constant with several values")
        return found[0] if found else None

    def _initializer(self, at: int, start: int, stop: int) -> bytes | None:
        header = scan_tensor(self.reader, (start, stop))
        self._note(self.initializers, header.name, header)
        return self._copy(at, stop) if header.is_kept else None

    def _note(self, where: dict[str, TensorHeader], name: str, header: TensorHeader) -> None:
        if not name:
            raise ModelError("unnamed", "a tensor without a name")
        if name in self.initializers or name in self.constants:
            raise ModelError("duplicate_name", f"two tensors are called {name!r}")
        header.name = name
        where[name] = header
        if len(self.initializers) + len(self.constants) > MAX_TENSORS:
            raise ModelError("too_many_tensors", f"more than {MAX_TENSORS:,} tensors")

    def _check_copied(self, tag: int, size: int) -> None:
        if tag not in _GRAPH_KEYS and tag >> 3 in _GRAPH.values():
            raise ModelError("malformed", f"wire type of graph field {tag >> 3} is wrong")
        if size > MAX_FIELD:
            raise ModelError("too_large", f"graph field {tag >> 3} holds {size:,} bytes")

    def _copy(self, start: int, stop: int) -> bytes:
        if stop - start > MAX_FIELD:
            raise ModelError("too_large", f"a field of {stop - start:,} bytes")
        return self._copy_run(start, stop)

    def _copy_run(self, start: int, stop: int) -> bytes:
        self.kept_bytes += stop - start
        if self.kept_bytes > MAX_KEPT:
            raise ModelError("too_large", f"more than {MAX_KEPT:,} bytes besides weights")
        return self.data[start:stop]

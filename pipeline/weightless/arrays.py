"""A tensor's values without ever opening a file: onnx would, wherever a tensor names one."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np
from onnx import GraphProto, ModelProto, TensorProto, numpy_helper

from pipeline.errors import ModelError


def refuse_external_data(model: ModelProto) -> None:
    """Raises ModelError("external_data") where any tensor of a model in memory says that its
    values stand in another file: an initializer's, an attribute's, at any depth.

    onnx opens such files by itself, below the working folder, wherever it meets one. So this
    runs before a stranger's model reaches any function of onnx.
    """
    pending: list[Any] = [model.graph, *model.functions]
    while pending:
        body = pending.pop()
        attributes = [a for node in body.node for a in node.attribute]
        if isinstance(body, GraphProto):
            _refuse_external(body.initializer)
            _refuse_external(t for s in body.sparse_initializer for t in (s.values, s.indices))
        else:
            attributes += body.attribute_proto
        for attribute in attributes:
            if attribute.HasField("t"):
                _refuse_external((attribute.t,))
            _refuse_external(attribute.tensors)
            sparse = [*attribute.sparse_tensors]
            if attribute.HasField("sparse_tensor"):
                sparse.append(attribute.sparse_tensor)
            _refuse_external(t for s in sparse for t in (s.values, s.indices))
            if attribute.HasField("g"):
                pending.append(attribute.g)
            pending += attribute.graphs


def _refuse_external(tensors: Iterable[TensorProto]) -> None:
    for tensor in tensors:
        if tensor.data_location == TensorProto.EXTERNAL:
            detail = f"{tensor.name!r} keeps its values in another file"
            raise ModelError("external_data", detail)


def array_of(tensor: TensorProto) -> np.ndarray:
    """A tensor's values, which stand in it. Raises ModelError: external_data, bad_tensor."""
    _refuse_external((tensor,))
    try:
        return numpy_helper.to_array(tensor)
    except (ValueError, TypeError, KeyError, OverflowError) as e:
        raise ModelError("bad_tensor", f"a tensor cannot be decoded: {e}") from e

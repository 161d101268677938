"""The rules on layers with parameters: Gemm, MatMul, the normalisations, PRelu."""

from __future__ import annotations

from dataclasses import replace
from math import prod

from pipeline.decode.repair.builder import Adapter, Call, Change, whole, with_values
from pipeline.graph.network import Value
from pipeline.operators.registry import operator_of

MAX_FEATURES = 2**14
MAX_MATRIX = 2**24  # elements of a matrix that a layer gets which did not fit


def flatten_operand(call: Call) -> Change | None:
    """Rule: Gemm takes rows: a map is flattened first, and averaged before that where its
    matrix would have too many elements."""
    rank = len(call.shape)
    if rank == 2:
        return None
    if rank < 2:
        return Change(call.vertex, "Gemm takes rows", (Adapter(0, "Reshape", ROW),))
    features = whole(call.values.get("out_features"), 1, MAX_FEATURES) or 1
    is_large = 3 <= rank <= 5 and prod(call.shape[1:]) * features > MAX_MATRIX
    averaged = (Adapter(0, "GlobalAveragePool", ()),) if is_large else ()
    flattened = Adapter(0, "Flatten", (("axis", 1),))
    return Change(call.vertex, "Gemm takes rows", (*averaged, flattened))


def plain_gemm(call: Call) -> Change | None:
    """Rule: a Gemm whose matrices do not fit is a linear layer with the same outputs."""
    values = call.values
    out = whole(values.get("out_features"), 1, MAX_FEATURES)
    spelled = values.get("B.parameter")
    if out is None and isinstance(spelled, tuple) and len(spelled) == 2:
        out = whole(spelled[0 if values.get("transB") else 1], 1, MAX_FEATURES)
    kept: dict[str, Value] = {
        "alpha": 1.0, "beta": 1.0, "transA": 0, "transB": 1, "bias": 1,
        "out_features": out or min(call.shape[-1], MAX_FEATURES),
    }  # fmt: skip
    return _plain(call, "its matrices do not fit", kept)


def fit_matrix(call: Call) -> Change | None:
    """Rule: a MatMul that does not fit multiplies its first operand by its own matrix."""
    second = call.values.get("B.parameter") or call.tensors[-1].shape
    width = second[-1] if isinstance(second, tuple) and second else call.shape[-1]
    kept: dict[str, Value] = {
        "B.parameter": (call.shape[-1], whole(width, 1, MAX_FEATURES) or 1)
    }
    return _plain(call, "its matrices do not fit", kept)


def own_parameters(call: Call) -> Change | None:
    """Rule: a normalisation has parameters of its own, as many as its input asks for."""
    operator = operator_of(call.operator)
    assert operator is not None
    formals = operator.torch_names.keys()
    kept = {n: v for n, v in call.vertex.attributes if n.partition(".")[0] not in formals}
    kept |= dict.fromkeys(operator.summary, 1)
    if "axis" in kept:  # what it normalises is more than one number
        axis = whole(kept.get("axis"), 1, len(call.shape) - 1) or len(call.shape) - 1
        kept["axis"] = axis if prod(call.shape[axis:]) > 1 else min(1, len(call.shape) - 1)
    return _plain(call, "its parameters do not fit", kept)


def _plain(call: Call, reason: str, kept: dict[str, Value]) -> Change | None:
    gone = {name for name, _ in call.vertex.attributes} - kept.keys()
    changed = with_values(call, reason, **dict.fromkeys(gone), **kept)
    if len(call.vertex.operands) == 1 and call.vertex.operands[0].position == 0:
        return changed
    one = (replace(call.vertex.operands[0], position=0),)
    vertex = call.vertex if changed is None else changed.vertex
    return Change(replace(vertex, operands=one), reason)


ROW: tuple[tuple[str, Value], ...] = (("shape", (0, -1)),)

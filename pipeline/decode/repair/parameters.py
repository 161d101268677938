"""The rules on layers with parameters: Gemm, MatMul, the normalisations, PRelu."""

from __future__ import annotations

from dataclasses import replace
from math import prod

from pipeline.decode.repair.case import Adapter, Case, Change, whole, with_values
from pipeline.graph.network import Value
from pipeline.operators.registry import operator_of

NORMALISING = frozenset(
    {"BatchNormalization", "InstanceNormalization", "LayerNormalization", "PRelu"}
)
MAX_FEATURES = 2**14
MAX_MATRIX = 2**24  # elements of a matrix that a layer gets which did not fit


def flatten_operand(case: Case) -> Change | None:
    """Rule: Gemm takes rows: a map is flattened first, and averaged before that where its
    matrix would have too many elements."""
    rank = len(case.shape)
    if rank == 2:
        return None
    if rank < 2:
        return Change(case.vertex, "Gemm takes rows", (Adapter(0, "Reshape", ROW),))
    features = whole(case.values.get("out_features"), 1, MAX_FEATURES) or 1
    is_large = 3 <= rank <= 5 and prod(case.shape[1:]) * features > MAX_MATRIX
    averaged = (Adapter(0, "GlobalAveragePool", ()),) if is_large else ()
    flattened = Adapter(0, "Flatten", (("axis", 1),))
    return Change(case.vertex, "Gemm takes rows", (*averaged, flattened))


def plain_gemm(case: Case) -> Change | None:
    """Rule: a Gemm whose matrices do not fit is a linear layer with the same outputs."""
    values = case.values
    out = whole(values.get("out_features"), 1, MAX_FEATURES)
    spelled = values.get("B.parameter")
    if out is None and isinstance(spelled, tuple) and len(spelled) == 2:
        out = whole(spelled[0 if values.get("transB") else 1], 1, MAX_FEATURES)
    kept: dict[str, Value] = {
        "alpha": 1.0, "beta": 1.0, "transA": 0, "transB": 1, "bias": 1,
        "out_features": out or min(case.shape[-1], MAX_FEATURES),
    }  # fmt: skip
    return _plain(case, "its matrices do not fit", kept)


def fit_matrix(case: Case) -> Change | None:
    """Rule: a MatMul that does not fit multiplies its first operand by its own matrix."""
    second = case.values.get("B.parameter") or case.flows[-1].shape
    width = second[-1] if isinstance(second, tuple) and second else case.shape[-1]
    kept: dict[str, Value] = {
        "B.parameter": (case.shape[-1], whole(width, 1, MAX_FEATURES) or 1)
    }
    return _plain(case, "its matrices do not fit", kept)


def own_parameters(case: Case) -> Change | None:
    """Rule: a normalisation has parameters of its own, as many as its input asks for."""
    operator = operator_of(case.operator)
    assert operator is not None
    formals = set(dict(operator.torch_names))
    kept = {n: v for n, v in case.vertex.attributes if n.partition(".")[0] not in formals}
    if case.operator == "LayerNormalization":
        kept["bias"] = 1
        axis = whole(kept.get("axis"), 1, len(case.shape) - 1) or len(case.shape) - 1
        kept["axis"] = axis if prod(case.shape[axis:]) > 1 else min(1, len(case.shape) - 1)
    return _plain(case, "its parameters do not fit", kept)


def _plain(case: Case, reason: str, kept: dict[str, Value]) -> Change | None:
    gone = {name for name, _ in case.vertex.attributes} - kept.keys()
    changed = with_values(case, reason, **dict.fromkeys(gone), **kept)
    if len(case.vertex.operands) == 1 and case.vertex.operands[0].position == 0:
        return changed
    one = (replace(case.vertex.operands[0], position=0),)
    vertex = case.vertex if changed is None else changed.vertex
    return Change(replace(vertex, operands=one), reason)


ROW: tuple[tuple[str, Value], ...] = (("shape", (0, -1)),)

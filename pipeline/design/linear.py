"""A linear layer is Gemm on rows, MatMul and Add on more axes; its bias is its own.

Reason: exporters write a linear layer as Gemm with either side transposed, or as MatMul and
Add, with the weight transposed beforehand or not. ONNX's Gemm takes two axes only, so that
MatMul and Add is the one form beyond.
Requires: weights, not data, at the right. Ensures: Gemm of rows is ``x @ W.T`` (+ bias) with
no other factor; no MatMul of rows by a weight; no Add of a bias after Gemm or Conv.
"""

from __future__ import annotations

from typing import Any

from pipeline.design.rewriter import Rewriter, Rule, vertex_of
from pipeline.graph.network import Value, Vertex
from pipeline.operators.operands import PARAMETER

PLAIN: dict[str, Value] = {"alpha": 1.0, "beta": 1.0, "transA": 0, "transB": 1}


def spell_gemm(rewriter: Rewriter, index: int) -> bool:
    """Factors and transposition that a weight can hold -> 1 and ``transB``."""
    vertex = rewriter.vertices[index]
    bias = vertex.get("bias")
    if len(vertex.operands) != 1 or vertex.get("transA") or not isinstance(bias, int):
        return False
    values = PLAIN | {"bias": bias, "out_features": rewriter.outputs[index][0].shape[1]}
    plain = vertex_of("Gemm", values, vertex.operands[0])
    if plain == vertex:
        return False
    rewriter.replace(index, plain)
    return True


def from_matmul(rewriter: Rewriter, index: int) -> bool:
    """``x @ w`` of rows -> Gemm."""
    vertex = rewriter.vertices[index]
    weight = vertex.get("B" + PARAMETER)
    rows = len(rewriter.tensor(vertex.operands[0]).shape) == 2
    if not rows or not isinstance(weight, tuple) or len(weight) != 2:
        return False
    if [name for name, _ in vertex.attributes] != ["B" + PARAMETER]:
        return False  # of another type
    values = PLAIN | {"bias": 0, "out_features": weight[1]}
    rewriter.replace(index, vertex_of("Gemm", values, vertex.operands[0]))
    return True


def take_bias(rewriter: Rewriter, index: int) -> bool:
    """``conv(x) + b`` with one number a channel -> Conv with a bias; the same of Gemm."""
    vertex = rewriter.vertices[index]
    if len(vertex.operands) != 1 or [n for n, _ in vertex.attributes] != ["B" + PARAMETER]:
        return False
    before = vertex.operands[0].source
    layer = rewriter.only(before)
    if layer is None or not has_own_bias(layer):
        return False
    shape: Any = rewriter.outputs[before][0].shape
    channels = (shape[1], *(1,) * (len(shape) - 2))
    if vertex.get("B" + PARAMETER) != channels or rewriter.outputs[index][0].shape != shape:
        return False
    rewriter.replace(before, with_bias(layer))
    rewriter.bypass(index, vertex.operands[0])
    return True


def has_own_bias(layer: Vertex) -> bool:
    """Whether it is a layer whose parameters are its weight and perhaps its bias."""
    is_linear = layer.operator in ("Conv", "ConvTranspose", "Gemm")
    return is_linear and layer.get("bias") is not None and len(layer.operands) == 1


def with_bias(layer: Vertex) -> Vertex:
    """The same layer with a bias."""
    values = dict(layer.attributes) | {"bias": 1}
    return Vertex(layer.operator, tuple(sorted(values.items())), layer.operands)


RULES = (
    Rule("Gemm", ("Gemm",), spell_gemm),
    Rule("Gemm of MatMul", ("MatMul",), from_matmul),
    Rule("bias", ("Add",), take_bias),
)

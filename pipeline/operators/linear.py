"""Gemm and MatMul."""

from __future__ import annotations

import operator
from math import prod
from typing import Any

from pipeline.graph.network import Shape
from pipeline.operators.registry import Example, Operator, Shapes, Values, register


def summarise_gemm(shapes: Shapes, values: Values) -> Values:
    """(B, C) -> out_features, bias, as a linear layer has them; others are spelled out."""
    columns = shapes["B"][0 if values["transB"] else 1]
    return {"out_features": columns, "bias": int("C" in shapes)}


def gemm_parameters(values: Values, first: Shape) -> Shapes:
    """B is (in_features, out_features) or, transposed, the other way round; C is
    (out_features,)."""
    out: Any = values["out_features"]
    features = first[0 if values["transA"] else 1]
    rows = {"B": (out, features) if values["transB"] else (features, out)}
    return rows | ({"C": (out,)} if values["bias"] else {})


def usual_gemm(shape: Shape) -> Values:
    """A linear layer of as many features as come in."""
    return {"out_features": shape[-1], "bias": 1, "transB": 1}


def usual_matmul(shape: Shape) -> Values:
    """A square matrix of its own."""
    return {"B.parameter": (shape[-1], shape[-1])}


def gemm_macs(shapes: Shapes, out: Shape) -> int:
    """For every number of A, one for each column of the output."""
    return prod(shapes["A"]) * out[1]


def matmul_macs(shapes: Shapes, out: Shape) -> int:
    """For every number of the output, one for each column of A."""
    return prod(out) * shapes["A"][-1]


def build_gemm(layer: Any) -> Any:
    """nn.Linear where it is one, else alpha * A @ B + beta * C."""
    weight, bias = layer.parameter_shape("B"), layer.parameter_shape("C")
    is_linear = (
        layer.has_edge(0)
        and (layer["alpha"], layer["beta"]) == (1.0, 1.0)
        and (layer["transA"], layer["transB"]) == (0, 1)
        and weight is not None
        and (bias == (weight[0],) or layer.operand_shape(2) is None)
    )
    if is_linear:
        linear = layer.nn.Linear(weight[1], weight[0], bias=bias is not None)
        return layer.module(linear, layer.x)
    a, b = (
        layer.method("t", layer.operand(position)) if layer[name] else layer.operand(position)
        for position, name in enumerate(("transA", "transB"))
    )
    product = layer.call(operator.matmul, a, b)
    if layer["alpha"] != 1.0:
        product = layer.call(operator.mul, product, layer["alpha"])
    c = layer.operand(2)
    if c is None:
        return product
    scaled = c if layer["beta"] == 1.0 else layer.call(operator.mul, c, layer["beta"])
    return layer.call(operator.add, product, scaled)


def build_matmul(layer: Any) -> Any:
    """``a @ b``."""
    return layer.call(operator.matmul, layer.operand(0), layer.operand(1))


register(
    Operator(
        name="Gemm",
        paper=True,
        summarise=summarise_gemm,
        parameters=gemm_parameters,
        macs=gemm_macs,
        torch_names={"B": "weight", "C": "bias"},
        summary=("out_features", "bias"),
        width="out_features",
        usual=usual_gemm,
        choices={"bias": (0, 1), "transA": (0, 1), "transB": (0, 1)},
        build=build_gemm,
        examples=(
            Example(((1, 6),), {"transB": 1}, {"B": (4, 6), "C": (4,)}),
            Example(((1, 6),), {"transB": 1}, {"B": (4, 6)}),
            Example(((1, 6),), {}, {"B": (6, 4), "C": (4,)}),
            Example(((1, 6),), {"transB": 1, "alpha": 0.5, "beta": 2.0},
                    {"B": (4, 6), "C": (4,)}),
            Example(((1, 6),), {"transB": 1}, {"B": (4, 6), "C": (1, 4)}),
            Example(((1, 6),), {"transB": 1}, {"B": (4, 6)}, {"C": 0.5}),
            Example(((3, 6),), {"transA": 1}, {"B": (3, 4), "C": (6, 1)}),
            Example(((3, 6), (6, 4), (3, 1)), {"beta": 0.5}),
            Example(((6, 4),), {"transB": 1}, {"A": (3, 4)}),
        ),
    )
)  # fmt: skip

register(
    Operator(
        name="MatMul",
        macs=matmul_macs,
        usual=usual_matmul,
        build=build_matmul,
        examples=(
            Example(((1, 6),), parameters={"B": (6, 4)}),
            Example(((1, 5, 6),), parameters={"B": (6, 4)}),
            Example(((1, 2, 5, 6), (1, 2, 6, 3))),
            Example(((1, 2, 5, 6),), parameters={"A": (3, 5)}),
            Example(((1, 3),), constants={"B": [[1.0, 2.0], [0.5, 0.0], [3.0, -1.0]]}),
        ),
    )
)

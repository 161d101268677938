"""Activations: elementwise functions with a torch layer of their own, and the softmaxes."""

from __future__ import annotations

import math
import operator
from collections.abc import Callable
from typing import Any

import numpy as np
from onnx import defs

from pipeline.graph.network import Shape, Value
from pipeline.operators.axes import Filled, fill_axis, scalar
from pipeline.operators.registry import Example, Operator, Shapes, Values, register

IMAGE = Example(((1, 4, 5, 6),))
ANY = (-math.inf, math.inf)


def close(a: float, b: float) -> bool:
    """Whether two attributes are the same float32."""
    return bool(np.float32(a) == np.float32(b))


def clean(value: float) -> float:
    """A float32 attribute in its shortest decimal form: 0.1, not 0.10000000149011612."""
    return float(str(np.float32(value)))


def register_layer(
    name: str,
    make: Callable[[Any], Any],
    *variants: dict[str, Value],
    paper: bool = False,
    **traits: Any,
) -> None:
    """An elementwise operator that is one torch layer, and an example for each variant."""
    examples = tuple(Example(((1, 4, 5, 6),), attributes) for attributes in variants)
    register(
        Operator(
            name=name,
            paper=paper,
            elementwise=True,
            keeps_channels=True,
            **traits,
            build=lambda layer: layer.module(make(layer)),
            examples=(IMAGE, *examples),
        )
    )


register_layer("Relu", lambda layer: layer.nn.ReLU(), paper=True)
register_layer("Sigmoid", lambda layer: layer.nn.Sigmoid(), paper=True)
register_layer("Tanh", lambda layer: layer.nn.Tanh(), paper=True)
register_layer("HardSwish", lambda layer: layer.nn.Hardswish())
register_layer("Softplus", lambda layer: layer.nn.Softplus())
register_layer("Softsign", lambda layer: layer.nn.Softsign())
register_layer("Mish", lambda layer: layer.nn.Mish())
register_layer("LeakyRelu", lambda layer: layer.nn.LeakyReLU(clean(layer["alpha"])),
               {"alpha": 0.2}, paper=True)  # fmt: skip
register_layer("Elu", lambda layer: layer.nn.ELU(clean(layer["alpha"])),
               {"alpha": 0.5}, paper=True)  # fmt: skip
register_layer("Celu", lambda layer: layer.nn.CELU(clean(layer["alpha"])), {"alpha": 0.7},
               ranges={"alpha": (1e-3, 1e6)})  # fmt: skip
register_layer("ThresholdedRelu",
               lambda layer: layer.nn.Threshold(clean(layer["alpha"]), 0.0),
               {"alpha": 0.3})  # fmt: skip
register_layer("Gelu", lambda layer: layer.nn.GELU(layer["approximate"]),
               {"approximate": "tanh"}, choices={"approximate": ("none", "tanh")})  # fmt: skip


def build_hard_sigmoid(layer: Any) -> Any:
    """nn.Hardsigmoid for a slope of 1/6, else a clamped line."""
    if close(layer["alpha"], 1 / 6) and close(layer["beta"], 0.5):
        return layer.module(layer.nn.Hardsigmoid())
    scaled = layer.call(operator.mul, layer.x, clean(layer["alpha"]))
    line = layer.call(operator.add, scaled, clean(layer["beta"]))
    return layer.call(layer.torch.clamp, line, min=0.0, max=1.0)


def build_selu(layer: Any) -> Any:
    """nn.SELU for its own constants, else gamma times nn.functional.elu."""
    defaults = {n: a.default_value.f for n, a in defs.get_schema("Selu").attributes.items()}
    if all(close(layer[name], value) for name, value in defaults.items()):
        return layer.module(layer.nn.SELU())
    y = layer.call(layer.functional.elu, layer.x, alpha=clean(layer["alpha"]))
    return layer.call(operator.mul, y, clean(layer["gamma"]))


def fill_clip(values: Values, first: Shape, parameters: Shapes) -> Filled:
    """Limits as scalars."""
    return scalar(values, "min") | scalar(values, "max")


def check_clip(layer: Any) -> str | None:
    """Limits are scalars, which ONNX's inference overlooks."""
    is_odd = any(tensor.shape for tensor in layer.operands[1:])
    return "limits that are no scalars" if is_odd else None


def build_clip(layer: Any) -> Any:
    """nn.ReLU for (0, inf), nn.ReLU6 for (0, 6), else a clamp, of either or both limits."""
    low, high = layer.operand(1), layer.operand(2)
    if (low, high) == (0.0, 6.0):
        return layer.module(layer.nn.ReLU6())
    if low == 0.0 and (high is None or high == math.inf):
        return layer.module(layer.nn.ReLU())
    if low is None and high is None:
        return layer.module(layer.nn.Identity())
    limits = {"min": low, "max": high}
    return layer.call(
        layer.torch.clamp, layer.x, **{k: v for k, v in limits.items() if v is not None}
    )


def prelu_parameters(values: Values, first: Shape) -> Shapes:
    """A slope for each channel, (C, 1, ...); other shapes are spelled out."""
    return {"slope": (first[1], *(1,) * (len(first) - 2))}


def build_prelu(layer: Any) -> Any:
    """torch.where: nn.PReLU's slope cannot have the shapes ONNX's may."""
    negative = layer.call(operator.mul, layer.x, layer.operand(1))
    return layer.call(
        layer.torch.where, layer.call(operator.lt, layer.x, 0), negative, layer.x
    )


SOFTMAX_EXAMPLES = (
    Example(((1, 10),)),
    Example(((1, 4, 3, 5),), {"axis": 1}),
    Example(((1, 4, 3, 5),), {"axis": -2}),
)

register(
    Operator(
        name="HardSigmoid",
        elementwise=True,
        keeps_channels=True,
        build=build_hard_sigmoid,
        examples=(
            Example(((1, 4, 5, 6),)),
            Example(((1, 4, 5, 6),), {"alpha": 1 / 6}),
            Example(((1, 4, 5, 6),), {"alpha": 0.4, "beta": 0.3}),
        ),
    )
)
register(
    Operator(
        name="Selu",
        elementwise=True,
        keeps_channels=True,
        build=build_selu,
        examples=(IMAGE, Example(((1, 4, 5, 6),), {"alpha": 1.2, "gamma": 0.9})),
    )
)
register(
    Operator(
        name="Clip",
        fill=fill_clip,
        structural=("min", "max"),
        elementwise=True,
        keeps_channels=True,
        ranges={"min": ANY, "max": ANY},
        check=check_clip,
        build=build_clip,
        examples=(
            Example(((1, 4, 5, 6),), constants={"min": 0.0, "max": 6.0}),
            Example(((1, 4, 5, 6),), constants={"min": -0.5, "max": 0.25}),
            Example(((1, 4, 5, 6),), constants={"max": 0.25}),
            Example(((1, 4, 5, 6),), constants={"min": 0.0}),
            IMAGE,
        ),
    )
)
register(
    Operator(
        name="PRelu",
        parameters=prelu_parameters,
        torch_names={"slope": "weight"},
        initial={"slope": 0.25},
        elementwise=True,
        keeps_channels=True,
        build=build_prelu,
        examples=(
            Example(((1, 4, 5, 6),), parameters={"slope": (4, 1, 1)}),
            Example(((1, 4, 5, 6),), parameters={"slope": (1,)}),
            Example(((1, 4, 5, 6),), parameters={"slope": (1, 6)}),
            Example(((1, 4),), parameters={"slope": (4,)}),
            Example(((1, 4, 5, 6),), constants={"slope": [0.2]}),
        ),
    )
)
register(
    Operator(
        name="Softmax",
        keeps_channels=True,
        fill=fill_axis,
        build=lambda layer: layer.module(layer.nn.Softmax(dim=layer["axis"])),
        examples=SOFTMAX_EXAMPLES,
    )
)
register(
    Operator(
        name="LogSoftmax",
        keeps_channels=True,
        fill=fill_axis,
        build=lambda layer: layer.module(layer.nn.LogSoftmax(dim=layer["axis"])),
        examples=SOFTMAX_EXAMPLES,
    )
)

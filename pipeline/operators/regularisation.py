"""Dropout."""

from __future__ import annotations

from pipeline.graph.network import Shape
from pipeline.operators.activation import clean
from pipeline.operators.axes import Filled, scalar
from pipeline.operators.registry import Example, Operator, Shapes, Values, register

DEFAULT_RATIO = 0.5  # https://onnx.ai/onnx/operators/onnx__Dropout.html#inputs


def fill_dropout(values: Values, first: Shape, parameters: Shapes) -> Filled:
    """The ratio, which ONNX leaves to prose."""
    return {"ratio": values.get("ratio", DEFAULT_RATIO), **scalar(values, "ratio")}


register(
    Operator(
        name="Dropout",
        fill=fill_dropout,
        structural=("ratio", "training_mode"),
        elementwise=True,
        keeps_channels=True,
        ranges={"ratio": (0.0, 1.0)},
        drop=("seed", "training_mode"),  # a run's, not the network's
        build=lambda layer: layer.module(layer.nn.Dropout(clean(layer["ratio"]))),
        examples=(
            Example(((1, 4, 5, 6),)),
            Example(((1, 16),), {"seed": 3}, constants={"ratio": 0.2}),
            Example(((1, 16),), constants={"ratio": 0.0}),
        ),
    )
)

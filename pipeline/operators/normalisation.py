"""Batch, instance, layer and local response normalisation, and their parameterless kin."""

from __future__ import annotations

import math
import operator
from collections.abc import Iterable
from typing import Any

from pipeline.errors import UnsupportedOperator
from pipeline.graph.network import Shape
from pipeline.operators.activation import clean
from pipeline.operators.axes import Filled, fill_axis, reduced_axes
from pipeline.operators.registry import (
    Example,
    Operator,
    Shapes,
    Values,
    register,
    registered,
)

STATISTICS = {"scale": "weight", "B": "bias",
              "input_mean": "running_mean", "input_var": "running_var"}  # fmt: skip
DIMENSIONS = {2: "1d", 3: "1d", 4: "2d", 5: "3d"}  # of torch's layer, by rank of the input
EPSILON = (1e-37, 1.0)
SHARE = (0.0, 1.0)
DIVISOR = (1e-3, 1e6)
VARIANCE_FLOOR = 1e-9  # https://onnx.ai/onnx/operators/onnx__MeanVarianceNormalization.html


def batch_parameters(values: Values, first: Shape) -> Shapes:
    """Four vectors, one number a channel."""
    return dict.fromkeys(STATISTICS, (first[1],))


def is_plain(layer: Any, scale: str) -> bool:
    """Whether scale and shift are the constants 1 and 0, and so no parameters of the layer."""
    scales, shifts = layer.get(scale), layer.get("B")
    if not isinstance(scales, tuple) or not isinstance(shifts, tuple):
        return False
    return set(scales) == {1.0} and set(shifts) == {0.0}


def has_weights(layer: Any, names: Iterable[str]) -> bool:
    """Whether all of these are parameters."""
    return all(layer.parameter_shape(name) is not None for name in names)


def build_batch_normalisation(layer: Any) -> Any:
    """nn.BatchNorm1d/2d/3d; torch's momentum is the new batch's share, ONNX's the old's."""
    dimensions = DIMENSIONS.get(len(layer.shape))
    affine = not is_plain(layer, "scale")
    names = list(STATISTICS) if affine else ["input_mean", "input_var"]
    if dimensions is None or not has_weights(layer, names):
        raise UnsupportedOperator(
            "unsupported_mode", "BatchNormalization by values that are no weights"
        )
    module = getattr(layer.nn, f"BatchNorm{dimensions}")(
        layer.shape[1],
        eps=clean(layer["epsilon"]),
        momentum=round(1 - clean(layer["momentum"]), 7),
        affine=affine,
    )
    return layer.module(module, layer.x)


def instance_parameters(values: Values, first: Shape) -> Shapes:
    """scale and B, one number a channel."""
    return {"scale": (first[1],), "B": (first[1],)}


def build_instance_normalisation(layer: Any) -> Any:
    """nn.InstanceNorm1d/2d/3d, or the function where scale and shift come from data."""
    epsilon, dimensions = clean(layer["epsilon"]), DIMENSIONS.get(len(layer.shape))
    affine = not is_plain(layer, "scale")
    if dimensions and (has_weights(layer, ("scale", "B")) or not affine):
        module = getattr(layer.nn, f"InstanceNorm{dimensions}")(
            layer.shape[1], eps=epsilon, affine=affine
        )
        return layer.module(module, layer.x)
    y = layer.call(layer.functional.instance_norm, layer.x, eps=epsilon)
    by_channel = (-1, *(1,) * (len(layer.shape) - 2))
    for function, position in ((operator.mul, 1), (operator.add, 2)):
        vector = layer.method("reshape", layer.operand(position), by_channel)
        y = layer.call(function, y, vector)
    return y


def summarise_layer(shapes: Shapes, values: Values) -> Values:
    """(Scale, B) -> bias."""
    return {"bias": int("B" in shapes)} if "Scale" in shapes else {}


def layer_parameters(values: Values, first: Shape) -> Shapes:
    """Scale and B have the shape that is normalised."""
    axis: Any = values["axis"]
    normalised = first[axis:]
    return {"Scale": normalised} | ({"B": normalised} if values["bias"] else {})


def build_layer_normalisation(layer: Any) -> Any:
    """nn.LayerNorm, or the function with a scale and shift that need not be parameters."""
    normalised, epsilon = layer.shape[layer["axis"] :], clean(layer["epsilon"])
    bias = layer.operand_shape(2)
    if is_plain(layer, "Scale"):
        module = layer.nn.LayerNorm(normalised, eps=epsilon, elementwise_affine=False)
        return layer.module(module, layer.x)
    weights = [layer.parameter_shape(name) for name in ("Scale", "B")]
    if weights == [normalised, bias] and bias in (None, normalised):
        module = layer.nn.LayerNorm(normalised, eps=epsilon, bias=bias is not None)
        return layer.module(module, layer.x)
    y = layer.call(layer.functional.layer_norm, layer.x, normalised, eps=epsilon)
    y = layer.call(operator.mul, y, layer.operand(1))
    return y if bias is None else layer.call(operator.add, y, layer.operand(2))


def build_local_response(layer: Any) -> Any:
    """nn.LocalResponseNorm; ONNX Runtime refuses an even size, whose window ONNX and torch
    centre differently, and so do we."""
    if layer["size"] % 2 == 0:
        raise UnsupportedOperator("unsupported_mode", f"LRN: the even size {layer['size']}")
    alpha, beta, bias = (clean(layer[name]) for name in ("alpha", "beta", "bias"))
    return layer.module(layer.nn.LocalResponseNorm(layer["size"], alpha, beta, bias))


def build_lp_normalisation(layer: Any) -> Any:
    """nn.functional.normalize."""
    return layer.call(
        layer.functional.normalize, layer.x, p=float(layer["p"]), dim=layer["axis"]
    )


def fill_mean_variance(values: Values, first: Shape, parameters: Shapes) -> Filled:
    """Axes counted from the front."""
    return {"axes": reduced_axes(values, len(first))}


def build_mean_variance(layer: Any) -> Any:
    """(x - mean) / (standard deviation + 1e-9)."""
    axes = layer["axes"]
    centred = layer.call(
        operator.sub, layer.x, layer.method("mean", layer.x, axes, keepdim=True)
    )
    deviation = layer.method("std", layer.x, axes, correction=0, keepdim=True)
    floored = layer.call(operator.add, deviation, VARIANCE_FLOOR)
    return layer.call(operator.truediv, centred, floored)


def why_odd_affine(layer: Any) -> str | None:
    """Why constants do not stand for a scale and a shift: they have another shape."""
    operator = registered()[layer.vertex.operator]
    values = {"bias": 1, **dict(layer.vertex.attributes)}
    implied = operator.parameters(values, layer.operands[0].shape)
    held = layer.constants.keys() & operator.torch_names.keys()
    if any(layer.constants[name].shape != implied.get(name) for name in held):
        return "a constant where its weights stand"
    return None


def check_instance(layer: Any) -> str | None:
    """Of maps only, in ONNX Runtime."""
    return "of maps only" if len(layer.operands[0].shape) < 3 else why_odd_affine(layer)


def check_mean_variance(layer: Any) -> str | None:
    """Over more than one place: ONNX Runtime gives no number where nothing varies."""
    axes: Any = layer.vertex.get("axes", ())
    places = math.prod(layer.operands[0].shape[axis] for axis in axes)
    return None if places > 1 else "over one place"


def check_local_response(layer: Any) -> str | None:
    """Of maps of two axes only, in ONNX Runtime."""
    return None if len(layer.operands[0].shape) == 4 else "of maps of two axes only"


def of_channels(channels: int, *names: str) -> dict[str, Shape]:
    """A vector of ``channels`` numbers under each name."""
    return dict.fromkeys(names, (channels,))


register(
    Operator(
        name="BatchNormalization",
        paper=True,
        parameters=batch_parameters,
        torch_names=STATISTICS,
        drop=("training_mode",),
        affine=("scale", "B"),
        initial={"scale": 1.0, "input_var": 1.0},
        keeps_channels=True,
        ranges={"epsilon": EPSILON, "momentum": SHARE},
        check=why_odd_affine,
        build=build_batch_normalisation,
        examples=(
            Example(((1, 4, 5, 6),), {}, of_channels(4, *STATISTICS)),
            Example(((1, 4, 5, 6),), {"epsilon": 1e-3, "momentum": 0.99},
                    of_channels(4, *STATISTICS)),
            Example(((1, 4),), {}, of_channels(4, *STATISTICS)),
            Example(((1, 4, 9),), {}, of_channels(4, *STATISTICS)),
            Example(((1, 4, 3, 5, 6),), {}, of_channels(4, *STATISTICS)),
            Example(((1, 2, 5, 6),), {}, of_channels(2, "input_mean", "input_var"),
                    {"scale": [1.0, 2.0], "B": [0.5, 0.0]}),
            Example(((1, 2, 5, 6),), {}, of_channels(2, "input_mean", "input_var"),
                    {"scale": [1.0, 1.0], "B": [0.0, 0.0]}),
            Example(((1, 2, 5, 6),), constants={
                "scale": [1.0, 2.0], "B": [0.0, 1.0],
                "input_mean": [0.1, 0.2], "input_var": [1.0, 2.0]}),
        ),
    )
)  # fmt: skip
register(
    Operator(
        name="InstanceNormalization",
        parameters=instance_parameters,
        torch_names={"scale": "weight", "B": "bias"},
        affine=("scale", "B"),
        initial={"scale": 1.0},
        keeps_channels=True,
        ranges={"epsilon": EPSILON},
        check=check_instance,
        build=build_instance_normalisation,
        examples=(
            Example(((1, 4, 5, 6),), {}, of_channels(4, "scale", "B")),
            Example(((1, 4, 9),), {"epsilon": 1e-3}, of_channels(4, "scale", "B")),
            Example(((1, 2, 3, 5, 6),), {}, of_channels(2, "scale", "B")),
            Example(((1, 2, 30),), constants={"scale": [1.0, 1.0], "B": [0.0, 0.5]}),
            Example(((1, 2, 30),), constants={"scale": [1.0, 1.0], "B": [0.0, 0.0]}),
            Example(((1, 2, 30), (2,), (2,))),
        ),
    )
)
register(
    Operator(
        name="LayerNormalization",
        fill=fill_axis,
        summarise=summarise_layer,
        parameters=layer_parameters,
        torch_names={"Scale": "weight", "B": "bias"},
        summary=("bias",),
        affine=("Scale", "B"),
        initial={"Scale": 1.0},
        keeps_channels=True,
        usual=lambda _: {"bias": 1},
        choices={"bias": (0, 1)},
        ranges={"epsilon": EPSILON},
        check=why_odd_affine,
        drop=("stash_type",),  # a kernel's precision
        build=build_layer_normalisation,
        examples=(
            Example(((1, 7, 8),), {}, {"Scale": (8,), "B": (8,)}),
            Example(((1, 7, 8),), {"epsilon": 1e-3}, {"Scale": (8,)}),
            Example(((1, 4, 5, 6),), {"axis": 1}, {"Scale": (4, 5, 6), "B": (4, 5, 6)}),
            Example(((1, 4, 5, 6),), {"axis": -2}, {"Scale": (5, 6), "B": (5, 6)}),
            Example(((1, 4, 5, 6),), {"axis": 2}, {"Scale": (6,), "B": (5, 6)}),
            Example(((1, 7, 2),), constants={"Scale": [1.0, 2.0], "B": [0.0, 0.5]}),
            Example(((1, 7, 2),), constants={"Scale": [1.0, 1.0], "B": [0.0, 0.0]}),
            Example(((1, 7, 2), (2,), (2,))),
        ),
    )
)
register(
    Operator(
        name="LRN",
        keeps_channels=True,
        usual=lambda _: {"size": 5},
        ranges={"alpha": (1e-37, 16.0), "beta": (1e-37, 16.0), "bias": DIVISOR},
        check=check_local_response,
        build=build_local_response,
        examples=(
            Example(((1, 8, 5, 6),), {"size": 5}),
            Example(((1, 8, 5, 6),), {"size": 3, "alpha": 0.5, "beta": 0.6, "bias": 2.0}),
        ),
    )
)
register(
    Operator(
        name="LpNormalization",
        fill=fill_axis,
        keeps_channels=True,
        choices={"p": (1, 2)},
        build=build_lp_normalisation,
        examples=(Example(((1, 8, 5),)), Example(((1, 8, 5),), {"axis": 1, "p": 1})),
    )
)
register(
    Operator(
        name="MeanVarianceNormalization",
        fill=fill_mean_variance,
        keeps_channels=True,
        delicate=True,  # its gradient is none where nothing varies
        check=check_mean_variance,
        build=build_mean_variance,
        examples=(
            Example(((3, 4, 5, 6),)),
            Example(((1, 4, 5, 6),), {"axes": [2, 3]}),
            Example(((1, 4, 5, 6),), {"axes": [-1]}),
        ),
    )
)

"""Resize: https://onnx.ai/onnx/operators/onnx__Resize.html."""

from __future__ import annotations

import math
import operator
from collections.abc import Callable
from typing import Any

from pipeline.errors import UnsupportedOperator
from pipeline.graph.network import Shape
from pipeline.operators.axes import Filled, from_front, integers, plain
from pipeline.operators.registry import Example, Operator, Shapes, Values, register

TORCH_MODES = {("linear", 1): "linear", ("linear", 2): "bilinear", ("linear", 3): "trilinear",
               ("cubic", 2): "bicubic"}  # fmt: skip
GRID_MODES = {"linear": "bilinear", "nearest": "nearest", "cubic": "bicubic"}
TORCH_CUBIC = -0.75  # torch's cubic coefficient
ROUND: dict[str, Callable[[float], int]] = {
    "round_prefer_floor": lambda x: math.ceil(x - 0.5),
    "round_prefer_ceil": lambda x: math.floor(x + 0.5),
    "floor": math.floor,
    "ceil": math.ceil,
}


def fill_resize(values: Values, first: Shape, parameters: Shapes) -> Filled:
    """Scales or sizes of the spatial axes alone, so that no batch stands in them; attributes
    of another mode than this one are left out."""
    filled: Filled = {"roi": None, "extrapolation_value": None}
    if values["coordinate_transformation_mode"] == "tf_crop_and_resize":
        return {}  # only read and written: nothing else takes a region of interest
    if values["mode"] != "cubic":
        filled |= {"cubic_coeff_a": None, "exclude_outside": None}
    if values["mode"] != "nearest":
        filled["nearest_mode"] = None
    if values.get("sizes") is None:
        filled["keep_aspect_ratio_policy"] = None
    rank = len(first)
    axes = from_front(integers(values, "axes") or range(rank), rank)
    for name, same in (("scales", (1.0,) * rank), ("sizes", first)):
        given: Any = values.get(name)
        if given is None:
            continue
        full: list[Any] = list(same)
        for axis, value in zip(axes, given, strict=True):
            full[axis] = value
        kept = [axis for axis in range(rank) if axis > 1 or full[axis] != same[axis]]
        filled |= {"axes": tuple(kept)} | plain(name, tuple(full[axis] for axis in kept))
    return filled


def refuse(what: str) -> UnsupportedOperator:
    """The refusal of one way to resize, naming it."""
    return UnsupportedOperator("unsupported_mode", f"Resize: {what} has no torch form here")


def build_resize(layer: Any) -> Any:
    """nn.Upsample where torch has the rule; nearest by another rule is a copy by index."""
    mode, rule = layer["mode"], layer["coordinate_transformation_mode"]
    if layer.get("axes") != tuple(range(2, len(layer.shape))):
        raise refuse(f"a resize of axes {layer.get('axes')}")
    if layer.get("keep_aspect_ratio_policy", "stretch") != "stretch":
        raise refuse(f"keep_aspect_ratio_policy {layer['keep_aspect_ratio_policy']!r}")
    if layer["antialias"]:
        raise refuse("antialias")
    if mode == "nearest":
        return build_nearest(layer, rule)
    torch_mode = TORCH_MODES.get((mode, len(layer.shape) - 2))
    if torch_mode is None:
        raise refuse(f"mode {mode!r} at rank {len(layer.shape)}")
    if mode == "cubic" and (layer["exclude_outside"] or layer["cubic_coeff_a"] != TORCH_CUBIC):
        raise refuse("cubic with exclude_outside or a coefficient other than -0.75")
    if rule == "pytorch_half_pixel" and 1 in layer.output_shape[2:]:
        raise refuse(f"{rule!r} to a size of 1")
    if rule not in ("half_pixel", "pytorch_half_pixel", "align_corners"):
        raise refuse(f"coordinate_transformation_mode {rule!r} in mode {mode!r}")
    return layer.module(
        layer.nn.Upsample(
            **extent(layer), mode=torch_mode, align_corners=rule == "align_corners"
        )
    )


def extent(layer: Any) -> dict[str, Any]:
    """How torch is told the size: by scale where the file did, since it sets the sampling."""
    scales = layer.get("scales")
    return {"size": layer.output_shape[2:]} if scales is None else {"scale_factor": scales}


def build_nearest(layer: Any, rule: str) -> Any:
    """nn.Upsample where it picks the same places, else ``x[:, :, places]`` on each axis."""
    places = [nearest_places(layer, axis, rule) for axis in range(2, len(layer.shape))]
    if places == [torch_places(layer, axis) for axis in range(2, len(layer.shape))]:
        return layer.module(layer.nn.Upsample(**extent(layer), mode="nearest"))
    y = layer.x
    for axis, picked in enumerate(places, start=2):
        y = layer.call(operator.getitem, y, (*(slice(None),) * axis, picked))
    return y


def scale_of(layer: Any, axis: int) -> float:
    """Output over input of one axis, as given or by the sizes."""
    scales = layer.get("scales")
    return scales[axis - 2] if scales else layer.output_shape[axis] / layer.shape[axis]


def torch_places(layer: Any, axis: int) -> list[int]:
    """The places of the input that torch's nearest picks."""
    scale, last = scale_of(layer, axis), layer.shape[axis] - 1
    return [min(math.floor(x / scale), last) for x in range(layer.output_shape[axis])]


def nearest_places(layer: Any, axis: int, rule: str) -> list[int]:
    """The places of the input that ONNX's rule picks. Raises UnsupportedOperator naming it."""
    scale, size, out = scale_of(layer, axis), layer.shape[axis], layer.output_shape[axis]
    rules: dict[str, Callable[[int], float]] = {
        "asymmetric": lambda x: x / scale,
        "half_pixel": lambda x: (x + 0.5) / scale - 0.5,
        "pytorch_half_pixel": lambda x: (x + 0.5) / scale - 0.5 if out > 1 else 0.0,
        "align_corners": lambda x: x * (size - 1) / (out - 1) if out > 1 else 0.0,
    }
    if rule not in rules:
        raise refuse(f"coordinate_transformation_mode {rule!r}")
    rounded = ROUND[layer["nearest_mode"]]
    return [min(max(rounded(rules[rule](x)), 0), size - 1) for x in range(out)]


def usual_resize(shape: Shape) -> Values:
    """Maps of twice the size."""
    spatial = range(2, len(shape))
    return {**LEGACY, "axes": tuple(spatial), "scales": (2.0,) * len(spatial)}


def check_resize(layer: Any) -> str | None:
    """As many sizes, or scales, as axes."""
    axes = layer.vertex.get("axes")
    count = len(axes) if isinstance(axes, tuple) else len(layer.operands[0].shape)
    for name in ("sizes", "scales"):
        given = layer.constants.get(name)
        if given is not None and given.size != count:
            return f"{given.size} {name} for {count} axes"
    return None


def build_grid_sample(layer: Any) -> Any:
    """nn.functional.grid_sample."""
    return layer.call(
        layer.functional.grid_sample, layer.operand(0), layer.operand(1),
        mode=GRID_MODES[layer["mode"]], padding_mode=layer["padding_mode"],
        align_corners=bool(layer["align_corners"]),
    )  # fmt: skip


def check_grid(layer: Any) -> str | None:
    """A map of two axes, and for each of its images a map of places, two numbers each."""
    shapes = [tensor.shape for tensor in layer.operands]
    if len(shapes) != 2 or any(len(shape) != 4 for shape in shapes) or shapes[1][3] != 2:
        return "of a map of two axes and a grid of pairs only"
    return None


CUBE = ((1, 3, 4, 5),)
SAMPLED = ((1, 3, 4, 5), (1, 6, 7, 2))
LEGACY = {"coordinate_transformation_mode": "asymmetric", "nearest_mode": "floor"}
CORNERS = {"mode": "linear", "coordinate_transformation_mode": "align_corners"}

register(
    Operator(
        name="Resize", fill=fill_resize, build=build_resize,
        structural=("roi", "scales", "sizes"), target="sizes", formerly="Upsample",
        choices={"mode": ("nearest", "linear", "cubic")},
        usual=usual_resize, check=check_resize,
        examples=(
            Example(CUBE, LEGACY, constants={"scales": [1.0, 1.0, 2.0, 2.0]}),
            Example(CUBE, LEGACY, constants={"sizes": [1, 3, 7, 9]}),
            Example(CUBE, LEGACY, constants={"scales": [1.0, 1.0, 1.5, 0.6]}),
            Example(CUBE, {}, constants={"scales": [1.0, 1.0, 1.5, 2.0]}),
            Example(CUBE, {"nearest_mode": "round_prefer_ceil"},
                    constants={"sizes": [1, 3, 7, 3]}),
            Example(CUBE, {"axes": [-1, 2]}, constants={"sizes": [8, 6]}),
            Example(CUBE, {"mode": "linear"}, constants={"scales": [1.0, 1.0, 2.0, 1.7]}),
            Example(CUBE, {"mode": "linear",
                           "coordinate_transformation_mode": "pytorch_half_pixel"},
                    constants={"sizes": [1, 3, 7, 9]}),
            Example(CUBE, CORNERS, constants={"sizes": [1, 3, 8, 9]}),
            Example(CUBE, {"mode": "cubic"}, constants={"sizes": [1, 3, 8, 9]}),
            Example(((1, 3, 6),), {"mode": "linear"}, constants={"scales": [1.0, 1.0, 2.0]}),
            Example(((1, 2, 3, 4, 5),), {"mode": "linear"},
                    constants={"sizes": [1, 2, 6, 8, 10]}),
        ),
    )
)  # fmt: skip
register(
    Operator(
        name="GridSample", build=build_grid_sample, check=check_grid, keeps_channels=True,
        choices={"mode": tuple(GRID_MODES), "padding_mode": ("zeros", "border", "reflection"),
                 "align_corners": (0, 1)},
        examples=(
            Example(SAMPLED),
            Example(SAMPLED, {"mode": "nearest", "padding_mode": "border"}),
            Example(SAMPLED, {"mode": "cubic", "align_corners": 1}),
            Example(SAMPLED, {"padding_mode": "reflection", "align_corners": 1}),
        ),
    )
)  # fmt: skip

"""Conv and ConvTranspose."""

from __future__ import annotations

from math import prod
from typing import Any

from pipeline.errors import UnsupportedOperator
from pipeline.graph.network import Shape, Value
from pipeline.operators.registry import Example, Operator, Shapes, Values, register
from pipeline.operators.windows import (
    all_below,
    fill_window,
    split_pads,
    torch_pads,
    usual_window,
    why_no_window,
)


def fill_convolution(
    values: Values, first: Shape, parameters: Shapes
) -> dict[str, Value | None]:
    """kernel_shape from the weight; strides, dilations and pads by rank; auto_pad resolved."""
    if "W" in parameters and "kernel_shape" not in values:
        values = {**values, "kernel_shape": parameters["W"][2:]}
    if "W" in parameters and first[1] != parameters["W"][1] * values["group"]:
        raise ValueError("the weight is for other channels")
    return fill_window(values, first)


def fill_transposed(values: Values, first: Shape, parameters: Shapes) -> Values:
    """As for Conv, with output_padding; output_shape and auto_pad are left as they stand,
    and there are no pads beside auto_pad."""
    kernel = parameters["W"][2:] if "W" in parameters else values["kernel_shape"]
    rank = len(first) - 2
    filled: dict[str, Value] = {"kernel_shape": kernel, "output_padding": (0,) * rank}
    filled |= {"strides": (1,) * rank, "dilations": (1,) * rank}
    if values["auto_pad"] == "NOTSET":
        filled["pads"] = (0,) * 2 * rank
    return {**filled, **values}


def summarise_convolution(shapes: Shapes, values: Values) -> Values:
    """(W, B) -> out_channels, bias."""
    return {"out_channels": shapes["W"][0], "bias": int("B" in shapes)}


def convolution_parameters(values: Values, first: Shape) -> Shapes:
    """out_channels, group, kernel_shape, bias -> W (M, C/group, *kernel), B (M,)."""
    out, group = values["out_channels"], values["group"]
    if first[1] % group:  # type: ignore[operator]
        raise TypeError("groups do not divide the channels")
    weight = (out, first[1] // group, *values["kernel_shape"])  # type: ignore[operator,misc]
    return {"W": weight} | ({"B": (out,)} if values["bias"] else {})


def summarise_transposed(shapes: Shapes, values: Values) -> Values:
    """(W, B) -> channels out of each group, bias."""
    return {"out_channels": shapes["W"][1], "bias": int("B" in shapes)}


def transposed_parameters(values: Values, first: Shape) -> Shapes:
    """W (C, M/group, *kernel), B (M,); ``out_channels`` counts those of one group."""
    out: Any = values["out_channels"]
    weight = (first[1], out, *values["kernel_shape"])  # type: ignore[misc]
    bias = {"B": (out * values["group"],)} if values["bias"] else {}
    return {"W": weight} | bias


def convolution_macs(shapes: Shapes, out: Shape) -> int:
    """For every number of the output, one for each weight of its channel."""
    return prod(out) * prod(shapes["W"][1:])


def transposed_macs(shapes: Shapes, out: Shape) -> int:
    """For every number of the input, one for each weight of its channel."""
    return prod(shapes["X"]) * prod(shapes["W"][1:])


def build_convolution(layer: Any) -> Any:
    """nn.Conv1d/2d/3d; uneven pads become an explicit pad before it."""
    rank = len(layer["kernel_shape"])
    even, uneven = split_pads(layer["pads"])
    x = layer.x if uneven is None else layer.call(layer.functional.pad, layer.x, uneven)
    if layer.has_edge(1):
        function = getattr(layer.functional, f"conv{rank}d")
        return layer.call(
            function, x, layer.operand(1), layer.operand(2), stride=layer["strides"],
            padding=even, dilation=layer["dilations"], groups=layer["group"],
        )  # fmt: skip
    weight = layer.parameter_shape("W")
    module = getattr(layer.nn, f"Conv{rank}d")(
        layer.shape[1], weight[0], layer["kernel_shape"], stride=layer["strides"],
        padding=even, dilation=layer["dilations"], groups=layer["group"],
        bias=layer.parameter_shape("B") is not None,
    )  # fmt: skip
    return layer.module(module, x)


def build_transposed(layer: Any) -> Any:
    """nn.ConvTranspose1d/2d/3d; the output size is what ONNX's shape inference says.

    Raises UnsupportedOperator for a weight that is computed from data.
    """
    weight = layer.parameter_shape("W")
    if weight is None:
        raise UnsupportedOperator("unsupported_mode", "ConvTranspose by a weight from data")
    padding, output_padding, crop = _transposed_pads(layer)
    module = getattr(layer.nn, f"ConvTranspose{len(padding)}d")(
        layer.shape[1], weight[1] * layer["group"], layer["kernel_shape"],
        stride=layer["strides"], padding=padding, output_padding=output_padding,
        groups=layer["group"], bias=layer.parameter_shape("B") is not None,
        dilation=layer["dilations"],
    )  # fmt: skip
    y = layer.module(module, layer.x)
    return y if crop is None else layer.call(layer.functional.pad, y, crop)


def _transposed_pads(layer: Any) -> tuple[list[int], list[int], tuple[int, ...] | None]:
    """What torch's layer pads at both ends, what it adds at the end, and what is cropped after
    it (``F.pad``'s order) where the ends differ otherwise.

    What output_padding adds holds the bias: only the layer itself can add it.
    Raises UnsupportedOperator for more than torch's layer adds (output_shape can ask for it).
    """
    begins, ends = _transposed_crop(layer)
    limits = [max(pair) for pair in zip(layer["strides"], layer["dilations"], strict=True)]
    added = [begin - end for begin, end in zip(begins, ends, strict=True)]
    if all(b >= 0 and 0 <= a < m for b, a, m in zip(begins, added, limits, strict=True)):
        return begins, added, None
    added = [max(0, -end) for end in ends]
    if min(begins) < 0 or any(a >= m for a, m in zip(added, limits, strict=True)):
        raise UnsupportedOperator("unsupported_mode", "ConvTranspose with an output padding "
                                  "of the stride and dilation or more")  # fmt: skip
    crop = torch_pads([-b for b in begins], [-max(0, end) for end in ends])
    return [0] * len(begins), added, crop


def _transposed_crop(layer: Any) -> tuple[list[int], list[int]]:
    """How much the full result (no padding at all) loses at the begin and the end of each
    axis; negative: how much it gains."""
    full = [
        (size - 1) * stride + dilation * (width - 1) + 1
        for size, stride, dilation, width in zip(
            layer.shape[2:], layer["strides"], layer["dilations"], layer["kernel_shape"],
            strict=True,
        )
    ]  # fmt: skip
    out = layer.output_shape[2:]
    same = layer["auto_pad"] in ("SAME_UPPER", "SAME_LOWER")
    if same and any(layer["output_padding"]):  # ONNX and ONNX Runtime disagree on the size
        raise UnsupportedOperator(
            "unsupported_mode", "ConvTranspose with both auto_pad and output_padding"
        )
    if layer.get("output_shape") or same:
        totals = [f - o for f, o in zip(full, out, strict=True)]
        smaller = [t // 2 for t in totals]
        larger = [t - s for t, s in zip(totals, smaller, strict=True)]
        # https://onnx.ai/onnx/operators/onnx__ConvTranspose.html: SAME_UPPER begins with half
        return (smaller, larger) if layer["auto_pad"] == "SAME_UPPER" else (larger, smaller)
    begins = list(layer.get("pads") or [0] * len(full))[: len(full)]
    return begins, [f - b - o for f, b, o in zip(full, begins, out, strict=True)]


def usual_convolution(shape: Shape) -> Values:
    """A window of three that keeps size and channels."""
    return {
        **usual_window(shape),
        "out_channels": shape[1] if len(shape) > 1 else 1,
        "bias": 0,
    }


def check_convolution(layer: Any) -> str | None:
    """No constant stands for a weight; one that is computed is the kernel's."""
    if layer.constants.keys() & NAMES.keys():
        return "a constant where its weights stand"
    if layer.vertex.operator == "Conv" and len(layer.operands) > 1:
        weight, group = layer.operands[1].shape, layer.vertex.get("group", 1)
        if weight[2:] != layer.vertex.get("kernel_shape") or weight[0] % group:
            return "a weight that is not its kernel's"
    return why_no_window(layer)


def check_transposed(layer: Any) -> str | None:
    """And nothing is added at the end that a stride does not step over."""
    added = layer.vertex.get("output_padding") or ()
    strides = layer.vertex.get("strides") or (1,) * len(added)
    if added and not all_below(added, strides):
        return "output_padding beyond its stride"
    return check_convolution(layer)


NAMES = {"W": "weight", "B": "bias"}
SUMMARY = ("out_channels", "bias")

register(
    Operator(
        name="Conv",
        paper=True,
        fill=fill_convolution,
        summarise=summarise_convolution,
        parameters=convolution_parameters,
        macs=convolution_macs,
        torch_names=NAMES,
        summary=SUMMARY,
        width="out_channels",
        spatial=True,
        usual=usual_convolution,
        choices={"bias": (0, 1), "auto_pad": ("NOTSET",)},  # pads say it
        check=check_convolution,
        build=build_convolution,
        examples=(
            Example(((1, 3, 16, 16),), {"strides": [2, 2], "pads": [3, 3, 3, 3]},
                    {"W": (8, 3, 7, 7)}),
            Example(((1, 8, 9, 9),), {"group": 8, "pads": [1, 1, 1, 1]},
                    {"W": (8, 1, 3, 3), "B": (8,)}),
            Example(((1, 4, 12, 10),), {"dilations": [2, 3], "pads": [0, 1, 3, 2]},
                    {"W": (6, 4, 3, 3), "B": (6,)}),
            Example(((1, 4, 7, 8),), {"auto_pad": "SAME_UPPER", "strides": [2, 2]},
                    {"W": (6, 4, 4, 4)}),
            Example(((1, 4, 7, 8),), {"auto_pad": "SAME_LOWER", "strides": [2, 2]},
                    {"W": (6, 4, 4, 4)}),
            Example(((1, 4, 9),), {"auto_pad": "VALID"}, {"W": (6, 4, 3)}),
            Example(((1, 2, 5, 6, 7),), {"pads": [1] * 6}, {"W": (4, 2, 3, 3, 3), "B": (4,)}),
            Example(((1, 4, 8, 8), (6, 4, 3, 3))),
        ),
    )
)  # fmt: skip

register(
    Operator(
        name="ConvTranspose",
        paper=True,
        fill=fill_transposed,
        summarise=summarise_transposed,
        parameters=transposed_parameters,
        macs=transposed_macs,
        torch_names=NAMES,
        summary=SUMMARY,
        width="out_channels",
        spatial=True,
        usual=usual_convolution,
        choices={"bias": (0, 1),
                 "auto_pad": ("NOTSET", "SAME_UPPER", "SAME_LOWER", "VALID")},
        check=check_transposed,
        build=build_transposed,
        examples=(
            Example(((1, 6, 5, 5),), {"strides": [2, 2], "pads": [1, 1, 1, 1]},
                    {"W": (6, 4, 4, 4), "B": (4,)}),
            Example(((1, 6, 5, 5),), {"strides": [3, 2], "output_padding": [2, 1]},
                    {"W": (6, 4, 3, 3)}),
            Example(((1, 6, 5, 5),), {"group": 2, "pads": [0, 1, 1, 2], "dilations": [2, 1]},
                    {"W": (6, 2, 3, 3), "B": (4,)}),
            Example(((1, 6, 5, 5),), {"strides": [2, 2], "output_padding": [1, 1]},
                    {"W": (6, 4, 3, 3), "B": (4,)}),
            Example(((1, 6, 5, 5),), {"strides": [3, 3], "pads": [1, 0, 1, 1],
                                      "output_padding": [2, 2]},
                    {"W": (6, 4, 5, 5), "B": (4,)}),
            Example(((1, 6, 5, 5),), {"strides": [2, 2], "output_shape": [10, 10]},
                    {"W": (6, 4, 3, 3)}),
            Example(((1, 6, 5, 5),), {"strides": [2, 2], "auto_pad": "SAME_UPPER"},
                    {"W": (6, 4, 3, 3)}),
        ),
    )
)  # fmt: skip

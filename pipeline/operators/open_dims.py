"""Dims that a file leaves open: a size that its graph accepts."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from itertools import product
from math import prod

from onnx import ModelProto

from pipeline.errors import ModelError
from pipeline.graph.network import Network, Shape
from pipeline.operators.prepare import find_data_input
from pipeline.operators.shapes import infer_layers

CHANNELS = (3, 1)
SIZES = (
    224,
    256,
    299,
    320,
    384,
    416,
    512,
    640,
    128,
    64,
    32,
)  # pixels a side, usual ones first


class InputShapeChosen(UserWarning):
    """A file leaves dims of its input open, and this project chose them."""


def candidate_shapes(model: ModelProto) -> Iterator[Shape]:
    """Shapes of the data input, without the batch, that fill its open dims: images of equal
    sides, of three channels before one. None where an axis other than those is open."""
    name = find_data_input(model)
    value = next(i for i in model.graph.input if i.name == name)
    dims = [max(0, d.dim_value) for d in value.type.tensor_type.shape.dim][1:]
    if len(dims) < 2 or all(dims):
        return
    last = len(dims) > 2 and dims[0] == 0 and 0 < dims[-1] <= max(CHANNELS)  # (H, W, C)
    first = 0 if len(dims) == 2 or last else 1
    channels = CHANNELS if first and not dims[0] else (dims[0],)
    for side, channel in product(SIZES, channels):
        spatial = [d or side for d in dims[first:]]
        yield (*((channel,) if first else ()), *spatial)


def keeps_elements(network: Network) -> bool:
    """Whether every Reshape gives as many elements as it takes: ONNX's shape inference
    believes the target that it is given."""
    return all(
        prod(layer.operands[0].shape) == prod(layer.outputs[0].shape)
        for layer in infer_layers(network)
        if layer.vertex.operator == "Reshape"
    )


def say_chosen(name: str, shape: Shape) -> None:
    """Warn that a shape was chosen, and how to choose another."""
    said = ",".join(map(str, shape))
    warnings.warn(
        f"{name}: leaves dims open; read at {said} (--input-shape, input_shape= decide)",
        InputShapeChosen,
        stacklevel=4,
    )


def none_fits(name: str, first: ModelError) -> ModelError:
    """The refusal of a file whose open dims no usual size fills."""
    detail = f"leaves dims open and no usual size fits: give --input-shape ({first.detail})"
    return ModelError("dynamic_shape", detail, name)

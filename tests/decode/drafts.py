"""Small networks and drafts, written by hand."""

from __future__ import annotations

from pipeline.decode.repair.agreement import dense, pointwise
from pipeline.graph.network import Attributes, Operand, Value, Vertex

Draft = list[Vertex]
EPSILON, MOMENTUM = 9.999999747378752e-06, 0.8999999761581421  # float32's, as files have them


def vertex(operator: str, *sources: int, **attributes: Value) -> Vertex:
    """A vertex that takes the first outputs of others at positions 0, 1, ..."""
    operands = tuple(Operand(source, 0, position) for position, source in enumerate(sources))
    return Vertex(operator, tuple(sorted(attributes.items())), operands)


def image(*shape: int) -> Vertex:
    """An Input."""
    return vertex("Input", dtype="float32", shape=shape or (3, 12, 12))


def layer(operator: str, source: int, attributes: Attributes) -> Vertex:
    """A vertex of one operand."""
    return Vertex(operator, attributes, (Operand(source),))


def conv(source: int, channels: int, size: int = 3, **changed: Value) -> Vertex:
    """A Conv that keeps the map's size, but for what is changed."""
    values: dict[str, Value] = dict(pointwise(channels, (1, 1)))
    values |= {"kernel_shape": (size, size), "pads": (size // 2,) * 4}
    return vertex("Conv", source, **{**values, **changed})


def norm(source: int) -> Vertex:
    """A BatchNormalization."""
    return vertex("BatchNormalization", source, epsilon=EPSILON, momentum=MOMENTUM)


def pool(operator: str, source: int, size: int = 2) -> Vertex:
    """A pool that divides the map's size."""
    values: dict[str, Value] = {
        "kernel_shape": (size, size), "strides": (size, size), "pads": (0,) * 4,
        "dilations": (1, 1), "ceil_mode": 0,
    }  # fmt: skip
    if operator == "AveragePool":
        values["count_include_pad"] = 0
    return vertex(operator, source, **values)


def linear(source: int, features: int = 5) -> Vertex:
    """A Gemm as a linear layer has it."""
    return layer("Gemm", source, dense(features))


def residual() -> Draft:
    """A residual block with a head: 13 vertices."""
    return [
        image(), conv(0, 8), norm(1), vertex("Relu", 2),
        conv(3, 8), norm(4), vertex("Relu", 5), conv(6, 8), vertex("Add", 7, 3),
        vertex("GlobalAveragePool", 8), vertex("Flatten", 9, axis=1), linear(10),
        vertex("Output", 11),
    ]  # fmt: skip


def branching() -> Draft:
    """Depthwise, gated, joined and split branches: 18 vertices."""
    return [
        image(), conv(0, 8), vertex("HardSwish", 1), conv(2, 8, group=8),
        vertex("GlobalAveragePool", 3), conv(4, 8, 1), vertex("Sigmoid", 5),
        vertex("Mul", 3, 6), pool("MaxPool", 7), pool("AveragePool", 3),
        vertex("Concat", 8, 9, axis=1), vertex("Split", 10, axis=1, num_outputs=2),
        conv(11, 8, 1), Vertex("Relu", (), (Operand(11, 1),)), vertex("Add", 12, 13),
        vertex("ReduceMean", 14, axes=(2, 3), keepdims=0), linear(15), vertex("Output", 16),
    ]  # fmt: skip


def shuffling() -> Draft:
    """Reshape, Transpose, normalisation by hand, Slice, Pad and Resize: 20 vertices."""
    return [
        image(), conv(0, 8), vertex("Reshape", 1, shape=(0, 2, -1, 12, 12)),
        vertex("Transpose", 2, perm=(0, 2, 1, 3, 4)),
        vertex("Reshape", 3, shape=(0, 8, 12, 12)),
        vertex("ReduceMean", 4, axes=(1,), keepdims=1), vertex("Sub", 4, 5),
        vertex("Pow", 6, Y=2.0), vertex("ReduceMean", 7, axes=(1,), keepdims=1),
        vertex("Add", 8, B=0.0009765625), vertex("Sqrt", 9), vertex("Div", 6, 10),
        vertex("Mul", 11, **{"B.parameter": (8, 1, 1)}),
        vertex("Slice", 12, axes=(2, 3), starts=(1, 1), ends=(11, 11), steps=(1, 1)),
        vertex("Pad", 13, pads=(0, 0, 1, 1, 0, 0, 1, 1), mode="constant"),
        vertex("Clip", 14, min=0.0, max=6.0), pool("MaxPool", 15, 3),
        vertex("Flatten", 16, axis=1), linear(17), vertex("Output", 18),
    ]  # fmt: skip


NETWORKS = {"residual": residual(), "branching": branching(), "shuffling": shuffling()}

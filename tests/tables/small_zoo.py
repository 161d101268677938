"""A handful of networks made by hand, for the tests of tables and registry."""

from __future__ import annotations

from pipeline.graph.canonical import canonicalise
from pipeline.graph.network import Network, Operand, Shape, Vertex

Layer = tuple[str, dict]


def network_of_layers(*layers: Layer, skips: tuple[tuple[int, int], ...] = ()) -> Network:
    """A chain of layers between Input and Output; a skip (a, b) feeds vertex a to b too."""
    vertices = [Vertex("Input", (("shape", (3, 32, 32)),))]
    for index, (operator, attributes) in enumerate((*layers, ("Output", {})), start=1):
        operands = [Operand(index - 1)]
        operands += [Operand(a, 0, 1) for a, b in skips if b == index]
        pairs = tuple(sorted(attributes.items()))
        vertices.append(Vertex(operator, pairs, tuple(operands)))
    return canonicalise(vertices, len(vertices) - 1)[0]


def conv(channels: int) -> Layer:
    return "Conv", {"out_channels": channels, "kernel_shape": (3, 3), "pads": (1, 1, 1, 1)}


RELU, BN = ("Relu", {}), ("BatchNormalization", {"epsilon": 1e-5, "momentum": 0.9})
HEAD = (("GlobalAveragePool", {}), ("Flatten", {"axis": 1}), ("Gemm", {"out_channels": 10}))

ZOO = {
    "plain8": ("plain", network_of_layers(conv(8), BN, RELU, conv(8), BN, RELU, *HEAD)),
    "plain16": ("plain", network_of_layers(conv(16), BN, RELU, conv(16), BN, RELU, *HEAD)),
    "resnet18": ("plain", network_of_layers(conv(32), BN, RELU, conv(32), BN, RELU, *HEAD)),
    "skip8": (
        "skip",
        network_of_layers(conv(8), BN, RELU, conv(8), BN, ("Add", {}), RELU, *HEAD,
                          skips=((3, 6),)),
    ),
    "odd": (
        "odd",
        network_of_layers(
            ("Resize", {"mode": "nearest", "scales": (1.0, 1.0, 2.0, 2.0), "axes": ()}),
            ("LeakyRelu", {"alpha": 0.1}),
            ("Dropout", {"ratio": float("inf"), "tags": ("a", "b"), "seed": -(2**63)}),
            *HEAD,
        ),
    ),
}  # fmt: skip


def shapes_of(network: Network) -> list[Shape]:
    """Any shape will do: the tables only hold them."""
    return [(1, 3, 32, 32 + index) for index in range(len(network))]

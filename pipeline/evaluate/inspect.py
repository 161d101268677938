"""What an ONNX file is, without its weights."""

from __future__ import annotations

from collections import Counter
from math import prod
from typing import Any

from pipeline.graph.network import INPUT, OUTPUT, Network
from pipeline.operators.registry import operator_of
from pipeline.operators.shapes import infer_layers


def describe_network(name: str, network: Network) -> dict[str, Any]:
    """A network -> fingerprint, size, operators. Raises ModelError."""
    layers = infer_layers(network)
    tensors = [t for layer in layers for t in layer.parameters.values()]
    return {
        "model": name,
        "fingerprint": network.fingerprint,
        "vertices": len(network),
        "edges": sum(1 for _ in network.edges),
        "parameters": sum(prod(t.shape) for t in tensors),
        "input_shape": list(layers[0].outputs[0].shape),
        "output_shapes": [list(t.shape) for t in layers[-1].outputs],
        "operators": count_operators(network),
        "unsupported": list(unsupported_operators(network)),
    }


def unsupported_operators(network: Network) -> tuple[str, ...]:
    """The operators without a torch form, sorted."""
    used = {v.operator for v in network.vertices} - {INPUT, OUTPUT}
    return tuple(sorted(name for name in used if operator_of(name) is None))


def count_operators(network: Network) -> dict[str, int]:
    """Operator -> how many vertices have it, commonest first."""
    return dict(Counter(v.operator for v in network.vertices).most_common())

"""Multiply-accumulates: the work of a network, as torchvision counts it.

Only matrix products count (Conv, ConvTranspose, Gemm, MatMul), without their biases, at batch
size 1. torchvision publishes billions of them as ``GFLOPS``
(https://docs.pytorch.org/vision/stable/models.html).
"""

from __future__ import annotations

from pipeline.graph.network import Network
from pipeline.operators.registry import operator_of
from pipeline.operators.schema import formal_name
from pipeline.operators.shapes import Layer, infer_layers


def macs(network: Network) -> int:
    """Multiply-accumulates of one image. Raises InvalidNetwork where shapes disagree."""
    return sum(layer_macs(layer) for layer in infer_layers(network))


def layer_macs(layer: Layer) -> int:
    """Multiply-accumulates of one vertex; 0 for all but matrix products."""
    operator = operator_of(layer.vertex.operator)
    if operator is None or operator.macs is None:
        return 0
    shapes = {name: tensor.shape for name, tensor in layer.parameters.items()}
    shapes |= {name: array.shape for name, array in layer.constants.items()}
    for operand, tensor in zip(layer.vertex.operands, layer.operands, strict=True):
        shapes[formal_name(layer.vertex.operator, operand.position)] = tensor.shape
    return operator.macs(shapes, layer.outputs[0].shape)

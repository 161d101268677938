"""What became of an architecture, as modules that start from the original's own weights."""

from __future__ import annotations

import io
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import torch
from torch import nn

from pipeline.decode.codec import Codec
from pipeline.evaluate.retrain_params import RetrainParams
from pipeline.evaluate.table2 import WITHOUT_COMPRESSION, Variant, make_original
from pipeline.graph.network import Network
from pipeline.harvest.export import export_skeleton, export_with_weights
from pipeline.operators.read_onnx import read_onnx, read_weights
from pipeline.operators.to_torch import to_torch

CLASSES = 10  # of digits, Fashion-MNIST and CIFAR-10 alike


def read_original(network: str, params: RetrainParams) -> Network:
    """torchvision's architecture as a Network, at the size that it is trained at."""
    module = make_original(network, CLASSES, seed=0)
    return read_onnx(io.BytesIO(export_skeleton(module, _example(params))))


def make_variants(
    network: str, params: RetrainParams, codecs: Sequence[Codec]
) -> dict[str, Variant]:
    """ONNX -> graph -> torch, and the same through the vectors alone of every codec."""
    original = read_original(network, params)
    restored = {WITHOUT_COMPRESSION: original}
    for codec in codecs:
        restored[codec.name] = codec.decode(codec.encode(original), residual=False)
    return {
        name: Variant(_maker(network, params, found), found.fingerprint)
        for name, found in restored.items()
    }


def _maker(network: str, params: RetrainParams, found: Network) -> Callable[[int], nn.Module]:
    def make(seed: int) -> nn.Module:
        weights = original_weights(network, params, seed)
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed)
            module = to_torch(found)
        copy_fitting(module, weights)
        return module

    return make


def original_weights(network: str, params: RetrainParams, seed: int) -> dict[str, np.ndarray]:
    """The weights torchvision's own module starts from at this seed, by parameter name."""
    module = make_original(network, CLASSES, seed)
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / f"{network}.onnx"
        export_with_weights(module, _example(params), file)
        return read_weights(file, read_onnx(file))


def copy_fitting(module: nn.Module, weights: dict[str, np.ndarray]) -> None:
    """Copy every weight whose name and shape fit; a network that came back changed keeps
    torch's own start where it changed."""
    with torch.no_grad():
        for name, tensor in module.state_dict().items():
            array = weights.get(name)
            if array is not None and tuple(array.shape) == tuple(tensor.shape):
                tensor.copy_(torch.from_numpy(np.array(array)))


def _example(params: RetrainParams) -> torch.Tensor:
    return torch.zeros(1, 3, params.image_size, params.image_size)

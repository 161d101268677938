"""nn2vec: neural networks to vectors and back.

Importing this package loads neither torch nor pyarrow; each name is fetched when first used.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pipeline.decode.codec import Code, Codec, load_codec
    from pipeline.errors import ModelError
    from pipeline.graph.network import Network
    from pipeline.operators.read_onnx import read_onnx, read_weights
    from pipeline.operators.to_torch import to_torch
    from pipeline.operators.write_onnx import write_onnx

__all__ = [
    "Code",
    "Codec",
    "ModelError",
    "Network",
    "load_codec",
    "read_onnx",
    "read_weights",
    "to_torch",
    "write_onnx",
]

_HOMES = {
    "Code": "pipeline.decode.codec",
    "Codec": "pipeline.decode.codec",
    "ModelError": "pipeline.errors",
    "Network": "pipeline.graph.network",
    "load_codec": "pipeline.decode.codec",
    "read_onnx": "pipeline.operators.read_onnx",
    "read_weights": "pipeline.operators.read_onnx",
    "to_torch": "pipeline.operators.to_torch",
    "write_onnx": "pipeline.operators.write_onnx",
}


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module 'pipeline' has no attribute {name!r}")
    return getattr(import_module(_HOMES[name]), name)

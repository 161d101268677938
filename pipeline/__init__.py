"""How it is done, without Airflow and without DVC. ``import nn2vec`` is this for users.

Importing this package loads neither torch nor pyarrow; each name is fetched when first used.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pipeline.decode.code import Code
    from pipeline.decode.codec import Codec, load_codec
    from pipeline.errors import DataError, ModelError
    from pipeline.graph.network import Network
    from pipeline.models import from_torch
    from pipeline.operators.read_onnx import read_onnx, read_weights
    from pipeline.operators.to_source import to_source
    from pipeline.operators.to_torch import to_torch
    from pipeline.operators.write_onnx import write_onnx
    from pipeline.registry.dataset import Dataset, load_dataset
    from pipeline.search.methods import make_method
    from pipeline.search.spaces import load_space

HOMES = {
    "Code": "pipeline.decode.code",
    "Codec": "pipeline.decode.codec",
    "DataError": "pipeline.errors",
    "Dataset": "pipeline.registry.dataset",
    "ModelError": "pipeline.errors",
    "Network": "pipeline.graph.network",
    "from_torch": "pipeline.models",
    "load_codec": "pipeline.decode.codec",
    "load_dataset": "pipeline.registry.dataset",
    "load_space": "pipeline.search.spaces",
    "make_method": "pipeline.search.methods",
    "read_onnx": "pipeline.operators.read_onnx",
    "read_weights": "pipeline.operators.read_onnx",
    "to_source": "pipeline.operators.to_source",
    "to_torch": "pipeline.operators.to_torch",
    "write_onnx": "pipeline.operators.write_onnx",
}
__all__ = [
    "Code",
    "Codec",
    "DataError",
    "Dataset",
    "ModelError",
    "Network",
    "from_torch",
    "load_codec",
    "load_dataset",
    "load_space",
    "make_method",
    "read_onnx",
    "read_weights",
    "to_source",
    "to_torch",
    "write_onnx",
]


def __getattr__(name: str) -> Any:
    if name not in HOMES:
        raise AttributeError(f"module 'pipeline' has no attribute {name!r}")
    return getattr(import_module(HOMES[name]), name)

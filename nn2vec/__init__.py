"""nn2vec: neural networks to vectors and back.

    network = nn2vec.read_onnx("my.onnx")
    code = nn2vec.load_codec("zoo-vae").encode(network)
    near = nn2vec.load_dataset("zoo").network("resnet18")

A thin face of :mod:`pipeline`: importing it loads neither torch nor pyarrow.
"""

from importlib.metadata import PackageNotFoundError, version
from typing import TYPE_CHECKING, Any

import pipeline

if TYPE_CHECKING:
    from pipeline import (
        Code,
        Codec,
        DataError,
        Dataset,
        ModelError,
        Network,
        from_torch,
        load_codec,
        load_dataset,
        load_space,
        make_method,
        read_onnx,
        read_weights,
        to_source,
        to_torch,
        write_onnx,
    )

try:
    __version__ = version("nn2vec")
except PackageNotFoundError:  # a checkout that nobody installed
    __version__ = "0+unknown"

__all__ = [
    "Code",
    "Codec",
    "DataError",
    "Dataset",
    "ModelError",
    "Network",
    "__version__",
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
    try:
        return getattr(pipeline, name)
    except ModuleNotFoundError as e:
        raise ImportError(
            f"nn2vec.{name} needs {e.name}: pip install 'nn2vec[torch]' or 'nn2vec[all]'"
        ) from e


def __dir__() -> list[str]:
    return sorted(__all__)

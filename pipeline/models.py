"""What MODEL names: a file or address, ``DATASET:NAME``, ``torchvision:NAME``, or timm's."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING

from pipeline.errors import DataError, ModelError

if TYPE_CHECKING:
    from torch import nn

    from pipeline.graph.network import Network, Shape

LIBRARIES = {"torchvision": "torchvision_zoo", "timm": "timm_zoo"}


@dataclass(frozen=True)
class Model:
    """A network by the name it was asked for, and the file it is in, if it is in one."""

    name: str
    network: Network
    file: str | None = None


def find_model(text: str, root: Path, input_shape: Shape | None = None) -> Model:
    """The network that MODEL names.

    ``zoo:resnet18`` is one of a dataset, by name (``zoo:timm/resnet18`` where several have
    it) or fingerprint, where ``root`` has that dataset; ``torchvision:NAME`` and ``timm:NAME``
    are built and exported; all else is a file or an fsspec address. Raises ModelError,
    DataError naming what is wrong.
    """
    scheme, colon, name = text.partition(":")
    known = bool(colon) and not name.startswith(("/", "\\"))
    if known and scheme in LIBRARIES:
        return Model(text, _of_library(scheme, name))
    if known and (root / "datasets" / scheme.partition("@")[0] / "manifest.json").exists():
        from pipeline.registry.dataset import load_dataset

        return Model(text, load_dataset(scheme, root / "datasets").network(name))
    from pipeline.operators.read_onnx import read_onnx

    try:
        return Model(text, read_onnx(text, input_shape), text)
    except ModelError as e:
        if e.reason != "missing" or not (meant := _known_as(text, root)):
            raise
        raise ModelError(e.reason, f"no such file; there is: {', '.join(meant)}", text) from e


def _known_as(name: str, root: Path) -> list[str]:
    """``resnet18`` -> ``zoo:resnet18``, for every dataset that has a network of that name."""
    from pipeline.registry.dataset import load_dataset

    found = []
    for manifest in sorted((root / "datasets").glob("*/manifest.json")):
        dataset = manifest.parent.name
        with suppress(DataError):  # a damaged dataset is not what was asked about
            if name in load_dataset(dataset, root / "datasets").names:
                found.append(f"{dataset}:{name}")
    return found


def from_torch(module: nn.Module, input_shape: Shape) -> Network:
    """The network of a torch module, exported as it computes a float (1, *input_shape).

    The module is left in evaluation mode, but for Dropout. Raises ModelError: export_failed.
    """
    import torch

    from pipeline.harvest.export import export_fetched
    from pipeline.operators.read_onnx import read_skeleton_network

    return read_skeleton_network(export_fetched(module, torch.zeros(1, *input_shape)).skeleton)


def _of_library(library: str, name: str) -> Network:
    from pipeline.harvest.candidate import Candidate
    from pipeline.harvest.params import Library
    from pipeline.operators.read_onnx import read_skeleton_network

    try:
        source = import_module(f"pipeline.harvest.sources.{LIBRARIES[library]}")
    except ModuleNotFoundError as e:
        raise DataError(f"{library}:{name}: needs {e.name}: pip install {library}") from e
    wanted = Candidate(library, f"{source.SCHEME}{name}", name, "", "")
    try:
        return read_skeleton_network(source.fetch(wanted, Library()).skeleton)
    except ModelError as e:
        raise e.at(f"{library}:{name}") from e

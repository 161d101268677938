"""A network written anew: as an ONNX file, or as torch source code."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from pipeline.atomic import write_atomically
from pipeline.errors import DataError
from pipeline.graph.network import Network
from pipeline.operators.read_onnx import read_weights
from pipeline.operators.write_onnx import write_onnx


def convert_network(
    network: Network, file: str | None, output: Path, with_weights: bool
) -> dict[str, Any]:
    """A network, and the file it is in -> OUT.onnx or OUT.py.

    Raises ModelError, DataError for another ending and for weights that no file holds.
    """
    if with_weights and file is None:
        raise DataError("--weights: only a file holds weights")
    weights = read_weights(file, network) if with_weights and file else None
    write_network(network, output, weights)
    return {
        "fingerprint": network.fingerprint,
        "vertices": len(network),
        "weights": "carried" if with_weights else "random",
        "output": str(output),
    }


def write_network(
    network: Network, output: Path, weights: dict[str, Any] | None = None, seed: int = 0
) -> None:
    """Write a network as the file's ending says. Raises DataError for an unknown one."""
    if output.suffix == ".onnx":
        write_onnx(network, output, weights, seed)
    elif output.suffix == ".py":
        from pipeline.operators.to_source import to_source

        write_atomically(output, to_source(network).encode())
    else:
        raise DataError(f"{output}: name it .onnx or .py")

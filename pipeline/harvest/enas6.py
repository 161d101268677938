"""The ENAS set of the D-VAE authors: fetching it, reading its rows, building a row's network.

Source: https://github.com/muhanzhang/D-VAE (MIT); the search space is ENAS's macro space
(https://arxiv.org/abs/1802.03268).
"""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from pathlib import Path

from pipeline.errors import DataError, ModelError
from pipeline.harvest.download import Download, Downloads

ROWS = Download(
    "the ENAS set",
    "final_structures6.txt",
    "https://raw.githubusercontent.com/muhanzhang/D-VAE/master/data/final_structures6.txt",
    "fea9a7dde1545e7d3bd58fd4b9c3db08a89c18e0351f770cde2fe530c4791725",
)
LAYERS = 6
OPERATORS = 6


@dataclass(frozen=True, slots=True)
class Row:
    """One network: each layer's operator, and which earlier vertices it takes.

    ``skips[i][j]`` is the edge from vertex j (0 is the input, j the j-th layer) to layer i,
    counted from 0; the vertex just before a layer always feeds it. ``accuracy`` is the
    weight-sharing accuracy on CIFAR-10, 0 to 1.
    """

    operators: tuple[int, ...]
    skips: tuple[tuple[bool, ...], ...]
    accuracy: float


def fetch_enas6(path: Path, address: str = ROWS.address) -> Path:
    """``path``, after fetching the set there if it is missing; verified by its digest.

    Raises ModelError ``unreachable`` when it cannot be fetched, DataError when what stands at
    ``path``, or came from ``address``, is not the set.
    """
    Downloads(path.parent).read(replace(ROWS, file=path.name, address=address))
    return path


def read_enas6(path: Path) -> list[Row]:
    """The 20,020 rows in the file's order; DataError if the file is not the set."""
    try:
        content = path.read_bytes()
    except OSError as error:
        raise DataError(f"{path}: the ENAS set is missing: {error}") from error
    ROWS.verify(content, str(path))
    return [parse_row(line) for line in content.decode().splitlines()]


def parse_row(line: str) -> Row:
    """``"[[1], [4, 0], ...], 0.7302"`` -> Row; ModelError ``malformed`` for anything else."""
    try:
        layers, accuracy = json.loads(f"[{line}]")
        row = Row(
            operators=tuple(int(layer[0]) for layer in layers),
            skips=tuple(tuple(bool(bit) for bit in layer[1:]) for layer in layers),
            accuracy=float(accuracy),
        )
    except (ValueError, TypeError, IndexError) as error:
        raise ModelError("malformed", f"not a row of the ENAS set: {line[:100]!r}") from error
    sizes = tuple(len(bits) for bits in row.skips)
    if any(bit not in (0, 1) for layer in layers for bit in layer[1:]):
        raise ModelError("malformed", f"bits are 0 or 1: {line[:100]!r}")
    if sizes != tuple(range(LAYERS)) or not set(row.operators) <= set(range(OPERATORS)):
        raise ModelError("malformed", f"not a network of six layers: {line[:100]!r}")
    return row

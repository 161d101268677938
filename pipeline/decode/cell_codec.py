"""The codec of the ENAS set's space: a network is a cell of six layers and a width.

The vector holds the cell, and channels are the set's own; where the vector alone gives another
network, the residual says the cell's number and the channels outright.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar, Self

import numpy as np
import torch

from pipeline.compress import cells as enas
from pipeline.compress.cells import Cells
from pipeline.compress.classifiers import read_row, to_network
from pipeline.compress.enas6 import CellModel
from pipeline.compress.store import load_model, read_card
from pipeline.decode.code import Code
from pipeline.decode.codec import Codec, Draft, digest_of
from pipeline.errors import DataError, InvalidNetwork, ModelError
from pipeline.graph.network import Network
from pipeline.harvest.params import Enas6

CHANNELS = Enas6().channels
NUMBER_BITS = 31  # of a cell's number: the space has 6^6 * 2^15 cells
MOST_CHANNELS = 2**31


@dataclass(frozen=True, eq=False)
class CellCodec(Codec):
    """A trained model of cells. All numbers of its vector are smooth."""

    domain: ClassVar[str] = "enas6"
    name: str
    model: CellModel
    card: dict[str, Any]
    digest: str
    width: int

    @classmethod
    def load(cls, directory: Path, name: str) -> Self:
        card, model = read_card(directory / name), CellModel(load_model(directory / name))
        digest = digest_of(directory, name, json.dumps(card["config"], sort_keys=True))
        return cls(name, model, card, digest, sum(model.widths.values()))

    @property
    def smooth(self) -> int:
        return self.width

    def encode_all(self, networks: Sequence[Network], steps: int = 0) -> list[Code]:
        if steps:
            raise DataError(f"codec {self.name} refines no vectors; leave out --steps")
        return [self._code(network) for network in networks]

    def means(self, networks: Sequence[Network]) -> np.ndarray:
        vectors = [self._vector(self._cell(network)[0]) for network in networks]
        return np.reshape(vectors, (len(networks), self.width)).astype(np.float32)

    def draft(self, vector: np.ndarray) -> Draft:
        """The network of the cell that a vector says; of eight vertices, chained, whatever the
        model writes."""
        graphs = self.model.decode(_tensor(vector))
        return self._network(enas.to_cells(enas.mend(graphs)), CHANNELS).vertices

    def likeliest(self, smooth: np.ndarray) -> list[Draft | None]:
        return [
            self.draft(point) if enas.is_valid(self.model.decode(_tensor(point))) else None
            for point in smooth
        ]

    def draft_with_residual(self, code: Code) -> Draft:
        if not code.residual:
            return self.draft(code.vector)
        return self._network(*_from_residual(code)).vertices

    def _code(self, network: Network) -> Code:
        cell, channels = self._cell(network)
        vector = self._vector(cell)
        residual, bits = b"", 0
        if Network(self.draft(vector)) != network:
            residual, bits = _to_residual(cell, channels)
        return Code(self.name, self.digest, network.fingerprint, vector, residual, bits)

    def _vector(self, cell: Cells) -> np.ndarray:
        return self.model.encode(cell)[0].numpy().astype(np.float16)

    def _cell(self, network: Network) -> tuple[Cells, int]:
        try:
            row, channels = read_row(network)
        except ModelError as e:
            raise e.at(f"codec {self.name}") from e
        return enas.of_rows([row]), channels

    def _network(self, cell: Cells, channels: int) -> Network:
        return to_network(enas.to_row(cell), channels)


def _tensor(vector: np.ndarray) -> torch.Tensor:
    """(d,) -> (1, d) float32, finite."""
    return torch.from_numpy(np.nan_to_num(vector.astype(np.float32)))[None]


def _to_residual(cell: Cells, channels: int) -> tuple[bytes, int]:
    """The cell's number and the channels, packed; and how many bits they take."""
    text = f"{int(enas.numbers(cell)):0{NUMBER_BITS}b}{channels:b}"
    return np.packbits(np.array(list(text), np.uint8)).tobytes(), len(text)


def _from_residual(code: Code) -> tuple[Cells, int]:
    """:func:`_to_residual` read. Raises InvalidNetwork for what it cannot have written."""
    bits = np.unpackbits(np.frombuffer(code.residual, np.uint8))[: max(code.bits, 0)]
    text = "".join(map(str, bits))
    number, channels = int(text[:NUMBER_BITS] or "0", 2), int(text[NUMBER_BITS:] or "0", 2)
    if number >= enas.COUNT or not 0 < channels < MOST_CHANNELS:
        raise InvalidNetwork("residual", f"there is no cell {number} of {channels} channels")
    return enas.of_number(number), channels

"""What a codec is: a trained compressor with everything needed to encode and decode networks.

One protocol for all: of whole networks (:mod:`program_codec`), of the ENAS set's space
(:mod:`cell_codec`). Who asks a codec for a network outside its domain gets a clear refusal.
"""

from __future__ import annotations

import hashlib
from abc import abstractmethod
from collections.abc import Sequence
from importlib import import_module
from pathlib import Path
from typing import Any, ClassVar, Protocol, Self, cast, overload

import numpy as np

from pipeline.decode.code import Code
from pipeline.decode.repair import Repaired, repair
from pipeline.decode.repair.check import NONSENSE
from pipeline.decode.shipped import SHIPPED, codec_names, domain_of
from pipeline.errors import DataError, InvalidNetwork, ModelError
from pipeline.graph.network import Network, Vertex
from pipeline.operators.shapes import infer_layers

DOMAINS = {
    "networks": "pipeline.decode.program_codec:ProgramCodec",
    "enas6": "pipeline.decode.cell_codec:CellCodec",
}

Draft = tuple[Vertex, ...]


class Codec(Protocol):
    """A network <-> its code. ``width``: numbers of a vector; ``smooth``: how many of them,
    the first ones, say which networks are near. ``digest``: of its weights and of what they
    mean."""

    domain: ClassVar[str]
    name: str
    card: dict[str, Any]
    digest: str
    width: int

    @property
    @abstractmethod
    def smooth(self) -> int: ...

    @classmethod
    @abstractmethod
    def load(cls, directory: Path, name: str) -> Self:
        """Raises DataError naming the file that is missing or damaged."""

    @abstractmethod
    def encode_all(self, networks: Sequence[Network], steps: int = 0) -> list[Code]:
        """Several networks -> a code each. Raises ModelError: outside_domain."""

    @abstractmethod
    def draft(self, vector: np.ndarray) -> Draft:
        """A vector -> the vertices it says, before any repair; any vector says some."""

    @abstractmethod
    def draft_with_residual(self, code: Code) -> Draft:
        """What a code of this codec says, its residual included."""

    @abstractmethod
    def means(self, networks: Sequence[Network]) -> np.ndarray:
        """(n, smooth) float32: where the networks lie in the space of this codec."""

    @abstractmethod
    def likeliest(self, smooth: np.ndarray) -> list[Draft | None]:
        """Points (n, smooth) of the space -> what is likeliest there; None: nothing is."""

    @overload
    def encode(self, networks: Network, steps: int = 0) -> Code: ...
    @overload
    def encode(self, networks: Sequence[Network], steps: int = 0) -> list[Code]: ...
    def encode(
        self, networks: Network | Sequence[Network], steps: int = 0
    ) -> Code | list[Code]:
        """A network, or several, -> a code each. ``steps`` of gradient descent on the smooth
        part make the decoder likelier to write the network from it alone.

        Raises ModelError ``outside_domain`` for a network that is not in the codec's domain.
        """
        if isinstance(networks, Network):
            return self.encode_all([networks], steps)[0]
        return self.encode_all(networks, steps)

    def decode(self, code: Code, residual: bool = True) -> Network:
        """A code -> the very network. Without its residual: what the vector alone says,
        repaired where that is no valid network.

        Raises DataError for a code of another codec, InvalidNetwork where the code does not
        give the network it names.
        """
        self.check(code)
        if not residual:
            return accept_or_repair(self.draft(code.vector)).network
        network = Network(self.draft_with_residual(code))
        if network.fingerprint != code.fingerprint:
            raise InvalidNetwork(
                "another_network",
                f"the code of {code.fingerprint} gives {network.fingerprint}",
            )
        return network

    def check(self, code: Code) -> None:
        """Raises DataError for a code of another codec."""
        if not self.encoded(code):
            raise DataError(
                f"the code is of another codec than this {self.name!r}: of {code.codec!r}, "
                f"digest {code.digest}, where this one has {self.digest}"
            )

    def encoded(self, code: Code) -> bool:
        """Whether the code is this codec's."""
        fits = code.vector.shape == (self.width,)
        return fits and (code.codec, code.digest) == (self.name, self.digest)


def load_codec(name: str, directory: Path = SHIPPED, domain: str | None = None) -> Codec:
    """A shipped codec by name, or one in another folder. Runs no code from its files.

    Raises DataError: unknown (listing the known ones), damaged, or, where one is asked for,
    of another ``domain``.
    """
    known = codec_names(directory, domain)
    if name not in known:
        kind = f" of the domain {domain!r}" if domain else ""
        raise DataError(f"no codec {name!r}{kind}; known are: {', '.join(known)}")
    found = domain_of(directory, name)
    if found not in DOMAINS:
        raise DataError(f"{directory / name}.json: unknown domain {found!r}")
    module, codec = DOMAINS[found].split(":")
    return cast(Codec, getattr(import_module(module), codec).load(directory, name))


def digest_of(directory: Path, name: str, meaning: str) -> str:
    """Of a codec's weights and of what its numbers mean: of all that its vectors mean."""
    digest = hashlib.blake2b((directory / f"{name}.safetensors").read_bytes(), digest_size=16)
    digest.update(meaning.encode())
    return digest.hexdigest()


def accept_or_repair(draft: Sequence[Vertex]) -> Repaired:
    """A draft that is a network whose shapes agree stays as it is; any other is repaired."""
    network = valid(draft)
    return repair(draft) if network is None else Repaired(network)


def valid(draft: Sequence[Vertex]) -> Network | None:
    """The network that a draft is, if its shapes agree from input to output and each vertex
    but the last is used."""
    try:
        network = Network(tuple(draft))
        infer_layers(network)
    except (ModelError, *NONSENSE):
        return None
    used = {operand.source for vertex in draft for operand in vertex.operands}
    return network if len(used) == len(network) - 1 else None

"""A codec: a trained compressor with everything needed to encode and decode networks."""

from __future__ import annotations

import hashlib
import json
import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from safetensors import SafetensorError, safe_open
from safetensors.numpy import load_file, save

from pipeline.atomic import write_atomically
from pipeline.compress.attributes import Vocabulary
from pipeline.compress.fields import Items
from pipeline.compress.projection import Projection
from pipeline.compress.store import load_model, read_card
from pipeline.compress.vertices import groups, to_draft, to_items
from pipeline.decode.repair import Repaired, repair
from pipeline.decode.shipped import SHIPPED, codec_names
from pipeline.errors import DataError, InvalidNetwork
from pipeline.graph.json_form import vertex_from_plain, vertex_to_plain
from pipeline.graph.network import Network, Vertex

ROWS_AT_ONCE = 4096  # bounds memory whatever the network's size
MAX_PATCH = 64 * 2**20  # bytes of a patch once it is unpacked


@dataclass(frozen=True, eq=False)
class Code:
    """What a codec makes of one network of n vertices.

    ``structure`` (n, 4), ``operation`` (n, 2), ``attributes`` (n, 8), ``graph`` (64,), all
    float32; ``patch``: what decoding the vectors alone would get wrong, empty for nothing.
    ``digest``: of the codec, whose name another may bear; empty where a file does not say.
    """

    codec: str
    fingerprint: str
    structure: np.ndarray
    operation: np.ndarray
    attributes: np.ndarray
    graph: np.ndarray
    patch: bytes
    digest: str = ""

    @property
    def latents(self) -> dict[str, np.ndarray]:
        return {
            "structure": self.structure,
            "operation": self.operation,
            "attributes": self.attributes,
        }

    def save(self, path: Path | str) -> None:
        """Write the code as a safetensors file, whole or not at all."""
        patch = np.frombuffer(self.patch, dtype=np.uint8)
        tensors = {**self.latents, "graph": self.graph, "patch": patch}
        about = {
            "codec": self.codec,
            "fingerprint": self.fingerprint,
            "digest": self.digest,
        }
        # One entry: safetensors writes several in an order that changes from call to call.
        metadata = {"code": json.dumps(about)}
        write_atomically(Path(path), save(tensors, metadata))

    @classmethod
    def load(cls, path: Path | str) -> Code:
        """Raises DataError naming the file when it is missing or no code."""
        try:
            with safe_open(path, "numpy") as file:
                about = json.loads((file.metadata() or {})["code"])
                tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
            patch = tensors.pop("patch").tobytes()
            code = cls(**about, patch=patch, **tensors)
        except FileNotFoundError as e:
            raise DataError(f"{path}: missing") from e
        except (OSError, SafetensorError, KeyError, TypeError, ValueError) as e:
            raise DataError(f"{path}: not a code: {e}") from e
        vertices = code.structure.shape[:1]
        for group in groups():
            vectors = code.latents[group.name]
            fits = vectors.shape == (*vertices, group.dimensions) and len(vectors)
            if not fits or vectors.dtype != np.float32:
                found = f"{group.name} is {vectors.dtype} {vectors.shape}"
                raise DataError(f"{path}: not a code: {found}")
        return code


@dataclass(frozen=True, eq=False)
class Codec:
    """A trained model and what its rows mean. ``encode`` is linear in vertices."""

    name: str
    model: Any
    vocabulary: Vocabulary
    projection: Projection
    card: dict[str, Any]
    digest: str  # of its weights and its vocabulary: of all that its vectors mean

    def encode(self, network: Network) -> Code:
        """A network -> its vectors, and the patch that makes decoding them exact."""
        latents = self._encode_rows(to_items(network, self.vocabulary))
        draft = self.draft(latents)
        return Code(
            self.name,
            network.fingerprint,
            **latents,
            graph=self.projection.vector(network),
            patch=make_patch(draft, network.vertices),
            digest=self.digest,
        )

    def decode(self, code: Code, patch: bool = True) -> Network:
        """A code -> a network: the very one with its patch; without, what the vectors alone
        say, repaired where that is no valid network.

        Raises DataError for a code of another codec, InvalidNetwork for a patch that does not
        fit its vectors.
        """
        if not patch or not code.patch:
            return self.decode_vectors(code).network
        self._check(code)
        return Network(tuple(apply_patch(self.draft(code.latents), code.patch)))

    def decode_vectors(self, code: Code) -> Repaired:
        """The vectors alone -> a valid network, and the repairs that it took. Raises DataError
        for a code of another codec."""
        self._check(code)
        return restore(self.draft(code.latents), code.fingerprint)

    def draft(self, latents: dict[str, np.ndarray]) -> list[Vertex]:
        """Vectors -> vertices, before any repair."""
        parts = []
        for rows in _slices(len(latents["structure"])):
            tensors = {g: torch.from_numpy(np.array(v[rows])) for g, v in latents.items()}
            with torch.inference_mode():
                parts.append(self.model.decode(tensors))
        return to_draft(_joined(parts), self.vocabulary)

    def _check(self, code: Code) -> None:
        if not self.made(code):
            raise DataError(
                f"the code is of another codec than this {self.name!r}: of {code.codec!r}, "
                f"digest {code.digest}, where this one has {self.digest}"
            )

    def made(self, code: Code) -> bool:
        """Whether the code is this codec's, as far as its file says."""
        return code.codec == self.name and code.digest in ("", self.digest)

    def _encode_rows(self, items: Items) -> dict[str, np.ndarray]:
        parts = []
        for rows in _slices(len(items["structure"])):
            with torch.inference_mode():
                parts.append(self.model.encode({g: v[rows] for g, v in items.items()}))
        return {g: v.float().numpy() for g, v in _joined(parts).items()}


def load_codec(name: str, directory: Path = SHIPPED) -> Codec:
    """A shipped codec by name, or one in another folder. Runs no code from its files.

    Raises DataError: unknown (listing the known ones), damaged, or not of the zoo's domain.
    """
    known = codec_names(directory, domain="zoo")
    if name not in known:
        raise DataError(f"no codec {name!r} for whole networks; known are: {', '.join(known)}")
    card = read_card(directory / name)
    file = directory / f"{name}.projection.safetensors"
    try:
        arrays = load_file(file)
        projection = Projection(
            tuple(card["patterns"]), arrays["weights"], arrays["mean"], arrays["directions"]
        )
        vocabulary = Vocabulary.from_plain(card["vocabulary"])
    except (OSError, SafetensorError, KeyError, TypeError, ValueError) as e:
        raise DataError(f"{file}: damaged codec: {e}") from e
    model = load_model(directory / name)  # refuses weights that are missing or damaged
    digest = hashlib.blake2b((directory / f"{name}.safetensors").read_bytes(), digest_size=16)
    digest.update(json.dumps(card["vocabulary"]).encode())
    return Codec(name, model, vocabulary, projection, card, digest.hexdigest())


def restore(draft: Sequence[Vertex], fingerprint: str) -> Repaired:
    """A draft with this fingerprint is the network that was encoded, however deep or large;
    any other is repaired."""
    try:
        network = Network(tuple(draft))
    except InvalidNetwork:
        return repair(draft)
    return Repaired(network) if network.fingerprint == fingerprint else repair(draft)


def make_patch(draft: Sequence[Vertex], vertices: Sequence[Vertex]) -> bytes:
    """The vertices that the draft has wrong, compressed; empty when it is right."""
    wrong = {
        index: vertex_to_plain(vertex)
        for index, (made, vertex) in enumerate(zip(draft, vertices, strict=True))
        if repr(made) != repr(vertex)  # repr tells 1 from 1.0 as the fingerprint does
    }
    text = json.dumps(wrong, separators=(",", ":")).encode()
    return zlib.compress(text, 9) if wrong else b""


def apply_patch(draft: Sequence[Vertex], patch: bytes) -> list[Vertex]:
    """The draft with its corrections. Raises InvalidNetwork for a patch that does not fit."""
    vertices = list(draft)
    try:
        text = zlib.decompressobj().decompress(patch, MAX_PATCH)
        for index, plain in json.loads(text).items():
            vertices[int(index)] = vertex_from_plain(plain)
    except (zlib.error, ValueError, TypeError, IndexError, AttributeError) as e:
        raise InvalidNetwork("bad_patch", f"the patch does not fit its vectors: {e}") from e
    return vertices


def _slices(count: int) -> list[slice]:
    return [slice(start, start + ROWS_AT_ONCE) for start in range(0, count, ROWS_AT_ONCE)]


def _joined(parts: Sequence[dict[str, torch.Tensor]]) -> dict[str, torch.Tensor]:
    return {group: torch.cat([part[group] for part in parts]) for group in parts[0]}

"""A code: what a codec makes of one network."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from safetensors import SafetensorError, safe_open
from safetensors.numpy import save

from pipeline.atomic import write_atomically
from pipeline.errors import DataError

LARGEST = 64 * 2**20  # bytes of a file


@dataclass(frozen=True, eq=False, repr=False)
class Code:
    """``vector``: (width,) float16, whatever the network's size. ``residual``: the bits that
    the decoder needs besides, packed; empty where the vector alone gives the network.

    ``bits``: how many those are; ``exact_bits``: how many the vector's exact part holds, which
    its smooth part alone lacks. ``digest``: of the codec, whose name another may bear.
    """

    codec: str
    digest: str
    fingerprint: str
    vector: np.ndarray
    residual: bytes = b""
    bits: int = 0
    exact_bits: int = 0

    def __repr__(self) -> str:
        size = f"{len(self.vector)} numbers, {self.bits} bits"
        return f"Code({self.codec}, {self.fingerprint[:12]}, {size})"

    def save(self, path: Path | str) -> None:
        """Write the code as a safetensors file, whole or not at all."""
        write_atomically(Path(path), self.to_bytes())

    def to_bytes(self) -> bytes:
        """The file :meth:`save` writes."""
        about = {
            "codec": self.codec,
            "digest": self.digest,
            "fingerprint": self.fingerprint,
            "bits": self.bits,
            "exact_bits": self.exact_bits,
            "body": self._body(),
        }
        tensors: dict[str, np.ndarray] = {
            "vector": np.ascontiguousarray(self.vector, np.float16),
            "residual": np.frombuffer(self.residual, np.uint8),
        }
        # One entry: safetensors writes several in an order that changes from call to call.
        return save(tensors, {"code": json.dumps(about)})

    def _body(self) -> str:
        digest = hashlib.blake2b(digest_size=16)
        for part in (self.codec, self.digest, self.fingerprint, self.bits, self.exact_bits):
            digest.update(str(part).encode() + b"\n")
        digest.update(np.ascontiguousarray(self.vector, np.float16).tobytes() + self.residual)
        return digest.hexdigest()

    @classmethod
    def load(cls, path: Path | str) -> Code:
        """Raises DataError naming the file when it is missing, damaged or no code."""
        path = Path(path)
        try:
            if path.stat().st_size > LARGEST:
                raise DataError(f"{path}: larger than any code")
            with safe_open(path, "numpy") as file:
                about = json.loads((file.metadata() or {})["code"])
                vector, residual = file.get_tensor("vector"), file.get_tensor("residual")
            body = about.pop("body")
            code = cls(**about, vector=vector, residual=residual.tobytes())
        except FileNotFoundError as e:
            raise DataError(f"{path}: missing") from e
        except (OSError, SafetensorError, KeyError, TypeError, ValueError) as e:
            raise DataError(f"{path}: not a code: {e}") from e
        if code.vector.ndim != 1 or code.vector.dtype != np.float16:
            raise DataError(f"{path}: not a code: vector is {vector.dtype} {vector.shape}")
        if residual.dtype != np.uint8 or not isinstance(code.bits, int):
            raise DataError(f"{path}: not a code: residual is {residual.dtype}")
        if body != code._body():
            raise DataError(f"{path}: its content is not what its digest says; it is damaged")
        return code

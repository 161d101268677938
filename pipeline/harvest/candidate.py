"""What a source offers, and what comes back when one is fetched."""

from __future__ import annotations

from dataclasses import dataclass

import onnx


@dataclass(frozen=True, slots=True)
class Candidate:
    """One model a source can give, known from its listing alone.

    ``address`` names it for ever and for everybody (``torchvision://resnet18``,
    ``https://host/net.onnx``). ``version`` is what the listing knows of its content (an ETag,
    a digest, the library's version): when it changes, the model is fetched again.
    """

    source: str
    address: str
    name: str
    family: str
    licence: str
    version: str = ""


@dataclass(frozen=True, slots=True)
class Fetched:
    """A model without its weights, and what the file it came from was.

    ``file_digest`` identifies the file: ``sha256:...`` of its bytes where they were all seen
    or the source vouches for them, else ``etag:...``. ``bytes`` is the size of the whole file.
    """

    skeleton: onnx.ModelProto
    file_digest: str
    bytes: int

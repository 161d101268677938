"""Files at public addresses that are known by their digest: fetched once, checked always."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path

from pipeline.atomic import write_atomically
from pipeline.errors import DataError, ModelError
from pipeline.weightless.http import read_url


@dataclass(frozen=True, slots=True)
class Download:
    """One file: what it is, its name here, where it is to be had, and its SHA-256."""

    title: str
    file: str
    address: str
    sha256: str

    def verify(self, content: bytes, where: str) -> bytes:
        """The content, if it is the file's. Raises DataError, naming where it came from."""
        digest = _digest(content)
        if digest != self.sha256:
            raise DataError(
                f"{where}: not {self.title} (sha256 {digest}, expected {self.sha256})"
            )
        return content


@dataclass(frozen=True, slots=True)
class Downloads:
    """Where downloads are kept: in ``folder``. ``copies``: a folder of copies that somebody
    gave, under whatever names; they are known by their digests. ``online``: whether what is
    missing may be fetched."""

    folder: Path
    copies: Path | None = None
    online: bool = True

    def read(self, download: Download) -> bytes:
        """The content of a file: kept, given, or fetched; then it is kept.

        Raises DataError for other content than the file's; ModelError ``unreachable`` and the
        like when it cannot be fetched, ``absent`` when it may not be.
        """
        content = self.find(download)
        if content is None and not self.online:
            raise ModelError("absent", f"{download.title} is not here", download.file)
        if content is None:
            content = download.verify(read_url(download.address), download.address)
            write_atomically(self.folder / download.file, content)
        return content

    def find(self, download: Download) -> bytes | None:
        """The content of a file that is kept, or given and then kept; else None.

        Raises DataError when what is kept is not the file.
        """
        path = self.folder / download.file
        if path.exists():
            return download.verify(path.read_bytes(), str(path))
        for copy in sorted(self.copies.iterdir()) if self.copies else ():
            if copy.is_file() and _digest(content := copy.read_bytes()) == download.sha256:
                write_atomically(path, content)
                return content
        return None


def _digest(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()

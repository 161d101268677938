"""HTTP as a seekable file: ranges fetched with patience, and never from two versions.

Every range must carry the ETag and the size of the first, and holds no byte more than were
asked for, decoded by nobody.
"""

from __future__ import annotations

import io
import re
from collections.abc import Mapping
from typing import Any

import requests

from pipeline.errors import ModelError
from pipeline.weightless.web import Answer, Patience, TransientError, Web, with_patience

FIRST = 65536  # bytes of the first request: enough for many a whole skeleton
WHOLE = 64 << 20  # what is taken from a server that knows no ranges
PART = 1 << 20  # bytes taken at once of a body


class HttpFile(io.RawIOBase):
    """An address as a read-only file of known ``size`` and ``etag``.

    ``hosts``: shell patterns of those that redirects may lead to; empty for any. ``most``:
    bytes taken from a server that knows no ranges. Raises
    ModelError: ``missing`` (404, 410), ``forbidden`` (401, 403, or a host that is not among
    them), ``changed`` (another ETag or size than at the start), ``no_ranges``, ``unreachable``
    (all tries failed, or the answer is no proper HTTP).
    """

    def __init__(
        self,
        address: str,
        headers: Mapping[str, str] | None = None,
        patience: Patience | None = None,
        hosts: tuple[str, ...] = (),
        most: int = WHOLE,
    ) -> None:
        self.name, self._most = address, most
        self._web = Web(dict(headers or {}), patience or Patience(), hosts)
        self._at = 0
        self.etag, self.size = "", -1
        first = self._get(0, FIRST)
        self.etag, self._head = first.etag, first.body
        self.size = _range(first)[2] if first.status == 206 else len(first.body)

    def seekable(self) -> bool:
        return True

    def readable(self) -> bool:
        return True

    def tell(self) -> int:
        return self._at

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        start = {io.SEEK_SET: 0, io.SEEK_CUR: self._at, io.SEEK_END: self.size}[whence]
        self._at = max(0, start + offset)
        return self._at

    def readinto(self, buffer: Any) -> int:
        start, stop = self._at, min(self._at + len(buffer), self.size)
        if stop <= start:
            return 0
        part = (
            self._head[start:stop] if stop <= len(self._head) else self._get(start, stop).body
        )
        buffer[: len(part)] = part
        self._at += len(part)
        return len(part)

    def close(self) -> None:
        self._web.close()
        super().close()

    def _get(self, start: int, stop: int) -> Answer:
        return with_patience(lambda: self._try(start, stop), self._web.patience, self.name)

    def _try(self, start: int, stop: int) -> Answer:
        wanted = {"Range": f"bytes={start}-{stop - 1}"}
        answer = self._web.ask("GET", self.name, wanted, lambda r: self._body(r, start, stop))
        if self.size >= 0 and answer.etag != self.etag:
            raise ModelError("changed", "changed while it was read")
        if answer.status == 206 and self.size not in (-1, _range(answer)[2]):
            raise ModelError("changed", "changed its size while it was read")
        return answer

    def _body(self, response: requests.Response, start: int, stop: int) -> bytes:
        """The bytes of a range, or all of them from a server that knows no ranges."""
        coding = response.headers.get("Content-Encoding", "identity")
        if coding != "identity":
            raise ModelError("no_ranges", f"sends {coding[:20]!r} instead of the bytes")
        if response.status_code == 206:
            return _partial(response, start, stop)
        if start:
            raise ModelError("no_ranges", "sends whole files only, not ranges")
        declared = response.headers.get("Content-Length", "")
        size = int(declared) if re.fullmatch(r"[0-9]{1,18}", declared) else None
        body = b"" if size and size > self._most else _read(response, self._most)
        if max(len(body), size or 0) > self._most:
            raise ModelError("no_ranges", "sends whole files only, and this is large")
        if size is not None and len(body) != size:
            raise TransientError(f"{len(body)} bytes of {size}")
        return body


def read_url(address: str, patience: Patience | None = None) -> bytes:
    """The whole content of an address (64 MiB at most); ModelErrors as for HttpFile."""
    with HttpFile(address, patience=patience) as file:
        if file.size > WHOLE:
            raise ModelError("too_large", f"{file.size:,} bytes", address)
        return b"".join(iter(lambda: file.read(PART), b""))  # io's own parts are small


def probe(address: str, patience: Patience | None = None, hosts: tuple[str, ...] = ()) -> str:
    """What a listing can know of an address's version: its ETag, else its date; else empty."""
    web = Web({}, patience or Patience(), hosts)
    try:
        return with_patience(
            lambda: web.ask("HEAD", address, {}, lambda _: b"").etag, web.patience, address
        )
    finally:
        web.close()


def _range(answer: Answer | requests.Response) -> tuple[int, int, int]:
    """First byte, end and whole size, from ``Content-Range``."""
    text = answer.headers.get("Content-Range", "")
    match = re.fullmatch(r"bytes ([0-9]{1,18})-([0-9]{1,18})/([0-9]{1,18})", text)
    if match is None:
        raise TransientError("a range without a usable Content-Range")
    first, last, size = (int(group) for group in match.groups())
    if not first <= last < size:
        raise TransientError(f"a range of {first}-{last}/{size}")
    return first, last + 1, size


def _partial(response: requests.Response, start: int, stop: int) -> bytes:
    first, end, _ = _range(response)
    if first != start or end > stop:
        raise TransientError(f"bytes {first}-{end} where {start}-{stop} were wanted")
    body = _read(response, end - first)
    if len(body) != end - first:
        raise TransientError(f"{len(body)} bytes of a range of {end - first}")
    return body


def _read(response: requests.Response, most: int) -> bytes:
    """The body as it was sent, up to one byte more than ``most``."""
    body = bytearray()
    while len(body) <= most:
        part = response.raw.read(min(PART, most + 1 - len(body)), decode_content=False)
        if not part:
            break
        body += part
    return bytes(body)

"""HTTP as a seekable file: ranges fetched with patience, and never from two versions.

Answers 408, 429 and 5xx, timeouts, broken connections and bodies that end early are tried
again with growing pauses, or after what ``Retry-After`` asks for. Every range must carry the
ETag of the first.
"""

from __future__ import annotations

import io
import re
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any

import requests

from pipeline.errors import ModelError

AGAIN = {408, 425, 429, 500, 502, 503, 504}
FIRST = 65536  # bytes of the first request: enough for many a whole skeleton
WHOLE = 64 << 20  # what is taken from a server that knows no ranges


@dataclass(frozen=True, slots=True)
class Patience:
    """How long to try: seconds a request, tries, seconds of pauses in all."""

    seconds: float = 30.0
    tries: int = 6
    pauses: float = 100.0
    first_pause: float = 1.0
    sleep: Callable[[float], None] = field(default=time.sleep)


class TransientError(Exception):
    """Worth another try, after ``pause`` seconds if the server named them."""

    def __init__(self, what: str, pause: float | None = None) -> None:
        super().__init__(what)
        self.pause = pause


class HttpFile(io.RawIOBase):
    """An address as a read-only file of known ``size`` and ``etag``.

    Raises ModelError: ``missing`` (404, 410), ``forbidden`` (401, 403), ``changed`` (another
    ETag than at the start), ``no_ranges``, ``unreachable`` (all tries failed).
    """

    def __init__(
        self,
        address: str,
        headers: Mapping[str, str] | None = None,
        patience: Patience | None = None,
    ) -> None:
        self.name = address
        self._session = requests.Session()
        self._session.headers.update({"Accept-Encoding": "identity", **(headers or {})})
        self._patience = patience or Patience()
        self._at = 0
        self.etag = ""
        self.size, self._head = self._open()

    def _open(self) -> tuple[int, bytes]:
        response, body = self._get(0, FIRST)
        self.etag = _etag(response)
        if response.status_code == 206:
            return _range(response)[2], body
        return len(body), body

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
        part = self._head[start:stop] if stop <= len(self._head) else self._get(start, stop)[1]
        buffer[: len(part)] = part
        self._at += len(part)
        return len(part)

    def close(self) -> None:
        self._session.close()
        super().close()

    def _get(self, start: int, stop: int) -> tuple[requests.Response, bytes]:
        return with_patience(lambda: self._try(start, stop), self._patience, self.name)

    def _try(self, start: int, stop: int) -> tuple[requests.Response, bytes]:
        headers = {"Range": f"bytes={start}-{stop - 1}"}
        with self._session.get(
            self.name, headers=headers, stream=True, timeout=self._patience.seconds
        ) as response:
            _check_status(response, self.name)
            if self.etag and _etag(response) != self.etag:
                raise ModelError("changed", "changed while it was read", self.name)
            if response.status_code == 206:
                return response, _partial(response, start)
            if start:
                raise ModelError("no_ranges", "sends whole files only, not ranges", self.name)
            return response, _whole(response, self.name)


def read_url(address: str, patience: Patience | None = None) -> bytes:
    """The whole content of an address (64 MiB at most); ModelErrors as for HttpFile."""
    with HttpFile(address, patience=patience) as file:
        if file.size > WHOLE:
            raise ModelError("too_large", f"{file.size:,} bytes", address)
        return file.read()


def probe(address: str, patience: Patience | None = None) -> str:
    """What a listing can know of an address's version: its ETag, else its date; else empty."""

    def ask() -> str:
        seconds = (patience or Patience()).seconds
        with requests.head(address, allow_redirects=True, timeout=seconds) as response:
            _check_status(response, address)
            return _etag(response)

    return with_patience(ask, patience or Patience(), address)


def with_patience(attempt: Callable[[], Any], patience: Patience, address: str) -> Any:
    """What ``attempt`` returns, tried again while it fails for reasons that pass."""
    slept = 0.0
    for number in range(patience.tries):
        try:
            return attempt()
        except (requests.ConnectionError, requests.Timeout, TransientError) as error:
            failure: Exception = error
        except requests.exceptions.ChunkedEncodingError as error:
            failure = TransientError(f"the body ended early ({error})")
        except requests.RequestException as error:
            raise ModelError("unreachable", str(error)[:300], address) from error
        pause = getattr(failure, "pause", None)
        pause = patience.first_pause * 2**number if pause is None else pause
        if number + 1 == patience.tries or slept + pause > patience.pauses:
            break
        patience.sleep(pause)
        slept += pause
    raise ModelError(
        "unreachable", f"{number + 1} tries: {failure}"[:300], address
    ) from failure


def _check_status(response: requests.Response, address: str) -> None:
    status = response.status_code
    if status in (200, 206):
        return
    if status in AGAIN:
        raise TransientError(f"HTTP {status}", retry_after(response.headers))
    reasons = {404: "missing", 410: "missing", 401: "forbidden", 403: "forbidden"}
    raise ModelError(reasons.get(status, "unreachable"), f"HTTP {status}", address)


def retry_after(headers: Mapping[str, str]) -> float | None:
    """Seconds that ``Retry-After`` asks to wait, as a number or as a date; None without it."""
    value = headers.get("Retry-After", "")
    if value.isdigit():
        return float(value)
    try:
        when = parsedate_to_datetime(value)
    except ValueError:
        return None
    return max(0.0, (when - datetime.now(UTC)).total_seconds())


def _etag(response: requests.Response) -> str:
    """The content's ETag; a hub that redirects to its storage names it on the redirect."""
    for answer in (*response.history, response):
        if linked := answer.headers.get("X-Linked-Etag"):
            return linked.strip('"')
    headers = response.headers
    return headers.get("ETag", headers.get("Last-Modified", "")).removeprefix("W/").strip('"')


def _range(response: requests.Response) -> tuple[int, int, int]:
    """First byte, end and whole size, from ``Content-Range``."""
    match = re.fullmatch(r"bytes (\d+)-(\d+)/(\d+)", response.headers.get("Content-Range", ""))
    if match is None:
        raise TransientError("a range without a usable Content-Range")
    first, last, size = (int(group) for group in match.groups())
    return first, last + 1, size


def _partial(response: requests.Response, start: int) -> bytes:
    first, stop, _ = _range(response)
    body = response.content
    if first != start or len(body) != stop - first:
        raise TransientError(f"{len(body)} bytes of a range of {stop - first}")
    return body


def _whole(response: requests.Response, address: str) -> bytes:
    body = bytearray()
    for part in response.iter_content(1 << 20):
        body += part
        if len(body) > WHOLE:
            raise ModelError("no_ranges", "sends whole files only, and this is large", address)
    declared = response.headers.get("Content-Length", "")
    if declared.isdigit() and len(body) != int(declared):
        raise TransientError(f"{len(body)} bytes of {declared}")
    return bytes(body)

"""Requests that a server can only make fail: bounded in time, tries and redirects.

Answers 408, 425, 429 and 5xx, timeouts and broken connections are tried again with growing
pauses, or after what ``Retry-After`` asks for. Credentials in headers go to no other host.
Whatever is answered, the worst is a ModelError of its address.
"""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from fnmatch import fnmatchcase
from typing import Any
from urllib.parse import SplitResult, urljoin, urlsplit

import requests
from urllib3.exceptions import HTTPError

from pipeline.errors import ModelError
from pipeline.weightless.deadline import session, within

AGAIN = {408, 425, 429, 500, 502, 503, 504}
REASONS = {404: "missing", 410: "missing", 401: "forbidden", 403: "forbidden", 416: "empty"}
REDIRECTS = {301, 302, 303, 307, 308}
MOST_REDIRECTS = 5
PERSONAL = ("authorization", "cookie")  # headers for one host, and for no other


@dataclass(frozen=True, slots=True)
class Patience:
    """How long to try: seconds a request may take from connecting to its last byte, tries,
    seconds of pauses in all, seconds for all requests of one file."""

    seconds: float = 30.0
    tries: int = 6
    pauses: float = 100.0
    first_pause: float = 1.0
    sleep: Callable[[float], None] = field(default=time.sleep)
    file_seconds: float = 900.0


class TransientError(Exception):
    """Worth another try, after ``pause`` seconds if the server named them."""

    def __init__(self, what: str, pause: float | None = None) -> None:
        super().__init__(what)
        self.pause = pause


@dataclass(frozen=True, slots=True)
class Answer:
    """The last answer of a chain of redirects. ``etag``: of the content; a hub that redirects
    to its storage names it on the redirect."""

    status: int
    headers: Mapping[str, str]
    etag: str
    body: bytes


class Web:
    """Requests of one file: its headers, its patience, where it may be led, its time."""

    def __init__(
        self, headers: dict[str, str], patience: Patience, hosts: tuple[str, ...]
    ) -> None:
        self.patience, self._headers, self._hosts = patience, headers, hosts
        self._session = session()
        self._ends = time.monotonic() + patience.file_seconds

    def close(self) -> None:
        self._session.close()

    def ask(
        self,
        method: str,
        address: str,
        headers: Mapping[str, str],
        read: Callable[[requests.Response], bytes],
    ) -> Answer:
        """The answer to one request, redirects followed, its body as ``read`` takes it."""
        left = self._ends - time.monotonic()
        if left <= 0:
            raise ModelError("unreachable", f"took {self.patience.file_seconds:g} s in all")
        headers = {"Accept-Encoding": "identity", **self._headers, **headers}
        linked = ""
        with within(min(self.patience.seconds, left)):
            for _ in range(MOST_REDIRECTS + 1):
                with self._session.request(
                    method,
                    address,
                    headers=headers,
                    stream=True,
                    allow_redirects=False,
                    timeout=self.patience.seconds,
                ) as response:
                    linked = linked or response.headers.get("X-Linked-Etag", "")
                    if response.status_code in REDIRECTS:
                        address, headers = self._follow(address, response, headers)
                        continue
                    check_status(response)
                    etag = linked or _etag(response.headers)
                    body = read(response)
                    return Answer(
                        response.status_code, response.headers, etag.strip('"'), body
                    )
        raise ModelError("unreachable", f"more than {MOST_REDIRECTS} redirects")

    def _follow(
        self, address: str, response: requests.Response, headers: Mapping[str, str]
    ) -> tuple[str, dict[str, str]]:
        """Where a redirect leads, and the headers that may go there."""
        target = urljoin(address, response.headers.get("Location", ""))
        here, there = urlsplit(address), urlsplit(target)
        if there.scheme not in ("http", "https") or not there.hostname:
            raise ModelError("unreachable", "redirects to what is no web address")
        if here.scheme == "https" and there.scheme == "http":
            raise ModelError("forbidden", "redirects from https to http")
        same = _place(here) == _place(there)
        if not same and self._hosts and not _is_among(there.hostname, self._hosts):
            raise ModelError(
                "forbidden", f"redirects to {there.hostname}, not among the hosts"
            )
        kept = {n: v for n, v in headers.items() if same or n.lower() not in PERSONAL}
        return target, kept


def with_patience(attempt: Callable[[], Any], patience: Patience, address: str) -> Any:
    """What ``attempt`` returns, tried again while it fails for reasons that pass. Whatever a
    client makes of a server's answer becomes a ModelError of this address."""
    slept = 0.0
    for number in range(patience.tries):
        try:
            return attempt()
        except ModelError as error:
            raise error.at(address) from error.__cause__
        except (
            requests.ConnectionError,
            requests.Timeout,
            requests.exceptions.ChunkedEncodingError,
            HTTPError,
            OSError,
            TransientError,
        ) as error:
            failure: Exception = error
        except Exception as error:  # an odd Location, a header that is no number, ...
            raise ModelError("unreachable", _describe(error), address) from error
        pause = getattr(failure, "pause", None)
        pause = patience.first_pause * 2**number if pause is None else pause
        if number + 1 == patience.tries or slept + pause > patience.pauses:
            break
        patience.sleep(pause)
        slept += pause
    detail = f"{number + 1} tries: {_describe(failure)}"
    raise ModelError("unreachable", detail, address) from failure


def check_status(response: requests.Response) -> None:
    """Raise TransientError or ModelError for an answer that holds no content."""
    status = response.status_code
    if status in (200, 206):
        return
    if status in AGAIN:
        raise TransientError(f"HTTP {status}", retry_after(response.headers))
    reasons = {
        404: "missing",
        410: "missing",
        401: "forbidden",
        403: "forbidden",
        416: "empty",
    }
    raise ModelError(reasons.get(status, "unreachable"), f"HTTP {status}")


def retry_after(headers: Mapping[str, str]) -> float | None:
    """Seconds that ``Retry-After`` asks to wait, as a number or as a date; None without it, or
    for what is neither."""
    value = headers.get("Retry-After", "")
    if re.fullmatch(r"[0-9]{1,9}", value):
        return float(value)
    try:
        when = parsedate_to_datetime(value)
        when = when if when.tzinfo else when.replace(tzinfo=UTC)
        return max(0.0, (when - datetime.now(UTC)).total_seconds())
    except (ValueError, OverflowError, TypeError):
        return None


def _describe(error: Exception) -> str:
    return f"{type(error).__name__}: {error}"[:300]


def _etag(headers: Mapping[str, str]) -> str:
    return headers.get("ETag", headers.get("Last-Modified", "")).removeprefix("W/").strip('"')


def _place(parts: SplitResult) -> tuple[str, str | None, int | None]:
    return parts.scheme, parts.hostname, parts.port


def _is_among(host: str, patterns: tuple[str, ...]) -> bool:
    return any(fnmatchcase(host, pattern.lower()) for pattern in patterns)

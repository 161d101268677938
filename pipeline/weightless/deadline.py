"""HTTP answers that end: however slowly a server sends, a request takes no longer than it may.

``requests`` bounds each wait for bytes, and a server that sends one byte at a time may go on
for ever. Here every read, of headers and of the body, waits only for what is left of the whole
request's time.
"""

from __future__ import annotations

import http.client
import io
import socket
import time
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any

import requests
from requests.adapters import HTTPAdapter
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.connectionpool import HTTPConnectionPool, HTTPSConnectionPool

_ENDS: ContextVar[float] = ContextVar("ends")  # by time.monotonic


@contextmanager
def within(seconds: float) -> Iterator[None]:
    """What is read inside the block, through :func:`session`, raises TimeoutError after so
    many seconds."""
    token = _ENDS.set(time.monotonic() + seconds)
    try:
        yield
    finally:
        _ENDS.reset(token)


def session() -> requests.Session:
    """A session that reads in time and leaves redirects to the caller: requests would read the
    whole body of each."""
    made = _Session()
    for scheme in ("http://", "https://"):
        made.mount(scheme, _Adapter())
    return made


class _Session(requests.Session):
    def get_redirect_target(self, resp: requests.Response) -> None:
        return None


class _TimedReader(io.RawIOBase):
    """A socket's bytes, as long as there is time."""

    def __init__(self, sock: socket.socket, raw: Any) -> None:
        self._sock, self._raw = sock, raw

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int | None:
        left = _ENDS.get(float("inf")) - time.monotonic()
        if left <= 0:
            raise TimeoutError("the answer takes too long")
        allowed = self._sock.gettimeout()
        self._sock.settimeout(min(left, float("inf") if allowed is None else allowed))
        try:
            return self._raw.readinto(buffer)
        finally:
            self._sock.settimeout(allowed)

    def close(self) -> None:
        self._raw.close()
        super().close()


class _Answer(http.client.HTTPResponse):
    def __init__(self, sock: socket.socket, *args: Any, **kwargs: Any) -> None:
        super().__init__(sock, *args, **kwargs)
        self.fp = io.BufferedReader(_TimedReader(sock, self.fp.detach()))


class _Connection(HTTPConnection):
    response_class = _Answer


class _SecureConnection(HTTPSConnection):
    response_class = _Answer


class _Pool(HTTPConnectionPool):
    ConnectionCls = _Connection


class _SecurePool(HTTPSConnectionPool):
    ConnectionCls = _SecureConnection


class _Adapter(HTTPAdapter):
    def init_poolmanager(self, *args: Any, **kwargs: Any) -> None:
        super().init_poolmanager(*args, **kwargs)
        self.poolmanager.pool_classes_by_scheme = {"http": _Pool, "https": _SecurePool}

    def proxy_manager_for(self, *args: Any, **kwargs: Any) -> Any:
        manager = super().proxy_manager_for(*args, **kwargs)
        manager.pool_classes_by_scheme = {"http": _Pool, "https": _SecurePool}
        return manager

"""A server on 127.0.0.1 that serves bytes in ranges and fails as it is told to."""

from __future__ import annotations

import json
import re
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


@dataclass
class Site:
    """What is served, and what goes wrong: one failure a request to a path, in order.

    A failure is a status (``503``), a status with Retry-After (``(429, "1")``), ``"truncate"``
    (half of the body), ``"hang"`` (no answer for a second) or ``"drop"`` (closed connection).
    """

    files: dict[str, bytes] = field(default_factory=dict)
    etags: dict[str, str] = field(default_factory=dict)
    api: dict[str, object] = field(default_factory=dict)
    failures: dict[str, list[object]] = field(default_factory=dict)
    requests: list[tuple[str, str]] = field(default_factory=list)
    body_bytes: int = 0
    address: str = ""


@contextmanager
def serve(site: Site) -> Iterator[Site]:
    """Serves ``site`` until the block ends."""
    handler = type("Handler", (_Handler,), {"site": site})
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    server.daemon_threads = True
    site.address = f"http://127.0.0.1:{server.server_address[1]}"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    try:
        yield site
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


class _Handler(BaseHTTPRequestHandler):
    site: Site
    protocol_version = "HTTP/1.1"

    def do_HEAD(self) -> None:
        self._answer()

    def do_GET(self) -> None:
        self._answer()

    def _answer(self) -> None:
        path = self.path.partition("?")[0]
        self.site.requests.append((self.command, path))
        failures = self.site.failures.get(path, [])
        failure = failures.pop(0) if failures and self.command == "GET" else None
        if failure == "hang":
            time.sleep(1.0)
        if failure in ("hang", "drop"):
            self.close_connection = True
            return
        if isinstance(failure, int | tuple):
            self._fail(failure)
        elif path in self.site.api:
            self._send(200, json.dumps(self.site.api[path]).encode(), {})
        elif path in self.site.files:
            self._send_file(path, truncated=failure == "truncate")
        else:
            self._send(404, b"", {})

    def _fail(self, failure: int | tuple[int, str]) -> None:
        status, pause = failure if isinstance(failure, tuple) else (failure, "")
        self._send(status, b"no", {"Retry-After": pause} if pause else {})

    def _send_file(self, path: str, truncated: bool) -> None:
        content = self.site.files[path]
        headers = {"ETag": f'"{self.site.etags.get(path, "v1")}"'}
        wanted = re.fullmatch(r"bytes=(\d+)-(\d+)", self.headers.get("Range", ""))
        if wanted is None:
            self._send(200, content, headers, truncated)
            return
        start, stop = int(wanted[1]), min(int(wanted[2]) + 1, len(content))
        headers["Content-Range"] = f"bytes {start}-{stop - 1}/{len(content)}"
        self._send(206, content[start:stop], headers, truncated)

    def _send(
        self, status: int, body: bytes, headers: dict[str, str], truncated: bool = False
    ) -> None:
        self.send_response(status)
        for name, value in {**headers, "Content-Length": str(len(body))}.items():
            self.send_header(name, value)
        self.end_headers()
        if self.command == "GET":
            sent = body[: len(body) // 2] if truncated else body
            self.wfile.write(sent)
            self.site.body_bytes += len(sent)
        self.close_connection = self.close_connection or truncated

    def log_message(self, *_: object) -> None:
        """Quiet."""

"""An HTTP server on 127.0.0.1 that counts the body bytes it sends, with or without ranges."""

from __future__ import annotations

import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

CHUNK = 1 << 16


@dataclass
class Served:
    """What a server has done so far. ``address`` is the folder's, with no final slash."""

    address: str
    body_bytes: int = 0
    requests: int = 0


@contextmanager
def serve_folder(
    folder: Path, ranges: bool = True, statuses: dict[str, int] | None = None
) -> Iterator[Served]:
    """Serves the files of ``folder``; ``statuses`` makes named ones answer with an error."""
    served = Served("")
    handler = type("Handler", (_Handler,), {})
    handler.folder, handler.ranges, handler.served = folder, ranges, served
    handler.statuses = statuses or {}
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    server.daemon_threads = True
    served.address = f"http://127.0.0.1:{server.server_address[1]}"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    try:
        yield served
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


class _Handler(BaseHTTPRequestHandler):
    folder: Path
    ranges: bool
    served: Served
    statuses: dict[str, int]
    protocol_version = "HTTP/1.1"

    def do_HEAD(self) -> None:
        self._answer(with_body=False)

    def do_GET(self) -> None:
        self._answer(with_body=True)

    def _answer(self, with_body: bool) -> None:
        self.served.requests += 1
        name = self.path.lstrip("/")
        path = self.folder / name
        status = self.statuses.get(name, 200 if path.is_file() else 404)
        if status != 200:
            self.send_response(status)
            self.send_header("Content-Length", "0")
            self.end_headers()
            return
        size = path.stat().st_size
        start, stop = 0, size
        wanted = re.fullmatch(r"bytes=(\d+)-(\d+)", self.headers.get("Range", ""))
        if wanted and self.ranges:
            start, stop = int(wanted[1]), min(int(wanted[2]) + 1, size)
            self.send_response(206)
            self.send_header("Content-Range", f"bytes {start}-{stop - 1}/{size}")
        else:
            self.send_response(200)
        self.send_header("Content-Length", str(stop - start))
        self.end_headers()
        if with_body:
            self._send(path, start, stop)

    def _send(self, path: Path, start: int, stop: int) -> None:
        with path.open("rb") as file:
            file.seek(start)
            while start < stop:
                part = file.read(min(CHUNK, stop - start))
                try:
                    self.wfile.write(part)
                except OSError:  # the client has had enough
                    self.close_connection = True
                    return
                start += len(part)
                self.served.body_bytes += len(part)

    def log_message(self, *_: object) -> None:
        """Says nothing."""

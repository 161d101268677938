"""A server on 127.0.0.1 that answers with whatever bytes it is told to, at whatever pace."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field

MOST_SENT = 256 << 20  # an endless answer ends here, and the test has failed


@dataclass
class Odd:
    """What is answered to a request's bytes: parts to send, an endless number of them maybe.

    ``pause``: seconds before each part. ``sent``: bytes so far; ``requests``: their heads.
    """

    answer: Callable[[bytes], Iterable[bytes]]
    pause: float = 0.0
    address: str = ""
    sent: int = 0
    requests: list[bytes] = field(default_factory=list)


@contextmanager
def serve_odd(answer: Callable[[bytes], Iterable[bytes]], pause: float = 0.0) -> Iterator[Odd]:
    """Serves until the block ends; every connection takes one request."""
    odd = Odd(answer, pause)
    listener = socket.create_server(("127.0.0.1", 0))
    odd.address = f"http://127.0.0.1:{listener.getsockname()[1]}/net.onnx"
    ended = threading.Event()
    thread = threading.Thread(target=_listen, args=(listener, odd, ended), daemon=True)
    thread.start()
    try:
        yield odd
    finally:
        ended.set()
        listener.shutdown(socket.SHUT_RDWR)
        listener.close()
        thread.join()


def _listen(listener: socket.socket, odd: Odd, ended: threading.Event) -> None:
    with suppress(OSError):
        while not ended.is_set():
            connection, _ = listener.accept()
            threading.Thread(target=_serve, args=(connection, odd, ended), daemon=True).start()


def _serve(connection: socket.socket, odd: Odd, ended: threading.Event) -> None:
    with connection, suppress(OSError):
        head = b""
        while b"\r\n\r\n" not in head:
            if not (part := connection.recv(65536)):
                return
            head += part
        odd.requests.append(head)
        for part in odd.answer(head):
            if odd.pause:
                time.sleep(odd.pause)
            connection.sendall(part)
            odd.sent += len(part)
            if ended.is_set() or odd.sent > MOST_SENT:
                return

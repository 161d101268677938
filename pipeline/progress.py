"""Progress: a bar on a terminal, a plain line every few seconds in a log."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterable, Iterator, Sized
from typing import TypeVar

Item = TypeVar("Item")
SECONDS_BETWEEN_LINES = 5.0


def track(items: Iterable[Item], description: str, total: int | None = None) -> Iterator[Item]:
    """The same items; how far they are goes to standard error, never to standard output."""
    if total is None and isinstance(items, Sized):
        total = len(items)
    return (_bar if sys.stderr.isatty() else _lines)(items, description, total)


def _bar(items: Iterable[Item], description: str, total: int | None) -> Iterator[Item]:
    from rich.console import Console
    from rich.progress import track as rich_track

    yield from rich_track(items, description, total=total, console=Console(stderr=True))


def _lines(items: Iterable[Item], description: str, total: int | None) -> Iterator[Item]:
    started = said = time.monotonic()
    of = "" if total is None else f"/{total}"
    done = 0
    for item in items:
        yield item
        done += 1
        now = time.monotonic()
        if now - said >= SECONDS_BETWEEN_LINES:
            said = now
            _say(f"{description}: {done}{of}, {now - started:.0f} s")
    _say(f"{description}: {done}{of} done in {time.monotonic() - started:.1f} s")


def _say(line: str) -> None:
    print(line, file=sys.stderr, flush=True)

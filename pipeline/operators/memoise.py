"""Answers that are kept, since most layers of a network are alike."""

from __future__ import annotations

from collections.abc import Callable, Hashable
from typing import TypeVar

Key = TypeVar("Key", bound=Hashable)
Answer = TypeVar("Answer")
MOST = 16_384  # answers of one kind


def memoise(known: dict[Key, Answer], key: Key, make: Callable[[], Answer]) -> Answer:
    """The answer kept under ``key``, else a new one; too many, and all are forgotten.

    Unlike functools' cache it takes a key beside what the answer is made of: a plain tuple,
    which hashes fast. The answer must not be changed.
    """
    found = known.get(key)
    if found is None:
        found = make()
        if len(known) >= MOST:
            known.clear()
        known[key] = found
    return found

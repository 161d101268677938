"""Where models come from: one module a source, all of one shape.

``list_candidates(params)`` says cheaply what there is; ``fetch(candidate, params)`` gets one.
The module's name is the source's name in ``params.yaml``.
"""

from __future__ import annotations

from collections.abc import Iterator
from fnmatch import fnmatchcase
from functools import cache
from importlib import import_module
from importlib.metadata import version
from typing import Any, Protocol, cast

from pipeline.harvest.candidate import Candidate, Fetched


class Source(Protocol):
    """What each module here provides; ``params`` is its section of the parameters."""

    def list_candidates(self, params: Any) -> Iterator[Candidate]:
        """What there is; ModelError with reason ``unreachable`` if nobody answers."""
        ...

    def fetch(self, candidate: Candidate, params: Any) -> Fetched:
        """One of them without its weights; ModelError if it cannot be had."""
        ...


def source_named(name: str) -> Source:
    """The module of a source, imported when it is needed: some bring heavy libraries."""
    return cast(Source, import_module(f"{__name__}.{name}"))


@cache
def versions_of(*packages: str) -> str:
    """``"torch 2.14.1, timm 1.0.31"``: what an exported model's content depends on."""
    return ", ".join(f"{package} {version(package)}" for package in packages)


def wanted(name: str, patterns: tuple[str, ...]) -> bool:
    """Whether a model's name fits one of the shell patterns."""
    return any(fnmatchcase(name, pattern) for pattern in patterns)

"""ONNX files at any fsspec address or glob: local, ``https://``, ``s3://`` and others.

Over HTTP and on object storage only the graph's bytes are fetched, not the weights.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import PurePosixPath
from typing import Any, BinaryIO, cast

import fsspec

from pipeline.errors import ModelError
from pipeline.harvest.candidate import Candidate, Fetched
from pipeline.harvest.families import family_of
from pipeline.harvest.params import Files
from pipeline.weightless.http import HttpFile, probe
from pipeline.weightless.skeleton import read_skeleton
from pipeline.weightless.web import Patience

WEB = ("http://", "https://")


def list_candidates(params: Files) -> Iterator[Candidate]:
    """What the addresses name, in their order, each once; a glob may name nothing."""
    addresses = (found for given in params.addresses for found in _expand(given, params))
    for address in dict.fromkeys(addresses):
        name = PurePosixPath(address).stem
        yield Candidate(
            source="files",
            address=address,
            name=name,
            family=family_of(name),
            licence=params.licence,
            version=_version(address, params),
        )


def fetch(candidate: Candidate, params: Files) -> Fetched:
    """Read one file's graph; ModelError if it cannot be had or is no model."""
    if candidate.address.startswith(WEB):
        patience = Patience(params.seconds, params.tries)
        return fetch_url(candidate.address, patience=patience, hosts=params.hosts)
    skeleton = read_skeleton(candidate.address, params.options)
    with _reached(candidate.address):
        filesystem, path = fsspec.core.url_to_fs(candidate.address, **params.options)
        facts = filesystem.info(path)
        if "file" not in _protocols(filesystem):
            return Fetched(skeleton, _remote_digest(facts), int(facts["size"]))
        with filesystem.open(path, "rb") as file:
            digest = hashlib.file_digest(file, "sha256").hexdigest()
    return Fetched(skeleton, f"sha256:{digest}", int(facts["size"]))


def fetch_url(
    address: str,
    headers: dict[str, str] | None = None,
    patience: Patience | None = None,
    hosts: tuple[str, ...] = (),
) -> Fetched:
    """Read a graph over HTTP ranges; again from the start if the file changes meanwhile.

    ``hosts``: as for :class:`~pipeline.weightless.http.HttpFile`.
    """
    for last in (False, False, True):
        try:
            with HttpFile(address, headers, patience, hosts) as file:
                return Fetched(
                    read_skeleton(cast(BinaryIO, file)),
                    _digest_of(file.etag, address),
                    file.size,
                )
        except ModelError as error:
            if error.reason != "changed" or last:
                raise
    raise AssertionError("the last round returns or raises")


def _expand(address: str, params: Files) -> list[str]:
    """A glob's files, with the protocol they were asked for by; any other address itself."""
    if address.startswith(WEB) or not set(address) & set("*?["):
        return [address]
    with _reached(address):
        filesystem, pattern = fsspec.core.url_to_fs(address, **params.options)
        found = sorted(filesystem.glob(pattern))
    prefix = address.partition("://")[0] + "://" if "://" in address else ""
    relative = not prefix and not address.startswith("/")
    return [
        prefix + (_shorten(path, pattern, address) if relative else path) for path in found
    ]


def _shorten(path: str, pattern: str, address: str) -> str:
    """A relative glob gives relative addresses: a record should name no machine's folders."""
    return path.removeprefix(pattern.removesuffix(address.removeprefix("./")))


def _version(address: str, params: Files) -> str:
    """What tells a changed file without reading it; empty when nobody says."""
    try:
        if address.startswith(WEB):
            return probe(address, Patience(params.seconds, params.tries), params.hosts)
        with _reached(address):
            filesystem, path = fsspec.core.url_to_fs(address, **params.options)
            facts: dict[str, Any] = filesystem.info(path)
    except ModelError:
        return ""  # fetching it will say what is wrong
    stamp = facts.get("ETag") or facts.get("mtime") or facts.get("LastModified") or ""
    return f"{facts.get('size')} bytes, {stamp}"


@contextmanager
def _reached(address: str) -> Iterator[None]:
    """Whatever a file system's client makes of an answer, or of none, as this address's error:
    there are many clients, and each has its own."""
    try:
        yield
    except ModelError:
        raise
    except Exception as error:
        detail = f"{type(error).__name__}: {error}"[:300]
        raise ModelError("unreachable", detail, address) from error


def _protocols(filesystem: Any) -> tuple[str, ...]:
    protocol = filesystem.protocol
    return (protocol,) if isinstance(protocol, str) else tuple(protocol)


def _remote_digest(facts: dict[str, Any]) -> str:
    return _digest_of(str(facts.get("ETag", "")).strip('"'), str(facts.get("name", "")))


def _digest_of(etag: str, address: str) -> str:
    """A storage that names its files by sha256 (the hub does) vouches for the content."""
    if len(etag) == 64 and set(etag) <= set("0123456789abcdef"):
        return f"sha256:{etag}"
    return f"etag:{etag or 'none given for ' + address}"

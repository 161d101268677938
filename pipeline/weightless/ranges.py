"""Any source as bytes at random positions, of which only those asked for are fetched."""

from __future__ import annotations

import io
import mmap
import os
from collections import OrderedDict
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from stat import S_ISDIR, S_ISREG
from typing import Any, BinaryIO, overload

from pipeline.errors import ModelError
from pipeline.weightless.wire import Bytes

Source = str | os.PathLike[str] | BinaryIO

PAGE = 8192  # one tensor's header costs one page; small enough for 1 % of any large file
MAX_AHEAD = 32  # pages in one request while reading in sequence
MAX_HELD = 512  # pages kept: 4 MiB
# A larger file on disk is read in pages: the kernel maps 2 MiB around each byte touched, and
# a hundred weights would count as 200 MiB of this process.
MAX_MAPPED = 16 << 20
MAX_WHOLE = 4 << 20  # what is taken from a server that knows no ranges
WEB = ("http://", "https://")


class PagedFile:
    """A seekable file object as :class:`~pipeline.weightless.wire.Bytes`.

    Reads whole pages; the read-ahead doubles while pages are asked for in sequence and
    falls back to one page after a jump, so that a skipped weight is not fetched.
    """

    def __init__(self, file: BinaryIO | io.RawIOBase, size: int) -> None:
        self._file, self._size = file, size
        self._pages: OrderedDict[int, bytes] = OrderedDict()
        self._next, self._ahead = -1, 1

    def __len__(self) -> int:
        return self._size

    @overload
    def __getitem__(self, at: int, /) -> int: ...
    @overload
    def __getitem__(self, at: slice, /) -> bytes: ...
    def __getitem__(self, at: int | slice, /) -> int | bytes:
        if isinstance(at, int):
            number = at // PAGE
            page = self._pages.get(number)
            return (page or self._page(number))[at - number * PAGE]
        start, stop, _ = at.indices(self._size)
        number = start // PAGE
        page = self._pages.get(number)
        if page and stop <= number * PAGE + len(page):
            return page[start - number * PAGE : stop - number * PAGE]
        if stop - start > MAX_AHEAD * PAGE:
            return self._read(start, stop)
        numbers = range(start // PAGE, -(-stop // PAGE))
        joined = b"".join(self._page(number) for number in numbers)
        offset = start - start // PAGE * PAGE
        return joined[offset : offset + stop - start]

    def _page(self, number: int) -> bytes:
        page = self._pages.get(number)
        if page is None:
            self._fetch(number)
            page = self._pages[number]
        return page

    def _fetch(self, number: int) -> None:
        in_sequence = number == self._next
        self._ahead = min(self._ahead * 2, MAX_AHEAD) if in_sequence else 1
        self._next = number + self._ahead
        block = self._read(number * PAGE, min(self._next * PAGE, self._size))
        for index in range(-(-len(block) // PAGE)):
            self._pages[number + index] = block[index * PAGE : (index + 1) * PAGE]
        while len(self._pages) > MAX_HELD:
            self._pages.popitem(last=False)

    def _read(self, start: int, stop: int) -> bytes:
        parts, at = [], start
        try:
            self._file.seek(start)
            while at < stop and (part := self._file.read(stop - at)):
                parts.append(part)
                at += len(part)
        except (OSError, ValueError) as e:
            raise _unreachable(e) from e
        except Exception as e:  # what a remote client raises is its own affair
            if not _is_client_error(e):
                raise
            raise _unreachable(e) from e
        if at != stop:
            raise ModelError("truncated", f"ends at byte {at:,} of {self._size:,}")
        return b"".join(parts)


def name_of(source: Source) -> str:
    """What to call a source in messages."""
    if isinstance(source, str | os.PathLike):
        return os.fspath(source)
    return str(getattr(source, "name", type(source).__name__))


def local_path(source: Source) -> Path | None:
    """The path of a source on this machine's disk; None for any other."""
    if not isinstance(source, str | os.PathLike):
        return None
    address = os.fspath(source)
    if "::" not in address and address.startswith(("file://", "local://")):
        from fsspec.implementations.local import LocalFileSystem

        return Path(LocalFileSystem._strip_protocol(address))
    return None if "://" in address or "::" in address else Path(address)


@contextmanager
def open_ranges(
    source: Source, storage_options: Mapping[str, Any] | None = None
) -> Iterator[Bytes]:
    """Opens a source for reading pieces of it: mapped when small and local, else in pages.

    ``storage_options`` go to fsspec. Every ModelError that leaves the block names the source.
    Raises ModelError: missing, not_a_file, empty, unreadable, unreachable, no_ranges,
    unknown_address.
    """
    try:
        path = local_path(source)
        if path is not None:
            opened = _open_local(path)
        elif isinstance(source, str) and source.startswith(WEB) and not storage_options:
            opened = _open_web(source)
        elif isinstance(source, str | os.PathLike):
            opened = _open_remote(os.fspath(source), storage_options or {})
        else:
            opened = _open_object(source)
        with opened as data:
            yield data
    except ModelError as e:
        raise e.at(name_of(source)) from (e.__cause__ or e)


@contextmanager
def _open_local(path: Path) -> Iterator[Bytes]:
    try:
        mode = path.stat().st_mode
        if not S_ISREG(mode):  # a pipe would hang, a device never end
            kind = "a directory" if S_ISDIR(mode) else "no regular file"
            raise ModelError("not_a_file", f"is {kind}")
        file = path.open("rb", buffering=0)
    except (FileNotFoundError, NotADirectoryError) as e:
        raise ModelError("missing", "no such file") from e
    except (OSError, ValueError) as e:
        raise ModelError("unreadable", str(e)) from e
    with file:
        size = os.fstat(file.fileno()).st_size
        if not size:
            raise ModelError("empty", "is an empty file")
        if size > MAX_MAPPED:
            yield PagedFile(file, size)
            return
        with mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as mapped:
            yield mapped


@contextmanager
def _open_object(file: BinaryIO) -> Iterator[Bytes]:
    try:
        before = file.tell()
        size = file.seek(0, os.SEEK_END)
    except (OSError, AttributeError) as e:
        raise ModelError("no_ranges", "is no seekable binary file") from e
    try:
        if not size:
            raise ModelError("empty", "is an empty file")
        # in memory already: no copy is made
        yield file.getvalue() if type(file) is io.BytesIO else PagedFile(file, size)
    finally:
        file.seek(before)


@contextmanager
def _open_web(address: str) -> Iterator[Bytes]:
    from pipeline.weightless.http import HttpFile
    from pipeline.weightless.web import Patience

    with HttpFile(address, patience=Patience(tries=2), most=MAX_WHOLE) as file:
        if not file.size:
            raise ModelError("empty", "is an empty file")
        yield PagedFile(file, file.size)


@contextmanager
def _open_remote(address: str, storage_options: Mapping[str, Any]) -> Iterator[Bytes]:
    import fsspec

    try:
        filesystem, path = fsspec.core.url_to_fs(address, **storage_options)
        file = filesystem.open(path, "rb", block_size=PAGE, cache_type="none")
        size = getattr(file, "size", None)
    except FileNotFoundError as e:
        # fsspec calls every failure of an HTTP server that; its cause knows better
        if e.__cause__ is None or getattr(e.__cause__, "status", 0) in (404, 410):
            raise ModelError("missing", "no such file") from e
        raise _unreachable(e.__cause__) from e
    except (ValueError, ImportError) as e:
        raise ModelError("unknown_address", str(e)) from e
    except Exception as e:
        if not _is_client_error(e):
            raise
        raise _unreachable(e) from e
    with file:
        if size == 0:
            raise ModelError("empty", "is an empty file")
        if size is None:
            raise ModelError("no_ranges", "the server sends whole files only, not ranges")
        yield PagedFile(file, size)


def _is_client_error(error: Exception) -> bool:
    """Whether the network or the far side failed, rather than this program."""
    packages = ("aiohttp", "botocore", "httpx", "requests", "huggingface_hub", "fsspec")
    modules = {kind.__module__.partition(".")[0] for kind in type(error).__mro__}
    return isinstance(error, OSError | TimeoutError) or not modules.isdisjoint(packages)


def _unreachable(error: BaseException) -> ModelError:
    if "range requests" in str(error) or "seek streaming" in str(error):
        return ModelError("no_ranges", "the server sends whole files only, not ranges")
    return ModelError("unreachable", f"{type(error).__name__}: {error}".rstrip(": ")[:300])

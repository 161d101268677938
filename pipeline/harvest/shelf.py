"""The content-addressed store of harvested skeletons, with a record for every file.

    ab/abcdef....onnx            a skeleton, named by the sha256 of its bytes
    files/ab/abcdef....json      where a file came from (a record for each digest and address)
    refused/ab/abcdef....json    a model that could not be had, and why (one for each address)

Adding to it makes files and changes none, so a store under DVC costs what is new. The skeleton
is written before the record that names it: at any moment, every record's skeleton is there.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import onnx

from pipeline.atomic import sweep, write_atomically
from pipeline.errors import DataError, ModelError
from pipeline.harvest.candidate import Candidate, Fetched
from pipeline.harvest.records import FileRecord, Record, Refusal, facts, key_of


class Shelf:
    """The store under ``root``; the folder need not exist yet."""

    def __init__(self, root: str | os.PathLike[str]) -> None:
        self.root = Path(root)

    def add(self, candidate: Candidate, fetched: Fetched, harvested_at: str) -> FileRecord:
        """Store a skeleton and its record; a file that stood here keeps its first date.

        ``harvested_at`` is an ISO 8601 time, given by the caller. An earlier refusal of the
        same address is taken away.
        """
        record = FileRecord(
            **facts(candidate, harvested_at),
            bytes=fetched.bytes,
            opset=_opset(fetched.skeleton),
            producer=_producer(fetched.skeleton),
            file_digest=fetched.file_digest,
            skeleton_digest=self._store(
                fetched.skeleton.SerializeToString(deterministic=True)
            ),
        )
        path = self._path("files", record.key)
        if path.exists():
            record = replace(record, harvested_at=FileRecord.read(path).harvested_at)
        _write_if_new(path, record)
        self._path("refused", key_of(candidate.address)).unlink(missing_ok=True)
        return record

    def refuse(self, candidate: Candidate, error: ModelError, harvested_at: str) -> Refusal:
        """Remember that ``candidate`` could not be had, and why."""
        record = Refusal(
            **facts(candidate, harvested_at),
            stage="harvest",
            reason=error.reason,
            detail=error.detail,
        )
        path = self._path("refused", record.key)
        if path.exists():
            record = replace(record, harvested_at=Refusal.read(path).harvested_at)
        _write_if_new(path, record)
        return record

    def files(self) -> list[FileRecord]:
        """Every record, by address and digest: the same store lists the same way."""
        records = [FileRecord.read(path) for path in self._records("files")]
        return sorted(records, key=lambda record: (record.address, record.file_digest))

    def refusals(self) -> list[Refusal]:
        """Every refusal, by address."""
        records = [Refusal.read(path) for path in self._records("refused")]
        return sorted(records, key=lambda record: record.address)

    def skeleton(self, digest: str) -> onnx.ModelProto:
        """The skeleton with that digest; DataError if it is missing or not what it was."""
        return onnx.ModelProto.FromString(self.skeleton_bytes(digest))

    def skeleton_bytes(self, digest: str) -> bytes:
        """Its bytes, checked against the digest; DataError as for :meth:`skeleton`."""
        path = self.skeleton_path(digest)
        try:
            content = path.read_bytes()
        except OSError as error:
            raise DataError(f"{path}: a record names this skeleton: {error}") from error
        if hashlib.sha256(content).hexdigest() != digest:
            raise DataError(f"{path}: its content does not match its name")
        return content

    def skeleton_path(self, digest: str) -> Path:
        """Where the skeleton with that digest stands; DataError for what is no digest."""
        if len(digest) != 64 or not set(digest) <= set("0123456789abcdef"):
            raise DataError(f"{digest!r} is no skeleton's digest")
        return self.root / digest[:2] / f"{digest}.onnx"

    def digests(self) -> set[str]:
        """The digests of all skeletons that stand here, with or without a record."""
        return {path.stem for path in self.root.glob("??/*.onnx")}

    def sweep(self) -> None:
        """Take away what killed writers left behind."""
        sweep(self.root)

    def _store(self, content: bytes) -> str:
        digest = hashlib.sha256(content).hexdigest()
        path = self.skeleton_path(digest)
        if not path.exists():
            write_atomically(path, content)
        return digest

    def _records(self, kind: str) -> Iterator[Path]:
        return (self.root / kind).glob("??/*.json")

    def _path(self, kind: str, key: str) -> Path:
        return self.root / kind / key[:2] / f"{key}.json"


def _write_if_new(path: Path, record: Record) -> None:
    content = record.to_json()
    if not path.exists() or path.read_bytes() != content:
        write_atomically(path, content)


def _opset(model: onnx.ModelProto) -> int:
    return max(
        (o.version for o in model.opset_import if o.domain in ("", "ai.onnx")), default=0
    )


def _producer(model: onnx.ModelProto) -> str:
    return f"{model.producer_name} {model.producer_version}".strip()

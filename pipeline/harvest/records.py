"""What the shelf remembers of every file: where it came from, or why it was refused."""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any, Self

from pipeline.errors import DataError
from pipeline.harvest.candidate import Candidate


@dataclass(frozen=True, slots=True)
class Record:
    """The listing's facts, common to both kinds; one small JSON file each."""

    source: str
    address: str
    name: str
    family: str
    licence: str
    version: str
    harvested_at: str

    @property
    def key(self) -> str:
        """The name of its file: a hash of what identifies it."""
        return key_of(*self.identity())

    def identity(self) -> tuple[str, ...]:
        """The values that no two records of a kind share."""
        return (self.address,)

    def to_json(self) -> bytes:
        """Keys sorted, one a line: the same record is the same bytes."""
        return (json.dumps(asdict(self), sort_keys=True, indent=0) + "\n").encode()

    @classmethod
    def read(cls, path: Path) -> Self:
        """The record that stands at ``path``; DataError if it is damaged."""
        try:
            return cls(**_typed(cls, json.loads(path.read_bytes())))
        except (OSError, ValueError, TypeError, KeyError) as error:
            raise DataError(f"{path}: not a record of the shelf: {error}") from error


@dataclass(frozen=True, slots=True)
class FileRecord(Record):
    """A harvested file: its digest and size, and the skeleton it gave."""

    bytes: int
    opset: int
    producer: str
    file_digest: str
    skeleton_digest: str

    def identity(self) -> tuple[str, ...]:
        return (self.file_digest, self.address)


@dataclass(frozen=True, slots=True)
class Refusal(Record):
    """A model that could not be had: at which stage, a short reason, a sentence."""

    stage: str
    reason: str
    detail: str


KINDS: dict[type[Record], dict[str, type]] = {
    cls: {f.name: int if f.type == "int" else str for f in fields(cls)}
    for cls in (FileRecord, Refusal)
}


def facts(candidate: Candidate, harvested_at: str) -> dict[str, Any]:
    """The fields that every record takes from its candidate."""
    return {
        **{f.name: getattr(candidate, f.name) for f in fields(candidate)},
        "harvested_at": harvested_at,
    }


def _typed(cls: type[Record], values: dict[str, Any]) -> dict[str, Any]:
    """``values``, checked: exactly the fields of ``cls``, each of its type."""
    kinds = KINDS[cls]
    if set(values) != set(kinds):
        raise ValueError(f"fields {sorted(set(values) ^ set(kinds))} are missing or unknown")
    for name, kind in kinds.items():
        if type(values[name]) is not kind:
            raise ValueError(f"{name} is not of type {kind.__name__}")
    return values


def key_of(*parts: str) -> str:
    """The name of the record that these values identify, safe as a file's."""
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()

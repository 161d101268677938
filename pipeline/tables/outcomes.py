"""What reading one skeleton gave: its rows, or why it was refused; as bytes and back.

Rows are made where the skeleton was read, so that whoever gathers many outcomes, from other
processes or from the cache, only puts columns together.
"""

from __future__ import annotations

import hashlib
import json
import zlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pyarrow as pa

from pipeline.atomic import write_atomically
from pipeline.errors import DataError
from pipeline.tables.tables import table_of

NETWORK_TABLES = ("nodes", "edges", "attributes")
SCHEMAS = {name: table_of(name).schema() for name in NETWORK_TABLES}
CODE = ("graph", "operators", "design", "tables")  # what an outcome depends on


@dataclass(frozen=True)
class Outcome:
    """One skeleton's network: the facts of its row in networks, and its rows in nodes, edges
    and attributes. Or a refusal: then ``reason`` is set, and there are neither."""

    facts: dict[str, Any] = field(default_factory=dict)
    rows: Mapping[str, pa.Table] = field(default_factory=dict)
    reason: str = ""
    detail: str = ""

    @property
    def fingerprint(self) -> str | None:
        """Of the network; None for a refusal."""
        return self.facts.get("fingerprint")

    def to_bytes(self) -> bytes:
        """A line of JSON, then a record batch for each of NETWORK_TABLES, without its schema,
        which is declared."""
        batches = [_serialise(self.rows[name]) for name in NETWORK_TABLES if self.rows]
        sizes = [len(batch) for batch in batches]
        head = {"facts": self.facts, "reason": self.reason, "detail": self.detail}
        line = json.dumps({**head, "bytes": sizes}).encode()
        return b"\n".join([line, b"".join(batches)])

    @classmethod
    def from_bytes(cls, content: bytes) -> Outcome:
        """The inverse of :meth:`to_bytes`. Raises ValueError, KeyError for anything else."""
        line, _, rest = content.partition(b"\n")
        head = json.loads(line)
        rows, start = {}, 0
        for name, size in zip(NETWORK_TABLES, head.pop("bytes"), strict=False):
            rows[name] = _deserialise(name, rest[start : start + size])
            start += size
        return cls(rows=rows, **head)


def _serialise(rows: pa.Table) -> bytes:
    batches = rows.combine_chunks().to_batches()
    batch = batches[0] if batches else pa.RecordBatch.from_pylist([], rows.schema)
    return batch.serialize().to_pybytes()


def _deserialise(name: str, content: bytes) -> pa.Table:
    schema = SCHEMAS[name]
    return pa.Table.from_batches([pa.ipc.read_record_batch(pa.py_buffer(content), schema)])


def gather_rows(outcomes: Iterable[Outcome]) -> dict[str, pa.Table]:
    """The rows of many networks, one after another."""
    parts: dict[str, list[pa.Table]] = {name: [] for name in NETWORK_TABLES}
    for outcome in outcomes:
        for name, rows in outcome.rows.items():
            parts[name].append(rows)
    return {
        name: pa.concat_tables([SCHEMAS[name].empty_table(), *tables])
        for name, tables in parts.items()
    }


class OutcomeCache:
    """Outcomes by skeleton, in a folder of their own for each version of the code."""

    def __init__(self, folder: Path, max_vertices: int) -> None:
        self.folder = folder / f"{code_version()}-{max_vertices}"

    def get(self, digest: str) -> Outcome | None:
        """What is kept of a skeleton; None where there is nothing, or nothing whole."""
        try:
            content = self._path(digest).read_bytes()
            return Outcome.from_bytes(zlib.decompress(content))
        except (FileNotFoundError, ValueError, zlib.error, TypeError, KeyError):
            return None  # a damaged entry is only made anew

    def again(self, digest: str) -> Outcome:
        """What was kept a moment ago. Raises DataError where it is gone since."""
        outcome = self.get(digest)
        if outcome is None:
            raise DataError(f"{self._path(digest)}: gone or damaged since it was written")
        return outcome

    def put(self, digest: str, outcome: bytes) -> None:
        """Keep an outcome, as bytes, in place of what was there."""
        write_atomically(self._path(digest), zlib.compress(outcome, 1))

    def _path(self, digest: str) -> Path:
        return self.folder / f"{digest}.z"


def code_version() -> str:
    """A digest of the code that makes outcomes: other code, other cache."""
    root = Path(__file__).parent.parent
    digest = hashlib.sha256()
    for folder in CODE:
        for source in sorted((root / folder).glob("*.py")):
            digest.update(source.read_bytes())
    return digest.hexdigest()[:16]

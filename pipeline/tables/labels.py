"""Measurements that name files -> labels that name networks."""

from __future__ import annotations

import json
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa
from pydantic import BaseModel, ConfigDict

from pipeline.errors import DataError
from pipeline.harvest.labels import Measurement
from pipeline.harvest.params import LabelSourceName
from pipeline.tables.tables import table_of

Row = dict[str, Any]


class LabelParams(BaseModel):
    """Section ``labels`` of params.yaml: whose measurements to take."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    sources: tuple[LabelSourceName, ...] = ()


def label_networks(measurements: Iterable[Measurement], files: pa.Table) -> list[Row]:
    """Measurements by address, and the table files -> rows of labels, by fingerprint.

    Measurements of files that the tables lack are left out. Raises ValueError for two
    different ones of one key.
    """
    table = table_of("labels")
    names = [column.name for column in table.columns if column.name != "fingerprint"]
    networks = _networks(files)
    rows: dict[tuple[Any, ...], Row] = {}
    for measured in measurements:
        values = {name: getattr(measured, name) for name in names}
        for fingerprint in networks.get(measured.address, ()):
            row = {"fingerprint": fingerprint} | values
            key = tuple(row[name] for name in table.key)
            if rows.setdefault(key, row) != row:
                raise ValueError(f"two labels of one key: {rows[key]} and {row}")
    return list(rows.values())


def read_measured(folder: Path) -> list[Row]:
    """The rows of the latencies that were measured, a file each; refused ones have none.

    Raises DataError, naming the file, for a damaged one.
    """
    rows = []
    for path in sorted(folder.glob("*.json")):
        try:
            row = json.loads(path.read_bytes())
        except (OSError, ValueError) as e:
            raise DataError(f"{path}: no measured latency: {e}") from e
        if "refused" not in row:
            rows.append(row)
    return rows


def count_labels(rows: Sequence[Row]) -> dict[str, Any]:
    """How many labels there are, of how many networks, and both by source."""
    sources = sorted({row["source"] for row in rows})
    networks = {s: {r["fingerprint"] for r in rows if r["source"] == s} for s in sources}
    counts = Counter(row["source"] for row in rows)
    return {
        "labels": len(rows),
        "networks": len({row["fingerprint"] for row in rows}),
        "by_source": {s: {"labels": counts[s], "networks": len(networks[s])} for s in sources},
    }


def _networks(files: pa.Table) -> dict[str, set[str]]:
    """Address -> fingerprints of the networks of that address; refused files have none."""
    found: dict[str, set[str]] = defaultdict(set)
    for row in files.select(["address", "fingerprint"]).to_pylist():
        if row["fingerprint"] is not None:
            found[row["address"]].add(row["fingerprint"])
    return found

"""A search: a method asked, a table looked up; in a folder that a killed run goes on from.

The folder holds ``config.json``, what was asked for, and ``evaluations.parquet``, a row for
each evaluation in its order: ``evaluation`` from 1, ``point``, ``network`` in the benchmark's
words, ``value`` as the method was told it, and ``reported``, what it was not told. A method is
its seed and its answers: a run goes on by asking it anew and answering from the rows there.
"""

from __future__ import annotations

import io
import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from pipeline.atomic import write_atomically
from pipeline.errors import DataError
from pipeline.progress import track
from pipeline.search.method import Method
from pipeline.search.space import Table

CONFIG, EVALUATIONS = "config.json", "evaluations.parquet"
SCHEMA = pa.schema(
    [
        ("evaluation", pa.int32()),
        ("point", pa.int32()),
        ("network", pa.string()),
        ("value", pa.float64()),
        ("reported", pa.float64()),
    ]
)


def search(table: Table, method: Method, evaluations: int) -> Iterator[int]:
    """The points that a method asks for, each told its value after it was given out."""
    for _ in range(evaluations):
        point = method.ask()
        yield point
        method.tell(point, float(table.searched[point]))


def search_in(
    folder: Path, table: Table, method: Method, evaluations: int, config: dict[str, Any]
) -> Iterator[dict[str, Any]]:
    """Run in a folder -> its row whenever an evaluation is the best so far.

    ``config``: what makes the run what it is; the number of evaluations is no part of it, and
    may grow. Raises DataError where the folder holds another run, or a damaged one.
    """
    known = _known(folder, config)
    write_atomically(folder / CONFIG, (json.dumps(config, indent=1) + "\n").encode())
    rows: list[dict[str, Any]] = []
    best = None
    asked = search(table, method, max(evaluations, len(known)))
    for number, point in enumerate(track(asked, f"search {table.space.name}", evaluations)):
        row = _row(table, number + 1, point)
        rows.append(row)
        if number < len(known):
            if known[number] != row:
                raise DataError(
                    f"{folder}: evaluation {number + 1} is of {known[number]['network']}, "
                    f"where this version would try {row['network']}: start in another folder"
                )
        else:
            _write(folder, rows)
        if best is None or row["value"] > best:
            best = row["value"]
            yield row


def _row(table: Table, number: int, point: int) -> dict[str, Any]:
    values = (table.searched[point], table.reported[point])
    return dict(
        zip(
            SCHEMA.names,
            (number, point, table.space.spell(point), *map(float, values)),
            strict=True,
        )
    )


def _write(folder: Path, rows: Sequence[dict[str, Any]]) -> None:
    content = io.BytesIO()
    pq.write_table(pa.Table.from_pylist(list(rows), SCHEMA), content)
    write_atomically(folder / EVALUATIONS, content.getvalue())


def _known(folder: Path, config: dict[str, Any]) -> list[dict[str, Any]]:
    """The rows of the run in a folder, none where there is none."""
    if not (folder / CONFIG).exists():
        return []
    try:
        there = json.loads((folder / CONFIG).read_text(encoding="utf-8"))
        if there != config:
            raise DataError(f"{folder}: holds another run: {json.dumps(there)}")
        if not (folder / EVALUATIONS).exists():
            return []
        return pq.read_table(folder / EVALUATIONS, schema=SCHEMA).to_pylist()
    except (OSError, ValueError, pa.ArrowException) as error:
        raise DataError(f"{folder}: holds a damaged run: {error}") from error

"""Parts of a dataset as files of their own."""

from __future__ import annotations

import io
import shutil
from pathlib import Path
from typing import Any

from pipeline.atomic import write_atomically
from pipeline.errors import DataError
from pipeline.registry.catalogue import PARTS, opened
from pipeline.registry.dataset import load_dataset


def take_table(datasets: Path, reference: str, table: str, output: Path) -> None:
    """Write a table as OUT.parquet, OUT.csv or OUT.json (an object a line).

    Raises DataError for another ending, and a table that is not there."""
    rows = load_dataset(reference, datasets).table(table)
    writers: dict[str, Any] = {".parquet": _parquet, ".csv": _csv, ".json": _json}
    if output.suffix not in writers:
        raise DataError(f"{output}: name it {', '.join(writers)}")
    write_atomically(output, writers[output.suffix](rows))


def take_version(datasets: Path, reference: str, output: Path) -> None:
    """Copy a version, NAME or NAME@REVISION, into a new folder. Raises DataError."""
    if output.exists():
        raise DataError(f"{output}: is there already")
    with opened(datasets, reference) as folder:
        output.mkdir(parents=True)
        for part in (folder / name for name in PARTS if (folder / name).exists()):
            copy = shutil.copytree if part.is_dir() else shutil.copy2
            copy(part, output / part.name)


def _parquet(rows: Any) -> bytes:
    from pyarrow import parquet

    buffer = io.BytesIO()
    parquet.write_table(rows, buffer, compression="zstd")
    return buffer.getvalue()


def _csv(rows: Any) -> bytes:
    from pipeline.registry.render import render
    from pipeline.registry.sql import Result

    return (render(Result(tuple(rows.column_names), _tuples(rows)), "csv") + "\n").encode()


def _json(rows: Any) -> bytes:
    from pipeline.registry.render import render
    from pipeline.registry.sql import Result

    return (render(Result(tuple(rows.column_names), _tuples(rows)), "json") + "\n").encode()


def _tuples(rows: Any) -> list[tuple[Any, ...]]:
    columns = [column.to_pylist() for column in rows.columns]
    return list(zip(*columns, strict=True))

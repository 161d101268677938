"""A query's result as text: a table for people, JSON or CSV for machines."""

from __future__ import annotations

import csv
import io
import json
import math
from typing import Any, Literal

from pipeline.redaction import printable
from pipeline.registry.sql import Result

Format = Literal["table", "json", "csv"]
LONGEST_LIST = 4


def render(result: Result, form: Format = "table", width: int | None = None) -> str:
    """The text, no newline at its end. ``width``: of the terminal; None: a Markdown table."""
    if form == "json":
        rows = (
            dict(zip(result.columns, map(_plain, row), strict=True)) for row in result.rows
        )
        return "\n".join(json.dumps(r, ensure_ascii=False, allow_nan=False) for r in rows)
    if form == "csv":
        return _csv(result)
    return _table(result, width)


def _csv(result: Result) -> str:
    buffer = io.StringIO()
    writer = csv.writer(buffer, lineterminator="\n")
    writer.writerow(result.columns)
    for row in result.rows:
        cells = map(_plain, row)
        writer.writerow(json.dumps(c) if isinstance(c, list | dict) else c for c in cells)
    return buffer.getvalue().rstrip("\n")


def _table(result: Result, width: int | None) -> str:
    from rich.box import MARKDOWN, SIMPLE_HEAD
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    if not result.columns:
        return "done"
    console = Console(file=io.StringIO(), width=width or 10_000, color_system=None)
    table = Table(box=SIMPLE_HEAD if width else MARKDOWN, pad_edge=True)
    for place, name in enumerate(result.columns):
        numbers = all(isinstance(row[place], int | float) for row in result.rows)
        table.add_column(name, justify="right" if numbers and result.rows else "left")
    for row in result.rows:
        table.add_row(*(Text(_cell(value)) for value in row))
    console.print(table)
    lines = console.file.getvalue().splitlines()  # type: ignore[attr-defined]
    return "\n".join(line.rstrip() for line in lines if line.strip())


def _cell(value: Any) -> str:
    value = _plain(value)
    if value is None:
        return ""
    if isinstance(value, float):
        return f"{value:.6g}"
    if isinstance(value, list):
        shown = [_cell(v) for v in value[:LONGEST_LIST]]
        return "[" + ", ".join([*shown, *(["..."] if len(value) > LONGEST_LIST else [])]) + "]"
    return printable(str(value))


def _plain(value: Any) -> Any:
    """What JSON can hold: bytes as hex digits, times as ISO 8601, nan as null."""
    if isinstance(value, bool | int | str) or value is None:
        return value
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, bytes | bytearray | memoryview):
        return bytes(value).hex()
    if isinstance(value, list | tuple):
        return [_plain(element) for element in value]
    if isinstance(value, dict):
        return {str(key): _plain(element) for key, element in value.items()}
    return value.isoformat() if hasattr(value, "isoformat") else str(value)

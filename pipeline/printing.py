"""What commands return, on standard output: lines for people or JSON for machines."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import asdict, is_dataclass
from typing import Any

from pipeline.redaction import printable

LONGEST = 400  # characters of one value; what is longer is for --json


def print_result(result: Any, as_json: bool) -> None:
    """A mapping, or several of them one by one as they come."""
    many = [result] if isinstance(result, Mapping) or is_dataclass(result) else result
    for index, item in enumerate(many or ()):
        plain = asdict(item) if is_dataclass(item) and not isinstance(item, type) else item
        if as_json:
            print(json.dumps(plain, default=str), flush=True)
        else:
            print(("\n" if index else "") + "\n".join(lines(plain)), flush=True)


def print_table(rows: Iterable[Mapping[str, Any]]) -> None:
    """Several mappings as one table, a row each, in the columns of the first."""
    from rich.box import SIMPLE_HEAD
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    rows = list(rows)
    if not rows:
        return
    table = Table(box=SIMPLE_HEAD, pad_edge=False)
    for key in rows[0]:
        numbers = all(isinstance(row.get(key), int | float) for row in rows)
        table.add_column(key, justify="right" if numbers else "left", overflow="fold")
    for row in rows:
        table.add_row(*(Text(_cell(row.get(key))) for key in rows[0]))
    console = Console()
    Console(width=console.width if console.is_terminal else 200).print(table)


def _cell(value: Any) -> str:
    if isinstance(value, Mapping):
        return ", ".join(f"{key} {_text(number)}" for key, number in value.items())
    return _text(value)


def lines(plain: Mapping[str, Any], indent: int = 0) -> Iterable[str]:
    """``key  value`` lines, nested mappings indented; long values are cut."""
    width = max((len(str(key)) for key in plain), default=0)
    for key, value in plain.items():
        if isinstance(value, Mapping) and value:
            yield " " * indent + str(key)
            yield from lines(value, indent + 2)
        else:
            text = _text(value)
            text = text if len(text) <= LONGEST else text[: LONGEST - 4] + " ..."
            yield f"{' ' * indent}{key!s:<{width}}  {text}"


def _text(value: Any) -> str:
    if isinstance(value, float):
        return f"{value:.6g}"
    if isinstance(value, list | tuple):
        return ", ".join(map(_text, value)) or "none"
    if value is None:
        return "-"
    return (
        {True: "yes", False: "no"}.get(value, str(value))
        if isinstance(value, bool)
        else printable(str(value))
    )

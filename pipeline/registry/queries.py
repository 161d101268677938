"""The documented example queries: each file's first line is its question, as a comment."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import duckdb

from pipeline.errors import DataError
from pipeline.registry.render import render
from pipeline.registry.sql import run_query


@dataclass(frozen=True, slots=True)
class Query:
    """An example: its name, the question it answers, its SQL."""

    name: str
    question: str
    sql: str


def read_queries(folder: Path | str) -> list[Query]:
    """The queries of a folder, by name. Raises DataError for one without a question."""
    return [_read(path) for path in sorted(Path(folder).glob("*.sql"))]


def document_queries(connection: duckdb.DuckDBPyConnection, queries: list[Query]) -> str:
    """Every question, its SQL and what it answers on this dataset, as Markdown."""
    parts = ["# Queries"]
    for query in queries:
        answer = render(run_query(connection, query.sql))
        parts += [f"## {query.question}", f"```sql\n{query.sql}\n```", answer]
    return "\n\n".join(parts) + "\n"


def _read(path: Path) -> Query:
    first, _, sql = path.read_text().partition("\n")
    if not first.startswith("-- ") or not sql.strip():
        raise DataError(f"{path}: the first line must be a question, '-- Which ...?'")
    return Query(path.stem, first.removeprefix("-- "), sql.strip())

"""A dataset as one DuckDB file that anyone opens with plain DuckDB."""

from __future__ import annotations

from pathlib import Path

import duckdb

from pipeline.registry.sql import connect, load_macros
from pipeline.tables.tables import TABLES


def export_database(datasets: Path | str, dataset: str, path: Path | str) -> Path:
    """Write tables, embeddings as FLOAT arrays, macros and the meaning of every column.

    An existing file is replaced once the new one is whole. Raises DataError for a dataset that
    is not there.
    """
    path = Path(path)
    temporary = path.with_name(f".tmp-{path.name}")
    temporary.unlink(missing_ok=True)
    path.parent.mkdir(parents=True, exist_ok=True)
    with connect(datasets, dataset, unrestricted=True) as connection:
        views = {
            row[0]
            for row in connection.execute("SELECT view_name FROM duckdb_views()").fetchall()
        }
        connection.execute(f"ATTACH '{_quoted(temporary)}' AS exported")
        for name in TABLES:
            if name in views:
                connection.execute(f"CREATE TABLE exported.{name} AS SELECT * FROM {name}")
        connection.execute(
            "CREATE TABLE exported.settings AS SELECT * REPLACE (? AS dataset) FROM settings",
            [dataset],
        )
        connection.execute("USE exported")
        _comment(connection, views)
        load_macros(connection)
        connection.execute("USE memory")
        connection.execute("DETACH exported")
    temporary.replace(path)
    return path


def _comment(connection: duckdb.DuckDBPyConnection, present: set[str]) -> None:
    for name, table in TABLES.items():
        if name in present:
            connection.execute(f"COMMENT ON TABLE {name} IS '{_quoted(table.meaning)}'")
            for column in table.columns:
                meaning = column.meaning + (f" ({column.unit})" if column.unit else "")
                connection.execute(
                    f"COMMENT ON COLUMN {name}.\"{column.name}\" IS '{_quoted(meaning)}'"
                )


def _quoted(text: object) -> str:
    return str(text).replace("'", "''")

"""DuckDB over a dataset: the tables as views on its current shards, and the macros."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path
from string import Template
from typing import Any

import duckdb

from pipeline.errors import DataError
from pipeline.registry.catalogue import find_dataset
from pipeline.registry.manifest import TABLES_FOLDER, read_manifest
from pipeline.tables.shards import TableSet, read_table_set
from pipeline.tables.tables import TABLES

MACROS_NEED = {"nearest": "graph_embeddings", "similar_to": "graph_embeddings"}


class QueryError(DataError):
    """A query that DuckDB refused, and why."""


@dataclass(frozen=True, slots=True)
class Result:
    """What a query gave: names of the columns, and rows as tuples."""

    columns: tuple[str, ...]
    rows: list[tuple[Any, ...]]


def connect(datasets: Path | str, dataset: str = "zoo") -> duckdb.DuckDBPyConnection:
    """A DuckDB connection with the views and macros of ``datasets/NAME``.

    The views name the shards by absolute path, so they work from any folder; they read only.
    Tables that the dataset lacks have no view. Raises DataError for a dataset that is not
    there.
    """
    connection = duckdb.connect()
    load_views(connection, find_dataset(datasets, dataset).absolute())
    return connection


def load_views(connection: duckdb.DuckDBPyConnection, dataset: Path) -> None:
    """Make the views and macros those of the dataset's current version. Raises DataError."""
    manifest = read_manifest(dataset)
    tables = read_table_set(dataset / TABLES_FOLDER)
    _remember(connection, str(dataset), manifest.version, manifest.default_codec)
    values = _placeholders(dataset / TABLES_FOLDER, tables)
    for statement in statements("views.sql"):
        view = re.search(r"VIEW (\w+)", statement)
        if view and view[1] in tables.tables:
            connection.execute(Template(statement).substitute(values))
    load_macros(connection)


def load_macros(connection: duckdb.DuckDBPyConnection) -> None:
    """Create the macros, except those whose tables are not there."""
    for statement in statements("macros.sql"):
        try:
            connection.execute(statement)
        except duckdb.CatalogException:  # it needs a table that this dataset has not
            continue


def run_query(connection: duckdb.DuckDBPyConnection, sql: str) -> Result:
    """Run one or more statements -> the last one's result. Raises QueryError saying why not.

    If the dataset was published anew since the views were made, they are made again first.
    """
    try:
        return _run(connection, sql)
    except duckdb.IOException:
        folder = connection.execute("SELECT dataset FROM settings").fetchone()
        if folder is None:
            raise
        load_views(connection, Path(folder[0]))
    return _run(connection, sql)


def statements(name: str) -> Iterator[str]:
    """The statements of one of this folder's SQL files."""
    text = (files("pipeline.registry") / name).read_text()
    code = "\n".join(line for line in text.splitlines() if not line.startswith("--"))
    yield from (part.strip() for part in re.split(r";\s*(?:\n|$)", code) if part.strip())


def _run(connection: duckdb.DuckDBPyConnection, sql: str) -> Result:
    try:
        connection.execute(sql)
        columns = tuple(column[0] for column in connection.description or ())
        return Result(columns, connection.fetchall() if columns else [])
    except duckdb.IOException:
        raise
    except duckdb.Error as e:
        raise QueryError(_explain(str(e))) from e


def _explain(message: str) -> str:
    missing = re.search(r"(?:Table|Function) with name \"?(\w+)\"? does not exist", message)
    if missing and (missing[1] in TABLES or missing[1] in MACROS_NEED):
        table = MACROS_NEED.get(missing[1], missing[1])
        return f"{missing[1]}: the dataset has no table {table} yet ({TABLES[table].meaning})"
    return message.strip().removeprefix("Invalid Input Error: ")  # error() in a macro


def _remember(
    connection: duckdb.DuckDBPyConnection, dataset: str, version: str, default_codec: str
) -> None:
    connection.execute(
        "CREATE OR REPLACE TABLE settings AS "
        "SELECT ? AS dataset, ? AS version, ? AS default_codec",
        [dataset, version, default_codec],
    )


def _placeholders(folder: Path, tables: TableSet) -> dict[str, str]:
    """For views.sql: every table's shards as a list, every vector column's width."""
    values: dict[str, str] = {}
    for name, entry in tables.tables.items():
        paths = (str(folder / shard.file).replace("'", "''") for shard in entry.shards)
        values[name] = "[" + ", ".join(f"'{path}'" for path in paths) + "]"
        for column, width in entry.widths.items():
            values[f"{column}_width" if column in TABLES else column] = str(width)
    return values

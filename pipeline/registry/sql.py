"""DuckDB over a dataset: the tables as views on its current shards, and the macros.

A query is a stranger's too: by default a connection reads the dataset's shards and no other
file, writes none, loads no extension, and its settings are locked.
"""

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
from pipeline.tables.intact import check_shards
from pipeline.tables.shards import TableSet, read_table_set
from pipeline.tables.tables import TABLES

MACROS_NEED = {"nearest": "graph_embeddings", "similar_to": "graph_embeddings"}


# What a restricted connection runs; tables and macros are made in memory. All else may name a
# file to write, itself (COPY, ATTACH, EXPORT) or through what it runs (PREPARE).
ALLOWED = frozenset(
    {"SELECT", "CREATE", "DROP", "INSERT", "UPDATE", "DELETE", "SET", "VARIABLE_SET"}
)
EXPLAIN = re.compile(r"EXPLAIN\s*(?:ANALYZE\s|\([^()]*\))?\s*(.*)", re.I | re.S)
UNRESTRICTED = "--unrestricted allows it"


class QueryError(DataError):
    """A query that DuckDB refused, and why."""


@dataclass(frozen=True, slots=True)
class Result:
    """What a query gave: names of the columns, and rows as tuples."""

    columns: tuple[str, ...]
    rows: list[tuple[Any, ...]]


def connect(
    datasets: Path | str, dataset: str = "zoo", unrestricted: bool = False
) -> duckdb.DuckDBPyConnection:
    """A DuckDB connection with the views and macros of ``datasets/NAME``.

    The views name the shards by absolute path, so they work from any folder; they read only.
    Tables that the dataset lacks have no view. ``unrestricted``: whatever files and settings a
    query names. Raises DataError for a dataset that is not there, or whose shards are damaged.
    """
    connection = duckdb.connect()
    folder = find_dataset(datasets, dataset).absolute()
    load_views(connection, folder)
    if not unrestricted:
        _restrict(connection, folder / TABLES_FOLDER)
    return connection


def _restrict(connection: duckdb.DuckDBPyConnection, folder: Path) -> None:
    quoted = str(folder).replace("'", "''")
    for setting in (
        f"allowed_directories = ['{quoted}/']",
        "python_enable_replacements = false",
        "enable_external_access = false",
        "lock_configuration = true",
    ):
        connection.execute(f"SET {setting}")


def load_views(connection: duckdb.DuckDBPyConnection, dataset: Path) -> None:
    """Make the views and macros those of the dataset's current version. Raises DataError."""
    manifest = read_manifest(dataset)
    tables = _read_intact(dataset / TABLES_FOLDER)
    _remember(
        connection,
        str(dataset),
        tables.version or manifest.version,
        tables.default_codec or manifest.default_codec,
    )
    values = _placeholders(dataset / TABLES_FOLDER, tables)
    for statement in statements("views.sql"):
        view = re.search(r"VIEW (\w+)", statement)
        if view and view[1] in tables.tables:
            connection.execute(Template(statement).substitute(values))
    load_macros(connection)


def _read_intact(folder: Path) -> TableSet:
    """The set of tables, its shards checked; read anew if it was published meanwhile."""
    while True:
        tables = read_table_set(folder)
        try:
            check_shards(folder, tables)
        except DataError:
            if read_table_set(folder) == tables:
                raise
        else:
            return tables


def load_macros(connection: duckdb.DuckDBPyConnection) -> None:
    """Create the macros, except those whose tables or columns are not there."""
    for statement in statements("macros.sql"):
        try:
            connection.execute(statement)
        except (duckdb.CatalogException, duckdb.BinderException):  # older datasets have fewer
            continue


def run_query(connection: duckdb.DuckDBPyConnection, sql: str) -> Result:
    """Run one or more statements -> the last one's result. Raises QueryError saying why not,
    on a restricted connection also for what is not ALLOWED.

    If the dataset was published anew since the views were made, they are made again first.
    """
    try:
        _refuse_others(connection, sql)
        return _run(connection, sql)
    except duckdb.IOException:
        folder = connection.execute("SELECT dataset FROM settings").fetchone()
        if folder is None:
            raise
        load_views(connection, Path(folder[0]))
    return _run(connection, sql)


def _refuse_others(connection: duckdb.DuckDBPyConnection, sql: str) -> None:
    locked = connection.execute("SELECT current_setting('lock_configuration')").fetchone()
    if not locked or not locked[0]:
        return
    for kind in _kinds(connection, sql):
        if kind not in ALLOWED:
            raise QueryError(f"{kind} is not for a dataset that is only read; {UNRESTRICTED}")


def _kinds(connection: duckdb.DuckDBPyConnection, sql: str) -> Iterator[str]:
    """The kind of each statement; of an EXPLAIN, which may run it, that of what follows."""
    for statement in _parsed(connection, sql):
        inner = EXPLAIN.fullmatch(statement.query.strip())
        if statement.type.name == "EXPLAIN" and inner:
            yield from _kinds(connection, inner[1])
        else:
            yield statement.type.name


def run_queries(connection: duckdb.DuckDBPyConnection, sql: str) -> Iterator[Result]:
    """Every statement of a text, one after another -> its result. Raises QueryError."""
    for statement in _parsed(duckdb, sql):
        yield run_query(connection, statement.query)


def _parsed(by: Any, sql: str) -> list[Any]:
    """The statements of a text, parsed by a connection, or by DuckDB without one. Raises
    QueryError."""
    try:
        return list(by.extract_statements(sql))
    except duckdb.Error as e:
        raise QueryError(_explain(str(e))) from e


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
    except duckdb.PermissionException as e:
        raise QueryError(f"{_explain(str(e))}; {UNRESTRICTED}") from e
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
        for column in TABLES[name].vectors if name in TABLES else ():
            if column not in entry.widths:
                raise DataError(
                    f"{folder}: {name} has no vectors {column}: an older version wrote it"
                )
            values[f"{name}_{column}"] = str(entry.widths[column])
    return values

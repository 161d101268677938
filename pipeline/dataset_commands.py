"""``nn2vec datasets`` and ``nn2vec sql``: what people ask of the registry."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import click

from pipeline.command import command, refusals
from pipeline.errors import DataError


@click.group()
def datasets() -> None:
    """The registry: what datasets there are, what they hold, whether they are whole."""


@command(datasets, "list")
@click.pass_obj
def list_datasets(root: Path) -> Any:
    """Every registered dataset."""
    from pipeline.registry.catalogue import list_datasets as run
    from pipeline.stages import DATASETS

    found = run(root / DATASETS)
    if not found:
        where = (root / DATASETS).absolute()
        click.echo(f"nn2vec: no dataset in {where}; --root names the project", err=True)
    for manifest in found:
        yield {"dataset": manifest.name, "version": manifest.version, **manifest.rows}


@command(datasets)
@click.argument("name")
@click.pass_obj
def show(root: Path, name: str) -> dict[str, Any]:
    """What a dataset (NAME, or NAME@REVISION) holds."""
    from pipeline.registry.catalogue import show as run
    from pipeline.stages import DATASETS

    return run(root / DATASETS, name).model_dump(mode="json", exclude={"files", "parameters"})


@command(datasets)
@click.argument("before")
@click.argument("after")
@click.pass_obj
def diff(root: Path, before: str, after: str) -> Any:
    """What came and went between two versions: zoo@v1.0.0 zoo."""
    from pipeline.registry.catalogue import diff as run
    from pipeline.stages import DATASETS

    return run(root / DATASETS, before, after)


@command(datasets)
@click.argument("name", default="zoo")
@click.pass_obj
def verify(root: Path, name: str) -> dict[str, Any]:
    """Check every file of a dataset against its manifest."""
    from pipeline.registry.catalogue import opened
    from pipeline.registry.catalogue import verify as run
    from pipeline.stages import DATASETS

    with opened(root / DATASETS, name) as dataset:
        problems = run(dataset)
    if problems:
        raise DataError("; ".join(problems))
    return {"dataset": name, "whole": True}


@command(datasets)
@click.argument("name", default="zoo")
@click.option("-o", "--output", required=True, type=click.Path(path_type=Path))
@click.pass_obj
def export(root: Path, name: str, output: Path) -> dict[str, Any]:
    """Write a dataset as one file that anyone opens with plain DuckDB, macros and all."""
    from pipeline.registry.export import export_database
    from pipeline.stages import DATASETS

    return {"dataset": name, "database": str(export_database(root / DATASETS, name, output))}


@datasets.command()
@click.argument("name", default="zoo")
@click.pass_obj
def queries(root: Path, name: str) -> None:
    """The example queries and what a dataset answers them, as Markdown."""
    from pipeline.registry.queries import document_queries, read_queries
    from pipeline.registry.sql import connect
    from pipeline.stages import DATASETS

    with refusals():
        found = read_queries(root / DATASETS / "queries")
        click.echo(document_queries(connect(root / DATASETS, name), found), nl=False)


@click.command(context_settings={"ignore_unknown_options": True})  # SQL starts with "--" too
@click.argument("query", required=False)
@click.option("--dataset", default="zoo", show_default=True)
@click.option("--json", "as_json", is_flag=True, help="Rows as JSON.")
@click.option("--csv", "as_csv", is_flag=True, help="Rows as CSV.")
@click.option("--unrestricted", is_flag=True, help="QUERY may read and write any file.")
@click.pass_obj
def sql(
    root: Path,
    query: str | None,
    dataset: str,
    as_json: bool,
    as_csv: bool,
    unrestricted: bool,
) -> None:
    """Ask DuckDB about a dataset: QUERY, a .sql file, or standard input."""
    from pipeline.registry.render import render
    from pipeline.registry.sql import connect, run_query
    from pipeline.stages import DATASETS

    form: Any = "json" if as_json else "csv" if as_csv else "table"
    with refusals():
        text = sys.stdin.read() if query is None else read_query(query)
        if not text.strip():
            raise click.UsageError("the query is empty")
        connection = connect(root / DATASETS, dataset, unrestricted)
        click.echo(render(run_query(connection, text), form))


def read_query(text: str) -> str:
    """The query itself, or what the .sql file of that name holds. Raises DataError."""
    if not text.endswith(".sql"):
        return text
    if Path(text).is_file():
        return Path(text).read_text(encoding="utf-8")
    if len(text.split()) == 1:
        raise DataError(f"{text}: no such file")
    return text

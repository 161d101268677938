"""``nn2vec datasets`` and ``nn2vec sql``: what people ask of the registry."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import click

from pipeline.command import command, complete_dataset, refusals
from pipeline.errors import DataError


@click.group()
def datasets() -> None:
    """The registry: what datasets there are, what they hold, whether they are whole."""


@command(datasets, "list", table=True)
@click.pass_obj
def list_datasets(root: Path) -> Any:
    """Every registered dataset."""
    from pipeline.places import DATASETS
    from pipeline.registry.catalogue import list_datasets as run

    found = run(root / DATASETS)
    if not found:
        where = (root / DATASETS).absolute()
        click.echo(f"nn2vec: no dataset in {where}; --root names the project", err=True)
    for manifest in found:
        yield {"dataset": manifest.name, "version": manifest.version, **manifest.rows}


@command(datasets)
@click.argument("reference", shell_complete=complete_dataset)
@click.option("-o", "--output", required=True, type=click.Path(path_type=Path))
@click.option("--table", help="A table of the dataset: OUT.parquet, OUT.csv or OUT.json.")
@click.option("--seed", default=0, show_default=True, help="Of a network's random weights.")
@click.pass_obj
def get(
    root: Path, reference: str, output: Path, table: str | None, seed: int
) -> dict[str, Any]:
    """Take something out: a network (zoo:resnet34) as OUT.onnx or OUT.py, a table, or a whole
    version (zoo@1.2.0) as a folder."""
    from pipeline.evaluate.convert import write_network
    from pipeline.models import find_model
    from pipeline.places import DATASETS
    from pipeline.registry.take_out import take_table, take_version

    if ":" in reference:
        network = find_model(reference, root).network
        write_network(network, output, seed=seed)
        return {
            "network": reference,
            "fingerprint": network.fingerprint,
            "output": str(output),
        }
    if table:
        take_table(root / DATASETS, reference, table, output)
    else:
        take_version(root / DATASETS, reference, output)
    return {"dataset": reference, "table": table, "output": str(output)}


@command(datasets)
@click.argument("name", shell_complete=complete_dataset)
@click.pass_obj
def show(root: Path, name: str) -> dict[str, Any]:
    """What a dataset (NAME, or NAME@REVISION) holds."""
    from pipeline.places import DATASETS
    from pipeline.registry.catalogue import show as run

    return run(root / DATASETS, name).model_dump(mode="json", exclude={"files", "parameters"})


@command(datasets)
@click.argument("before")
@click.argument("after")
@click.pass_obj
def diff(root: Path, before: str, after: str) -> Any:
    """What came and went between two versions: zoo@v1.0.0 zoo."""
    from pipeline.places import DATASETS
    from pipeline.registry.catalogue import diff as run

    return run(root / DATASETS, before, after)


@command(datasets)
@click.argument("name", default="zoo", shell_complete=complete_dataset)
@click.pass_obj
def verify(root: Path, name: str) -> dict[str, Any]:
    """Check every file of a dataset against its manifest."""
    from pipeline.places import DATASETS
    from pipeline.registry.catalogue import opened
    from pipeline.registry.catalogue import verify as run

    with opened(root / DATASETS, name) as dataset:
        problems = run(dataset)
    if problems:
        raise DataError("; ".join(problems))
    return {"dataset": name, "whole": True}


@command(datasets)
@click.argument("name", default="zoo", shell_complete=complete_dataset)
@click.option("-o", "--output", required=True, type=click.Path(path_type=Path))
@click.pass_obj
def export(root: Path, name: str, output: Path) -> dict[str, Any]:
    """Write a dataset as one file that anyone opens with plain DuckDB, macros and all."""
    from pipeline.places import DATASETS
    from pipeline.registry.export import export_database

    return {"dataset": name, "database": str(export_database(root / DATASETS, name, output))}


@datasets.command()
@click.argument("name", default="zoo", shell_complete=complete_dataset)
@click.pass_obj
def queries(root: Path, name: str) -> None:
    """The example queries and what a dataset answers them, as Markdown."""
    from pipeline.places import DATASETS
    from pipeline.registry.queries import document_queries, read_queries
    from pipeline.registry.sql import connect

    with refusals():
        found = read_queries(root / DATASETS / "queries")
        click.echo(document_queries(connect(root / DATASETS, name), found), nl=False)


@click.command(context_settings={"ignore_unknown_options": True})  # SQL starts with "--" too
@click.argument("query", required=False)
@click.option("--dataset", default="zoo", show_default=True, shell_complete=complete_dataset)
@click.option("--json", "as_json", is_flag=True, help="One JSON object a row.")
@click.option("--csv", "as_csv", is_flag=True, help="Rows as CSV.")
@click.pass_obj
def sql(root: Path, query: str | None, dataset: str, as_json: bool, as_csv: bool) -> None:
    """Ask DuckDB about a dataset: QUERY, a .sql file, or standard input.

    Of several statements, each prints what it gives.
    """
    from pipeline.places import DATASETS
    from pipeline.registry.render import render
    from pipeline.registry.sql import connect, run_queries

    if as_json and as_csv:
        raise click.UsageError("--json or --csv: one of them")
    form: Any = "json" if as_json else "csv" if as_csv else "table"
    with refusals():
        text = sys.stdin.read() if query is None else read_query(query)
        if not text.strip():
            raise click.UsageError("the query is empty")
        for number, result in enumerate(run_queries(connect(root / DATASETS, dataset), text)):
            said = render(result, form)
            if said:
                click.echo(("\n" if number and form != "json" else "") + said)


def read_query(text: str) -> str:
    """The query itself, or what the .sql file of that name holds. Raises DataError."""
    if not text.endswith(".sql"):
        return text
    if Path(text).is_file():
        return Path(text).read_text(encoding="utf-8")
    if len(text.split()) == 1:
        raise DataError(f"{text}: no such file")
    return text

"""nn2vec, the command line. Every command imports what it needs when it runs."""

from __future__ import annotations

import sys
from collections.abc import Callable
from functools import wraps
from pathlib import Path
from typing import Any

import click

from pipeline.errors import DataError, ModelError

ROOT = Path()


def command(group: click.Group, name: str | None = None) -> Callable[..., Any]:
    """A command that refuses bad input with one clear line and exit status 1, and prints what
    it returns: lines for people, JSON with ``--json``."""

    def decorate(function: Callable[..., Any]) -> click.Command:
        @wraps(function)
        def run(*, as_json: bool, **arguments: Any) -> None:
            from pipeline.printing import print_result

            try:
                print_result(function(**arguments), as_json)
            except (ModelError, DataError) as e:
                click.echo(f"nn2vec: {e}", err=True)
                sys.exit(1)
            except KeyboardInterrupt:
                click.echo("nn2vec: interrupted; run it again to go on", err=True)
                sys.exit(130)

        option = click.option(
            "--json", "as_json", is_flag=True, help="One JSON object a line."
        )
        return group.command(name or function.__name__.replace("_", "-"))(option(run))

    return decorate


@click.group(context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 95})
@click.version_option(package_name="nn2vec")
def main() -> None:
    """Neural networks to vectors and back."""


@main.group()
def datasets() -> None:
    """The registry: what datasets there are, what they hold, whether they are whole."""


def input_shape_option(function: Callable[..., Any]) -> Callable[..., Any]:
    """``--input-shape 3,224,224`` for files that leave dims open."""
    return click.option(
        "--input-shape",
        callback=lambda _context, _option, text: read_dims(text) if text else None,
        help="Input dims without the batch, for files that leave them open: 3,224,224.",
    )(function)


def read_dims(text: str) -> tuple[int, ...]:
    """``"3,224,224"`` -> (3, 224, 224). Raises click.BadParameter."""
    parts = text.split(",")
    if not all(part.strip().isdecimal() and int(part) > 0 for part in parts):
        raise click.BadParameter(f"{text!r} is not positive numbers with commas between")
    return tuple(map(int, parts))


@command(main)
@click.argument("model")
@input_shape_option
def inspect(model: str, input_shape: tuple[int, ...] | None) -> dict[str, Any]:
    """What an ONNX file is: fingerprint, size, operators, what is unsupported."""
    from pipeline.evaluate.inspect import describe_model

    return describe_model(model, input_shape)


@command(main)
@click.argument("model")
@click.argument("out", type=click.Path(path_type=Path))
@click.option("--weights/--no-weights", default=False, help="Carry the file's weights over.")
def convert(model: str, out: Path, weights: bool) -> dict[str, Any]:
    """Write MODEL anew as OUT.onnx, or as OUT.py: a readable torch module."""
    from pipeline.evaluate.convert import convert_model

    return convert_model(model, out, weights)


@command(main)
@click.argument("models", nargs=-1, required=True)
@click.option("--codec", help="Through the vectors of this codec.")
def roundtrip(models: tuple[str, ...], codec: str | None) -> Any:
    """ONNX -> graph -> ONNX and torch; with a codec, through its vectors."""
    from pipeline.evaluate.roundtrip import round_trip
    from pipeline.stages import find_codec

    loaded = find_codec(ROOT, codec) if codec else None
    return (round_trip(model, model, loaded).to_plain() for model in models)


@command(main)
@click.argument("model")
@click.option("--codec", required=True)
@click.option("-o", "--output", required=True, type=click.Path(path_type=Path))
def encode(model: str, codec: str, output: Path) -> dict[str, Any]:
    """MODEL -> its code: vectors and patch in one file."""
    from pipeline import read_onnx
    from pipeline.stages import find_codec

    code = find_codec(ROOT, codec).encode(read_onnx(model))
    code.save(output)
    return {
        "codec": codec,
        "fingerprint": code.fingerprint,
        "vertices": len(code.structure),
        "patch_bytes": len(code.patch),
        "code": str(output),
    }


@command(main)
@click.argument("code", type=click.Path(path_type=Path))
@click.option("-o", "--output", required=True, type=click.Path(path_type=Path))
@click.option("--patch/--no-patch", default=True, help="Leave the patch out: vectors alone.")
@click.option("--seed", default=0, show_default=True, help="Of the random weights.")
def decode(code: Path, output: Path, patch: bool, seed: int) -> dict[str, Any]:
    """CODE -> an ONNX file with random weights, or torch source code (OUT.py)."""
    from pipeline.decode.codec import Code
    from pipeline.evaluate.convert import write_network
    from pipeline.stages import find_codec

    loaded = Code.load(code)
    network = find_codec(ROOT, loaded.codec).decode(loaded, patch)
    write_network(network, output, seed=seed)
    return {
        "fingerprint": network.fingerprint,
        "same_as_encoded": network.fingerprint == loaded.fingerprint,
        "output": str(output),
    }


@command(main)
def codecs() -> Any:
    """The trained codecs at hand."""
    from pipeline.compress.store import read_card
    from pipeline.decode.codec import SHIPPED, codec_names, domain_of

    for name in codec_names():
        card = read_card(SHIPPED / name)
        yield {
            "codec": name,
            "kind": card["kind"],
            "domain": domain_of(SHIPPED, name),
            "parameters": card["parameters"],
        }


@command(main)
@click.option("--profile", default="default", show_default=True)
@click.option("--shard", default="0/1", show_default=True, help="Only part I of N, as I/N.")
def harvest(profile: str, shard: str) -> dict[str, Any]:
    """Bring what the sources offer onto the shelf."""
    from pipeline import stages

    try:
        part, parts = (int(number) for number in shard.split("/"))
        if not 0 <= part < parts:
            raise ValueError
    except ValueError:
        raise click.BadParameter(f"{shard!r} is not I/N with 0 <= I < N") from None
    return stages.harvest(ROOT, profile, (part, parts))


@command(main)
def normalise() -> dict[str, Any]:
    """Read every skeleton on the shelf into the tables."""
    from pipeline import stages

    return stages.normalise(ROOT)


@command(main)
@click.argument("name")
@click.option("--output", type=click.Path(path_type=Path), help="Folder of the codec.")
@click.option("--data", type=click.Path(path_type=Path), help="enas6-*: the networks' file.")
def train(name: str, output: Path | None, data: Path | None) -> dict[str, Any]:
    """Train a codec of params.yaml; goes on where an interrupted run stopped."""
    from pipeline import stages

    return stages.train(ROOT, name, output, data)


@command(main)
@click.argument("name")
def embed(name: str) -> dict[str, Any]:
    """Write the embedding tables of a codec."""
    from pipeline import stages

    return stages.embed(ROOT, name)


@command(main)
@click.argument("what", type=click.Choice(["zoo", "enas6", "roundtrip"]))
@click.option("--codec", multiple=True, help="zoo, enas6: one; roundtrip: any number.")
@click.option("--data", type=click.Path(path_type=Path), help="enas6: the file of networks.")
@click.option("--network", type=click.Choice(["resnet18", "alexnet"]), help="roundtrip only.")
@click.option("--profile", default="default", show_default=True, help="roundtrip only.")
@click.option(
    "-o", "--output", type=click.Path(path_type=Path), help="File (folder) to write."
)
def evaluate(
    what: str,
    codec: tuple[str, ...],
    data: Path | None,
    network: str | None,
    profile: str,
    output: Path | None,
) -> dict[str, Any]:
    """Measure a codec (zoo, enas6), or retrain a network that went through it (roundtrip)."""
    from pipeline import stages

    if what == "roundtrip":
        if network is None or output is None:
            raise click.UsageError("evaluate roundtrip needs --network and --output FOLDER")
        return stages.evaluate_roundtrip(ROOT, network, profile, codec, output)
    if len(codec) != 1:
        raise click.UsageError(f"evaluate {what} needs one --codec")
    if what == "enas6":
        return stages.evaluate_enas6(ROOT, codec[0], data, output)
    return stages.evaluate_zoo(ROOT, codec[0], output)


@command(main)
@click.option("-o", "--output", type=click.Path(path_type=Path), help="JSON file to write.")
def validate(output: Path | None) -> dict[str, Any]:
    """Send every network of the tables through ONNX and back."""
    from pipeline import stages

    return stages.validate(ROOT, output)


@command(main)
@click.option(
    "-o", "--output", type=click.Path(path_type=Path), default="datasets/zoo/build/report.html"
)
@click.option("--dataset", default="zoo", show_default=True)
def report(output: Path, dataset: str) -> dict[str, Any]:
    """Write the page that shows it all."""
    from pipeline import stages

    return stages.report(ROOT, output, dataset)


@command(main)
@click.argument("name", default="zoo")
@click.option("--any-size", is_flag=True, help="After a change of sources: any row counts.")
def register(name: str, any_size: bool) -> dict[str, Any]:
    """Make the tables the dataset's next version, if they pass the quality gate."""
    from pipeline import stages

    return stages.register(ROOT, name, any_size)


@command(datasets, "list")
def list_datasets() -> Any:
    """Every registered dataset."""
    from pipeline.registry.catalogue import list_datasets as run
    from pipeline.stages import DATASETS

    for manifest in run(ROOT / DATASETS):
        yield {"dataset": manifest.name, "version": manifest.version, **manifest.rows}


@command(datasets)
@click.argument("name")
def show(name: str) -> dict[str, Any]:
    """What a dataset (NAME, or NAME@REVISION) holds."""
    from pipeline.registry.catalogue import show as run
    from pipeline.stages import DATASETS

    return run(ROOT / DATASETS, name).model_dump(mode="json", exclude={"files", "parameters"})


@command(datasets)
@click.argument("before")
@click.argument("after")
def diff(before: str, after: str) -> Any:
    """What came and went between two versions: zoo@v1.0.0 zoo."""
    from pipeline.registry.catalogue import diff as run
    from pipeline.stages import DATASETS

    return run(ROOT / DATASETS, before, after)


@command(datasets)
@click.argument("name", default="zoo")
def verify(name: str) -> dict[str, Any]:
    """Check every file of a dataset against its manifest."""
    from pipeline.registry.catalogue import verify as run
    from pipeline.stages import DATASETS

    problems = run(ROOT / DATASETS / name)
    if problems:
        raise DataError("; ".join(problems))
    return {"dataset": name, "whole": True}


@datasets.command()
@click.argument("name", default="zoo")
def queries(name: str) -> None:
    """The example queries and what a dataset answers them, as Markdown."""
    from pipeline.registry.queries import document_queries, read_queries
    from pipeline.registry.sql import connect
    from pipeline.stages import DATASETS

    found = read_queries(ROOT / DATASETS / "queries")
    try:
        click.echo(document_queries(connect(ROOT / DATASETS, name), found), nl=False)
    except (ModelError, DataError) as e:
        click.echo(f"nn2vec: {e}", err=True)
        sys.exit(1)


@main.command(context_settings={"ignore_unknown_options": True})  # SQL starts with "--" too
@click.argument("query", required=False)
@click.option("--dataset", default="zoo", show_default=True)
@click.option("--json", "as_json", is_flag=True, help="Rows as JSON.")
@click.option("--csv", "as_csv", is_flag=True, help="Rows as CSV.")
def sql(query: str | None, dataset: str, as_json: bool, as_csv: bool) -> None:
    """Ask DuckDB about a dataset: QUERY, a .sql file, or standard input."""
    from pipeline.registry.render import render
    from pipeline.registry.sql import connect, run_query
    from pipeline.stages import DATASETS

    text = sys.stdin.read() if query is None else query
    if text.endswith(".sql") and Path(text).is_file():
        text = Path(text).read_text(encoding="utf-8")
    form: Any = "json" if as_json else "csv" if as_csv else "table"
    try:
        result = run_query(connect(ROOT / DATASETS, dataset), text)
        click.echo(render(result, form))
    except (ModelError, DataError) as e:
        click.echo(f"nn2vec: {e}", err=True)
        sys.exit(1)


if __name__ == "__main__":
    main()

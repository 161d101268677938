"""nn2vec, the command line. Every command imports what it needs when it runs."""

from __future__ import annotations

from itertools import chain
from pathlib import Path
from typing import Any

import click
from click.core import ParameterSource

from pipeline.codec_commands import CODEC, codec_commands
from pipeline.command import codec_option, command, input_shape_option
from pipeline.dataset_commands import datasets, sql
from pipeline.errors import DataError, ModelError, NegativeVerdictError
from pipeline.program_commands import diff, show
from pipeline.search_commands import search_commands

# What each evaluation takes beside a codec and where to write.
EVALUATIONS = {
    "zoo": ("profile",),
    "enas6": ("data",),
    "roundtrip": ("network", "profile"),
    "labels": ("vectors",),
}


@click.group(context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 95})
@click.version_option(package_name="nn2vec")
@click.option(
    "--root",
    type=click.Path(exists=True, file_okay=False, path_type=Path),
    default=".",
    show_default=True,
    envvar="NN2VEC_ROOT",
    show_envvar=True,
    help="The project's folder: its parameters, codecs and datasets.",
)
@click.pass_context
def main(context: click.Context, root: Path) -> None:
    """Neural networks to vectors and back."""
    context.obj = root


main.add_command(datasets)
main.add_command(sql)
main.add_command(show)
main.add_command(diff)
for each in (*codec_commands.commands.values(), *search_commands.commands.values()):
    main.add_command(each)


@command(main)
@click.argument("model")
@input_shape_option
@click.pass_obj
def inspect(root: Path, model: str, input_shape: tuple[int, ...] | None) -> dict[str, Any]:
    """What a model is: fingerprint, size, operators, what is unsupported.

    MODEL is a file, an address, DATASET:NAME (zoo:resnet18, also by fingerprint),
    torchvision:NAME or timm:NAME; so it is wherever a command takes a MODEL.
    """
    from pipeline.evaluate.inspect import describe_network
    from pipeline.models import find_model

    return describe_network(model, find_model(model, root, input_shape).network)


@command(main)
@click.argument("model")
@click.argument("out", type=click.Path(path_type=Path))
@click.option(
    "--weights/--no-weights",
    default=False,
    show_default=True,
    help="Carry the file's weights over to OUT.onnx; without, it gets random ones.",
)
@input_shape_option
@click.pass_obj
def convert(
    root: Path, model: str, out: Path, weights: bool, input_shape: tuple[int, ...] | None
) -> dict[str, Any]:
    """Write MODEL anew as OUT.onnx, or as OUT.py: a readable torch module."""
    from pipeline.evaluate.convert import convert_network
    from pipeline.models import find_model

    if weights and out.suffix == ".py":
        raise click.UsageError("--weights: source code holds no weights; name it OUT.onnx")
    found = find_model(model, root, input_shape)
    return convert_network(found.network, found.file, out, weights)


@command(main)
@click.argument("models", nargs=-1, required=True)
@codec_option(help=f"Through the vector of this codec. {CODEC}")
@click.option(
    "--tolerance",
    default=1e-3,
    show_default=True,
    help="Of the largest difference over the largest output.",
)
@input_shape_option
@click.pass_obj
def roundtrip(
    root: Path,
    models: tuple[str, ...],
    codec: str | None,
    tolerance: float,
    input_shape: tuple[int, ...] | None,
) -> Any:
    """ONNX -> graph -> ONNX and torch; with a codec, through its vector.

    A verdict for each model; exit status 1 where one is no. Of several models, one that is
    refused does not stop the others.
    """
    from pipeline.evaluate.roundtrip import round_trip
    from pipeline.models import find_model
    from pipeline.stages import chosen_codec

    loaded = chosen_codec(root, codec) if codec else None
    refused = failed = 0
    for name in models:
        try:
            model = find_model(name, root, input_shape)
            found = round_trip(model.file, name, loaded, None, model.network, tolerance)
        except (ModelError, DataError) as e:
            if len(models) == 1:
                raise
            refused += 1
            yield {"model": name, "verdict": False, "error": str(e)}
        else:
            failed += not found.verdict
            yield found.to_dict()
    if refused:
        raise DataError(f"{refused} of {len(models)} models refused")
    if failed:
        raise NegativeVerdictError


@command(main)
@click.option("--profile", show_default="the dataset's", help="Of params.yaml's harvest.")
@click.option("--shard", default="0/1", show_default=True, help="Only part I of N, as I/N.")
@click.pass_obj
def harvest(root: Path, profile: str | None, shard: str) -> dict[str, Any]:
    """Bring what the sources offer onto the shelf."""
    from pipeline import stages

    try:
        part, parts = (int(number) for number in shard.split("/"))
        if not 0 <= part < parts:
            raise ValueError
    except ValueError:
        raise click.BadParameter(f"{shard!r} is not I/N with 0 <= I < N") from None
    return stages.harvest(root, profile, (part, parts))


@command(main)
@click.pass_obj
def normalise(root: Path) -> dict[str, Any]:
    """Read every skeleton on the shelf into the tables."""
    from pipeline import stages

    return stages.normalise(root)


@command(main)
@click.option(
    "--data",
    type=click.Path(path_type=Path, exists=True, file_okay=False),
    help="Folder with copies of the measured tables that the shelf lacks, by any name.",
)
@click.pass_obj
def label(root: Path, data: Path | None) -> dict[str, Any]:
    """Write the table of what was measured about the networks: accuracies, speeds."""
    from pipeline import stages

    return stages.label(root, data)


@command(main)
@click.option("--limit", type=click.IntRange(min=0), help="At most so many, then stop.")
@click.pass_obj
def measure(root: Path, limit: int | None) -> dict[str, Any]:
    """Time every network in ONNX Runtime on one thread; goes on where a run stopped."""
    from pipeline import stages

    return stages.measure(root, limit)


@command(main)
@click.pass_obj
def split(root: Path) -> dict[str, Any]:
    """Write the tables that say which networks of the zoo train and which measure."""
    from pipeline import stages

    return stages.split(root)


@command(main)
@click.argument("name")
@click.option("--output", type=click.Path(path_type=Path), help="Folder of the codec.")
@click.option("--data", type=click.Path(path_type=Path), help="enas6-*: the networks' file.")
@click.pass_obj
def train(root: Path, name: str, output: Path | None, data: Path | None) -> dict[str, Any]:
    """Train a codec of params.yaml; goes on where an interrupted run stopped."""
    from pipeline import stages

    return stages.train(root, name, output, data)


@command(main)
@click.argument("name")
@click.pass_obj
def embed(root: Path, name: str) -> dict[str, Any]:
    """Write the embedding tables of a codec."""
    from pipeline import stages

    return stages.embed(root, name)


@command(main)
@click.argument("what", type=click.Choice(list(EVALUATIONS)))
@click.option("--codec", multiple=True, help="zoo, enas6: one; others: any number.")
@click.option("--data", type=click.Path(path_type=Path), help="enas6: the file of networks.")
@click.option("--network", type=click.Choice(["resnet18", "alexnet"]), help="roundtrip only.")
@click.option(
    "--vectors",
    multiple=True,
    type=click.Path(path_type=Path),
    help="labels: anybody's vectors, a Parquet file of fingerprint and vector.",
)
@click.option("--profile", default="default", show_default=True, help="zoo, roundtrip.")
@click.option(
    "-o", "--output", type=click.Path(path_type=Path), help="File (folder) to write."
)
@click.pass_obj
def evaluate(
    root: Path,
    what: str,
    codec: tuple[str, ...],
    data: Path | None,
    network: str | None,
    vectors: tuple[Path, ...],
    profile: str,
    output: Path | None,
) -> dict[str, Any]:
    """Measure a codec (zoo, enas6), retrain a network that went through it (roundtrip), or
    predict what networks achieve from their vectors (labels)."""
    from pipeline import stages

    source_of = click.get_current_context().get_parameter_source
    for name in chain.from_iterable(EVALUATIONS.values()):
        if name not in EVALUATIONS[what] and source_of(name) != ParameterSource.DEFAULT:
            raise click.UsageError(f"evaluate {what} takes no --{name}")
    if what == "roundtrip":
        if network is None or output is None:
            raise click.UsageError("evaluate roundtrip needs --network and --output FOLDER")
        return stages.evaluate_roundtrip(root, network, profile, codec, output)
    if what == "labels":
        return stages.evaluate_labels(root, codec, vectors, output)
    if len(codec) != 1:
        raise click.UsageError(f"evaluate {what} needs one --codec")
    if what == "enas6":
        return stages.evaluate_enas6(root, codec[0], data, output)
    return stages.evaluate_zoo(root, codec[0], profile, output)


@command(main)
@click.option("-o", "--output", type=click.Path(path_type=Path), help="JSON file to write.")
@click.pass_obj
def validate(root: Path, output: Path | None) -> dict[str, Any]:
    """Send every network of the tables through ONNX and back."""
    from pipeline import stages

    return stages.validate(root, output)


@command(main)
@click.option(
    "-o",
    "--output",
    type=click.Path(path_type=Path),
    show_default="datasets/NAME/build/report.html",
    help="HTML file to write.",
)
@click.option("--dataset", help="A registered one; without: what is built, else registered.")
@click.pass_obj
def report(root: Path, output: Path | None, dataset: str | None) -> dict[str, Any]:
    """Write the page that shows it all."""
    from pipeline import stages

    return stages.report(root, output, dataset)


@command(main)
@click.argument("name", required=False)
@click.option("--any-size", is_flag=True, help="After a change of sources: any row counts.")
@click.pass_obj
def register(root: Path, name: str | None, any_size: bool) -> dict[str, Any]:
    """Make the tables of a dataset, the one that is built unless NAME says another, its next
    version, if they pass the quality gate."""
    from pipeline import stages

    return stages.register(root, name, any_size)


if __name__ == "__main__":
    main()

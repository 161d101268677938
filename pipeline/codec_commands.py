"""The commands of a codec's space: encode, decode, nearest, picture, sample, interpolate."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from pipeline.command import codec_option, command, complete_dataset, input_shape_option

CODEC = "One of `nn2vec codecs`: a shipped one's name, or a folder."
DEFAULT = "zoo-vae"
codec_commands = click.Group()


@command(codec_commands)
@click.argument("model")
@codec_option(required=True, help=CODEC)
@click.option("-o", "--output", required=True, type=click.Path(path_type=Path))
@click.option("--steps", default=0, show_default=True, help="Of refining the vector.")
@input_shape_option
@click.pass_obj
def encode(
    root: Path,
    model: str,
    codec: str,
    output: Path,
    steps: int,
    input_shape: tuple[int, ...] | None,
) -> dict[str, Any]:
    """MODEL -> its code: one vector, and the residual, in one file."""
    from pipeline.models import find_model
    from pipeline.stages import chosen_codec

    network = find_model(model, root, input_shape).network
    code = chosen_codec(root, codec).encode(network, steps)
    code.save(output)
    return {
        "codec": code.codec,
        "fingerprint": code.fingerprint,
        "vertices": len(network),
        "numbers": len(code.vector),
        "residual_bits": code.bits,
        "code": str(output),
    }


@command(codec_commands)
@click.argument("code", type=click.Path(path_type=Path))
@click.option("-o", "--output", required=True, type=click.Path(path_type=Path))
@click.option("--no-residual", is_flag=True, help="The vector alone, without the residual.")
@click.option("--seed", default=0, show_default=True, help="Of the random weights.")
@click.pass_obj
def decode(
    root: Path, code: Path, output: Path, no_residual: bool, seed: int
) -> dict[str, Any]:
    """CODE -> an ONNX file with random weights, or torch source code (OUT.py)."""
    from pipeline.decode.code import Code
    from pipeline.evaluate.convert import write_network
    from pipeline.stages import codec_of

    loaded = Code.load(code)
    network = codec_of(root, loaded).decode(loaded, residual=not no_residual)
    write_network(network, output, seed=seed)
    return {
        "fingerprint": network.fingerprint,
        "same_as_encoded": network.fingerprint == loaded.fingerprint,
        "output": str(output),
    }


@command(codec_commands, table=True)
@click.argument("model")
@click.option("-k", default=10, show_default=True, type=click.IntRange(min=1))
@click.option("--dataset", default="zoo", show_default=True, shell_complete=complete_dataset)
@codec_option(help=f"Of the vectors; the dataset's own unless named. {CODEC}")
@input_shape_option
@click.pass_obj
def nearest(
    root: Path,
    model: str,
    k: int,
    dataset: str,
    codec: str | None,
    input_shape: tuple[int, ...] | None,
) -> Any:
    """The networks of a dataset most like MODEL, with what was measured of them."""
    from pipeline.models import find_model
    from pipeline.neighbours import nearest as run

    network = find_model(model, root, input_shape).network
    return run(root, network, dataset, codec, k)


@command(codec_commands)
@click.argument("model")
@click.option("-o", "--output", required=True, type=click.Path(path_type=Path))
@click.option("-k", default=9, show_default=True, type=click.IntRange(1, 15))
@click.option("--dataset", default="zoo", show_default=True, shell_complete=complete_dataset)
@input_shape_option
@click.pass_obj
def picture(
    root: Path,
    model: str,
    output: Path,
    k: int,
    dataset: str,
    input_shape: tuple[int, ...] | None,
) -> dict[str, Any]:
    """Draw MODEL as OUT.png or OUT.svg: its program, its neighbours, its place on the map."""
    from pipeline.models import find_model
    from pipeline.neighbours import picture as run

    return run(root, find_model(model, root, input_shape), output, dataset, k)


@command(codec_commands, table=True)
@click.pass_obj
def codecs(root: Path) -> Any:
    """The trained codecs at hand: shipped ones, and the folders of the pipeline's own."""
    from pipeline.decode.shipped import SHIPPED, codec_names, domain_of, read_plain_card
    from pipeline.places import places

    for folder in (SHIPPED, *sorted(places(root).codecs.glob("*/"))):
        for name in codec_names(folder):
            card = read_plain_card(folder / name)
            yield {
                "codec": name if folder == SHIPPED else str(folder),
                "kind": card["kind"],
                "domain": domain_of(folder, name),
                "parameters": card["parameters"],
            }


@command(codec_commands, table=True)
@click.option("-n", "--count", default=8, show_default=True, type=click.IntRange(min=1))
@codec_option(default=DEFAULT, show_default=True, help=CODEC)
@click.option("--seed", default=0, show_default=True)
@click.option("-o", "--output", type=click.Path(path_type=Path), help="Folder for ONNX files.")
@click.pass_obj
def sample(root: Path, count: int, codec: str, seed: int, output: Path | None) -> Any:
    """Draw networks: vectors from N(0, I), the likeliest network of each, repaired."""
    import numpy as np

    from pipeline.decode.between import describe_drafts
    from pipeline.stages import chosen_codec

    loaded = chosen_codec(root, codec)
    drawn = np.random.default_rng(seed).standard_normal((count, loaded.smooth))
    names = [f"sample-{seed}-{i}" for i in range(count)]
    return describe_drafts(names, loaded.likeliest(drawn), output)


@command(codec_commands, table=True)
@click.argument("first")
@click.argument("second")
@click.option("--steps", default=4, show_default=True, type=click.IntRange(min=1))
@codec_option(default=DEFAULT, show_default=True, help=CODEC)
@click.option("-o", "--output", type=click.Path(path_type=Path), help="Folder for ONNX files.")
@input_shape_option
@click.pass_obj
def interpolate(
    root: Path,
    first: str,
    second: str,
    steps: int,
    codec: str,
    output: Path | None,
    input_shape: tuple[int, ...] | None,
) -> Any:
    """From one MODEL to another in equal steps between their vectors' smooth parts."""
    import numpy as np

    from pipeline.decode.between import describe_drafts
    from pipeline.models import find_model
    from pipeline.stages import chosen_codec

    loaded = chosen_codec(root, codec)
    ends = [find_model(name, root, input_shape).network for name in (first, second)]
    a, b = loaded.means(ends)
    shares = np.linspace(0, 1, steps + 1)
    names = [f"{share:.2f}" for share in shares]
    middle = loaded.likeliest(np.array([a + (b - a) * share for share in shares]))
    return describe_drafts(names, middle, output)

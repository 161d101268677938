"""The commands that look for networks, or ahead: search."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from pipeline.codec_commands import CODEC, DEFAULT
from pipeline.command import codec_option, command

SPACES = ("nasbench201", "nasbench_macro", "enas6")
search_commands = click.Group()


@command(search_commands)
@click.argument("space", type=click.Choice(SPACES))
@click.option("--method", default="bayes-places", show_default=True, help="docs/search.md.")
@click.option("--evaluations", default=150, show_default=True, type=click.IntRange(min=1))
@click.option("--seed", default=0, show_default=True)
@codec_option(default=DEFAULT, show_default=True, help=f"bayes-vectors: whose. {CODEC}")
@click.option(
    "--data",
    type=click.Path(path_type=Path, exists=True, file_okay=False),
    help="Folder with copies of the measured tables, by any name.",
)
@click.option(
    "-o",
    "--output",
    required=True,
    type=click.Path(path_type=Path, file_okay=False),
    help="Folder of the run; one that stands there goes on.",
)
@click.pass_obj
def search(
    root: Path,
    space: str,
    method: str,
    evaluations: int,
    seed: int,
    codec: str,
    data: Path | None,
    output: Path,
) -> Any:
    """Look for the best network of a SPACE whose every network somebody trained.

    Prints every evaluation that is the best so far: what the method was told (value), and
    what the network is worth in the end (reported).
    """
    from pipeline import searches

    return searches.search(root, space, method, evaluations, seed, codec, data, output)

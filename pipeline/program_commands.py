"""``nn2vec show`` and ``nn2vec diff``: a network's program, and what tells two apart."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import click

from pipeline.atomic import write_atomically
from pipeline.command import input_shape_option, refusals

json_option = click.option("--json", "as_json", is_flag=True, help="One JSON object.")


@click.command()
@click.argument("model")
@click.option("--shapes", is_flag=True, help="Output shape, parameters and MACs of each line.")
@click.option("--design", is_flag=True, help="The inference form: spelled in one way.")
@click.option(
    "-o",
    "--output",
    type=click.Path(dir_okay=False, path_type=Path),
    help="A picture, OUT.svg, instead of the text.",
)
@json_option
@input_shape_option
@click.pass_obj
def show(
    root: Path,
    model: str,
    shapes: bool,
    design: bool,
    output: Path | None,
    as_json: bool,
    input_shape: tuple[int, ...] | None,
) -> None:
    """The program of a MODEL, folded: its layers, blocks and how often they are said.

    Widths: = the last width, x2 twice the operand's. Operands: ^ the top of the stack, -6 six
    instructions back; without, the line before. MODEL as for inspect.
    """
    from pipeline.design.design import design_of
    from pipeline.models import find_model
    from pipeline.program.picture import draw
    from pipeline.program.show import to_dict, to_text

    if output and output.suffix != ".svg":
        raise click.BadParameter(f"{output}: a picture is OUT.svg", param_hint="-o")
    with refusals():
        network = find_model(model, root, input_shape).network
        network = design_of(network) if design else network
        if output:
            write_atomically(output, draw(network, model).encode())
        if as_json:
            click.echo(json.dumps({"model": model} | to_dict(network, shapes)))
        elif output is None:
            click.echo(to_text(network, shapes))


@click.command()
@click.argument("first")
@click.argument("second")
@click.option("--design", is_flag=True, help="Compare the inference forms.")
@json_option
@input_shape_option
@click.pass_obj
def diff(
    root: Path,
    first: str,
    second: str,
    design: bool,
    as_json: bool,
    input_shape: tuple[int, ...] | None,
) -> None:
    """What to change in the FIRST model to have the SECOND, in the words of show.

    Exit status 1 where they differ. Both are MODELs as for inspect.
    """
    from pipeline.design.design import design_of
    from pipeline.models import find_model
    from pipeline.program.compare import compare, to_text

    with refusals():
        names = (first, second)
        a, b = (find_model(name, root, input_shape).network for name in names)
        if design:
            a, b = design_of(a), design_of(b)
        if as_json:
            click.echo(json.dumps(compare(a, b, names)))
        else:
            click.echo(to_text(a, b, names))
    sys.exit(a != b)

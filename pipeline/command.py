"""What the commands of the command line share: how they print, refuse, and read dims."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import wraps
from typing import Any

import click

from pipeline.errors import DataError, ModelError


@contextmanager
def refusals() -> Iterator[None]:
    """Bad input is refused with one clear line and exit status 1."""
    try:
        yield
    except (ModelError, DataError) as e:
        click.echo(f"nn2vec: {e}", err=True)
        sys.exit(1)
    except KeyboardInterrupt:
        click.echo("nn2vec: interrupted; run it again to go on", err=True)
        sys.exit(130)


def command(group: click.Group, name: str | None = None) -> Callable[..., Any]:
    """A command that prints what it returns: lines for people, JSON with ``--json``."""

    def decorate(function: Callable[..., Any]) -> click.Command:
        @wraps(function)
        def run(*, as_json: bool, **arguments: Any) -> None:
            from pipeline.printing import print_result

            with refusals():
                print_result(function(**arguments), as_json)

        option = click.option(
            "--json", "as_json", is_flag=True, help="One JSON object a line."
        )
        return group.command(name or function.__name__.replace("_", "-"))(option(run))

    return decorate


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

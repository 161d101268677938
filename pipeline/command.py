"""What the commands of the command line share: how they print, refuse, and read dims."""

from __future__ import annotations

import sys
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import wraps
from pathlib import Path
from typing import Any, NoReturn

import click

from pipeline.errors import DataError, ModelError, NegativeVerdictError
from pipeline.redaction import printable

EXTRAS = {
    **dict.fromkeys(("onnxruntime", "safetensors", "torch"), "torch"),
    **dict.fromkeys(("onnxscript", "onnxsim", "pytorchcv", "timm", "torchvision"), "zoos"),
    **dict.fromkeys(("botorch", "dvclive", "gpytorch", "lightning", "sklearn"), "train"),
    **dict.fromkeys(("aiohttp", "huggingface_hub", "s3fs"), "remote"),
    **dict.fromkeys(("altair", "jinja2", "vl_convert"), "report"),
    **dict.fromkeys(("dvc", "gto"), "dvc"),
}


@contextmanager
def refusals() -> Iterator[None]:
    """Bad input is refused with one clear line and exit status 1; what the project chose by
    itself is said in one line."""
    with warnings.catch_warnings():
        warnings.showwarning = _say_warning
        try:
            yield
        except NegativeVerdictError:
            sys.exit(1)
        except (ModelError, DataError) as e:
            _refuse(str(e))
        except ModuleNotFoundError as e:
            if e.name is None or e.name.split(".")[0] in ("pipeline", "nn2vec"):
                raise
            _refuse(f"this needs {e.name}: pip install 'nn2vec[{extra_of(e.name)}]'")
        except OSError as e:
            if e.filename is None:
                raise  # of no file that a user named: a defect, to be seen whole
            _refuse(f"{e.filename2 or e.filename}: {e.strerror}")
        except KeyboardInterrupt:
            _interrupted()
        except SystemExit as e:
            if isinstance(e.__context__, KeyboardInterrupt):  # Lightning's way to stop
                _interrupted()
            raise


def extra_of(module: str) -> str:
    """The extra of pyproject.toml that brings a module; ``all`` for one that none names."""
    return EXTRAS.get(module.split(".")[0], "all")


def _say_warning(message: Warning | str, category: type[Warning], *_: Any, **__: Any) -> None:
    if category.__module__.startswith("pipeline."):
        click.echo(printable(f"nn2vec: {message}"), err=True)


def _refuse(why: str) -> NoReturn:
    click.echo(printable(f"nn2vec: {why}"), err=True)
    sys.exit(1)


def _interrupted() -> NoReturn:
    click.echo("nn2vec: interrupted; run it again to go on", err=True)
    sys.exit(130)


def command(
    group: click.Group, name: str | None = None, table: bool = False
) -> Callable[..., Any]:
    """A command that prints what it returns: lines for people (or one ``table``), JSON with
    ``--json``."""

    def decorate(function: Callable[..., Any]) -> click.Command:
        @wraps(function)
        def run(*, as_json: bool, **arguments: Any) -> None:
            from pipeline.printing import print_result, print_table

            with refusals():
                found = function(**arguments)
                print_table(found) if table and not as_json else print_result(found, as_json)

        option = click.option(
            "--json", "as_json", is_flag=True, help="One JSON object a line."
        )
        return group.command(name or function.__name__.replace("_", "-"))(option(run))

    return decorate


def codec_option(**settings: Any) -> Callable[..., Any]:
    """``--codec NAME``, completed by the shell."""
    return click.option("--codec", shell_complete=complete_codec, **settings)


def complete_codec(context: click.Context, _: click.Parameter, start: str) -> list[str]:
    """The shipped codecs whose names start so."""
    from pipeline.decode.shipped import codec_names

    return [name for name in codec_names() if name.startswith(start)]


def complete_dataset(context: click.Context, _: click.Parameter, start: str) -> list[str]:
    """The registered datasets whose names start so."""
    root = context.find_root().params.get("root") or Path()
    found = sorted(path.parent.name for path in (root / "datasets").glob("*/manifest.json"))
    return [name for name in found if name.startswith(start)]


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

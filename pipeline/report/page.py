"""Everything that stands in the project -> one HTML page that needs no network."""

from __future__ import annotations

from functools import cache
from pathlib import Path

import vl_convert
from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from pipeline.atomic import write_atomically
from pipeline.report.before_after import describe_round_trip
from pipeline.report.benchmark import describe_enas6
from pipeline.report.dataset import describe_dataset, describe_map, describe_rejected
from pipeline.report.inputs import Inputs, read_inputs
from pipeline.report.lineage import describe_lineage
from pipeline.report.parts import Section
from pipeline.report.programs import describe_programs
from pipeline.report.retraining import describe_retraining
from pipeline.report.zoo import describe_zoo

HERE = Path(__file__).parent


def write_report(root: Path, output: Path, dataset: str | None = None) -> Path:
    """Write the page of the project at ``root`` to ``output``, whole or not at all.

    What has not been made yet is left out, with the command that makes it. Raises DataError
    for a file that is damaged.
    """
    inputs = read_inputs(root, dataset)
    page = render_page(inputs, describe_all(inputs, output))
    write_atomically(output, page.encode())
    return output


def describe_all(inputs: Inputs, output: Path) -> tuple[Section, ...]:
    """All sections, in the order of the page."""
    return (
        describe_dataset(inputs),
        describe_programs(inputs),
        describe_map(inputs),
        describe_enas6(inputs),
        describe_zoo(inputs),
        describe_round_trip(inputs),
        describe_retraining(inputs),
        describe_rejected(inputs),
        describe_lineage(inputs, output),
    )


def render_page(inputs: Inputs, sections: tuple[Section, ...]) -> str:
    """Sections -> HTML. Everything that comes from files is escaped by the template."""
    environment = Environment(
        loader=PackageLoader("pipeline.report", "."),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    return environment.get_template("page.html").render(
        sections=sections,
        manifest=inputs.manifest,
        css=_own("page.css"),
        script=_own("page.js"),
        vega=vega_scripts(),
    )


@cache
def vega_scripts() -> Markup:
    """Vega, Vega-Lite and vega-embed as one script; it sets them on ``window``."""
    return _for_script(vl_convert.javascript_bundle())  # type: ignore[call-arg]


def _own(name: str) -> Markup:
    return _for_script((HERE / name).read_text(encoding="utf-8"))


def _for_script(text: str) -> Markup:
    """Text for a script or style element as it is, but for what would close or hide it."""
    return Markup(text.replace("</script", "<\\/script").replace("<!--", "<\\!--"))

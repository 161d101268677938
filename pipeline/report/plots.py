"""The figures of the page as files: for DVC's plots, and each alone as Vega-Lite."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from pipeline.atomic import write_atomically
from pipeline.report.inputs import read_inputs
from pipeline.report.page import describe_all, vega_scripts
from pipeline.report.parts import Figure, Row

TEMPLATE = "plots.html"
# DVC puts rows into its page as they are: what strangers named stays out of them.
FOREIGN = {"name", "family", "group"}
PAGE = """<!doctype html>
<html lang="en">
<head><meta charset="utf-8"><title>nn2vec: plots</title>{refresh_tag}
<script>%s</script></head>
<body>{plot_divs}</body>
</html>
"""


def write_plots(root: Path, folder: Path, dataset: str | None = None) -> list[Path]:
    """Write each figure of the page as NAME.vl.json (Vega-Lite) and NAME.json (its rows), and
    the page template with which ``dvc plots show`` needs no network. Gives what it wrote."""
    written = {folder / TEMPLATE: (PAGE % vega_scripts()).encode()}
    for section in describe_all(read_inputs(root, dataset), folder / TEMPLATE):
        for figure in find_figures(section.parts):
            written[folder / f"{figure.name}.vl.json"] = _json(figure.spec)
            written[folder / f"{figure.name}.json"] = _json(own_rows(figure))
    for file, content in written.items():
        write_atomically(file, content)
    return list(written)


def find_figures(parts: Iterable[Any]) -> Iterator[Figure]:
    """The figures among parts and in their rows."""
    for part in parts:
        if isinstance(part, Figure):
            yield part
        elif isinstance(part, Row):
            yield from find_figures(part.parts)


def own_rows(figure: Figure) -> list[dict[str, Any]]:
    """What a figure shows, without names that come from harvested files."""
    rows = figure.spec["data"]["values"]
    return [{key: value for key, value in row.items() if key not in FOREIGN} for row in rows]


def _json(plain: Any) -> bytes:
    return (json.dumps(plain, indent=1) + "\n").encode()

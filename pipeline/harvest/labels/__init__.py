"""What somebody measured about networks: one module a source, all of one shape.

The module's name is the source's name in ``params.yaml``. The harvest fetches its files onto
the shelf; ``read_labels(downloads)`` gives its measurements, and names networks as the harvest
does, by address.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from importlib import import_module
from typing import Protocol, cast

from pipeline.errors import DataError, ModelError
from pipeline.harvest.download import Download, Downloads


@dataclass(frozen=True, slots=True)
class Measurement:
    """One number about the network of one address.

    ``metric``: ``top1`` and ``top5`` are accuracies on the data set's test images in percent,
    ``top1_valid`` on its validation images; ``latency_ms`` and ``images_per_second`` are
    speeds, measured on no data set. ``recipe``: which weights, or which trial, in the
    source's words. ``resolution``: pixels a side.
    """

    address: str
    source: str
    data_set: str
    metric: str
    recipe: str
    value: float
    licence: str
    epochs: int | None = None
    resolution: int | None = None


class LabelSource(Protocol):
    """What each module here provides; DOWNLOADS are the files that it reads."""

    DOWNLOADS: tuple[Download, ...]

    def read_labels(self, downloads: Downloads) -> Iterator[Measurement]:
        """All measurements; DataError or ModelError if a file cannot be had."""
        ...


def label_source(name: str) -> LabelSource:
    """The module of a source, imported when it is needed: some bring heavy libraries."""
    return cast(LabelSource, import_module(f"{__name__}.{name}"))


def fetch_labels(names: Sequence[str], downloads: Downloads) -> dict[str, str]:
    """Fetch the files of label sources where they are missing -> those that could not be had,
    by file, and why."""
    refused = {}
    for download in (d for name in names for d in label_source(name).DOWNLOADS):
        try:
            downloads.read(download)
        except (DataError, ModelError) as error:
            refused[download.file] = str(error)
    return refused


def read_all_labels(
    names: Sequence[str], downloads: Downloads
) -> tuple[list[Measurement], dict[str, str]]:
    """The measurements of every source whose files can be had; the others, by name, and why.

    Raises DataError for a file that is not what it should be.
    """
    found: list[Measurement] = []
    absent = {}
    for name in names:
        try:
            found += label_source(name).read_labels(downloads)
        except ModelError as error:
            absent[name] = str(error)
    return found, absent

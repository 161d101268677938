"""The ENAS set: accuracies on CIFAR-10 with the weights that all its networks share."""

from __future__ import annotations

from collections.abc import Iterator

from pipeline.harvest.download import Downloads
from pipeline.harvest.enas6 import ROWS, parse_row
from pipeline.harvest.labels import Measurement

DOWNLOADS = (ROWS,)


def read_labels(downloads: Downloads) -> Iterator[Measurement]:
    """Accuracies in percent, of the set's rows in order."""
    for number, line in enumerate(downloads.read(ROWS).decode().splitlines()):
        yield Measurement(
            address=f"enas6://c36/{number:05d}",
            source="enas6",
            data_set="cifar10",
            metric="top1",
            recipe=f"row {number}, shared weights",
            value=round(parse_row(line).accuracy * 100, 4),
            licence="MIT",
            resolution=32,
        )

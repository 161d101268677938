"""NAS-Bench-201: accuracies of all 15,625 cells after 12 and 200 epochs.

Source: https://arxiv.org/abs/2001.00326. Those after 200 epochs are NATS-Bench's, from a copy
in a public repository. Those after 12 epochs are published in formats that run code when they
are opened, so they have no address here: a copy as text must be given.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator

from pipeline.harvest.download import Download, Downloads
from pipeline.harvest.labels import Measurement
from pipeline.harvest.nasbench201 import address_of, number_of

FINAL = Download(
    "NATS-Bench after 200 epochs",
    "nats_bench.csv",
    "https://raw.githubusercontent.com/v-tao/nats-bench-landscape/"
    "b307ae5fe6e8d7043cd4fe7d1c3532288271adb7/nats_bench.csv",
    "cb5d777ec3368be83c8f9b3aa4d520696051cb0eb8d94b8f85b519f9ea4afa3e",
)
GIVEN = Download(
    "NAS-Bench-201 after 12 and 200 epochs",
    "nasbench201.csv",
    "",
    "862a07a035e4a869c72f6b9af37a1560cf0ec0ef652d2b58c20d5a3d6f08eb16",
)
LICENCE = "MIT"  # NATS-Bench's
PIXELS = {"cifar10": 32, "cifar100": 32, "imagenet16": 16}  # a side

DOWNLOADS = (FINAL,)

Columns = dict[str, tuple[str, str, int]]  # column -> data set, metric, epochs
FINAL_COLUMNS: Columns = {
    "CIFAR10TestAccuracy200Epochs": ("cifar10", "top1", 200),
    "CIFAR100TestAccuracy200Epochs": ("cifar100", "top1", 200),
    "ImageNetTestAccuracy200Epochs": ("imagenet16", "top1", 200),
}
GIVEN_COLUMNS: Columns = {
    f"{data_set}_{images}_{epochs}": (data_set, metric, epochs)
    for data_set in PIXELS
    for images, metric, epochs in (
        ("valid", "top1_valid", 12),
        ("test", "top1", 12),
        ("test", "top1", 200),
    )
}


def read_labels(downloads: Downloads) -> Iterator[Measurement]:
    """Accuracies of every cell, in percent: from the copy if one is given, which holds them
    after 12 and 200 epochs, else from the public file, after 200."""
    given = downloads.find(GIVEN)
    if given is None:
        yield from _labels(downloads.read(FINAL), "ArchitectureString", FINAL_COLUMNS)
    else:
        yield from _labels(given, "cell", GIVEN_COLUMNS)


def _labels(content: bytes, spelling: str, columns: Columns) -> Iterator[Measurement]:
    for index, row in enumerate(csv.DictReader(io.StringIO(content.decode()))):
        address = address_of(number_of(row[spelling]))
        for column, (data_set, metric, epochs) in columns.items():
            yield Measurement(
                address=address,
                source="nasbench201",
                data_set=data_set,
                metric=metric,
                recipe=f"cell {index}, {epochs} epochs",
                value=round(float(row[column]), 4),
                licence=LICENCE,
                epochs=epochs,
                resolution=PIXELS[data_set],
            )

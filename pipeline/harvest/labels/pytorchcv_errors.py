"""Errors that pytorchcv states of its weights. No file: its table is in the library."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterator
from importlib.resources import files

from pipeline.harvest.download import Download, Downloads
from pipeline.harvest.labels import Measurement

DOWNLOADS: tuple[Download, ...] = ()
TABLE = "models/common/model_metainfos.csv"
# Small images: the data set ends the name, the error is of the first guess.
SMALL_IMAGES = re.compile(r"_(cifar10|cifar100|svhn|cub)$")


def read_labels(downloads: Downloads) -> Iterator[Measurement]:
    """Accuracies: 100 minus the stated error, which for ImageNet is that of five guesses."""
    for row in csv.DictReader(io.StringIO((files("pytorchcv") / TABLE).read_text())):
        name, error = row["model_name"], row["error_value"]
        small = SMALL_IMAGES.search(name)
        if not error.isdigit() or not (small or row["test_dataset"] == "in1k"):
            continue
        # SVHN's networks are CIFAR-10's, and are harvested by that name.
        architecture = re.sub("_svhn$", "_cifar10", name)
        yield Measurement(
            address=f"pytorchcv://{architecture}",
            source="pytorchcv",
            data_set=small[1] if small else "imagenet",
            metric="top1" if small else "top5",
            recipe=f"{name}.{row['repo_release_tag']}",
            value=(10_000 - int(error)) / 100,  # stated in hundredths of a percent
            licence="MIT",
            resolution=int(row["img_size"]) if row["img_size"].isdigit() else None,
        )

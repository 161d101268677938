"""timm's own evaluation of its weights on ImageNet, and of its networks' speed."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator

from pipeline.harvest.download import Download, Downloads
from pipeline.harvest.labels import Measurement

FOLDER = (
    "https://raw.githubusercontent.com/huggingface/pytorch-image-models/"
    "aa4b5850c1543fa488abf260f18390eda46cf85d/results/"
)
LICENCE = "Apache-2.0"


def _download(file: str, sha256: str) -> Download:
    return Download(f"timm's {file}", file, FOLDER + file, sha256)


ACCURACY = _download(
    "results-imagenet.csv",
    "30972bf7c7ab451bbd4480ec6116b13d0a84441c57bbc946896fd312264acfcd",
)
# What ran, and which column of its file is which metric.
SPEEDS = (
    (
        "i9-10940X, fp32, compiled, batch 1",
        "latency_ms",
        "infer_step_time",
        _download(
            "benchmark-infer-fp32-nchw-pt240-cpu-i9_10940x-dynamo.csv",
            "3491328c13aac76d638ca0bf94c7fcc8a7ba69a32e83612a7b6b3deb1da9c80e",
        ),
    ),
    (
        "RTX 4090, amp, batches that fit",
        "images_per_second",
        "infer_samples_per_sec",
        _download(
            "benchmark-infer-amp-nchw-pt240-cu124-rtx4090.csv",
            "3ead09bcdd508312cd52f69eeefca1e7edae714b2fd55e2daec5d32e2325f396",
        ),
    ),
)
DOWNLOADS = (ACCURACY, *(download for *_, download in SPEEDS))


def read_labels(downloads: Downloads) -> Iterator[Measurement]:
    """Accuracies by weights and image size; speeds by machine."""
    for row in _rows(downloads, ACCURACY):
        name, _, tag = row["model"].partition(".")
        for metric in ("top1", "top5"):
            yield Measurement(
                address=f"timm://{name}",
                source="timm",
                data_set="imagenet",
                metric=metric,
                recipe=f"{name}.{tag} at {row['img_size']}",
                value=float(row[metric]),
                licence=LICENCE,
                resolution=int(row["img_size"]),
            )
    for machine, metric, column, download in SPEEDS:
        for row in _rows(downloads, download):
            yield Measurement(
                address=f"timm://{row['model']}",
                source="timm",
                data_set="none",
                metric=metric,
                recipe=f"{row['model']} at {row['infer_img_size']}, {machine}",
                value=float(row[column]),
                licence=LICENCE,
                resolution=int(row["infer_img_size"]),
            )


def _rows(downloads: Downloads, download: Download) -> Iterator[dict[str, str]]:
    yield from csv.DictReader(io.StringIO(downloads.read(download).decode()))

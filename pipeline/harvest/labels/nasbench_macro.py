"""NAS-Bench-Macro: three trainings of each of its 6,561 networks on CIFAR-10.

Source: https://arxiv.org/abs/2103.11922, github.com/xiusu/NAS-Bench-Macro.
"""

from __future__ import annotations

import json
from collections.abc import Iterator

from pipeline.harvest.download import Download, Downloads
from pipeline.harvest.labels import Measurement
from pipeline.harvest.sources.nasbench_macro import SCHEME

ROWS = Download(
    "NAS-Bench-Macro",
    "nas-bench-macro_cifar10.json",
    "https://raw.githubusercontent.com/xiusu/NAS-Bench-Macro/"
    "61a2bfc2ca0dce04d0997e6cf498047c27d6acf2/data/nas-bench-macro_cifar10.json",
    "686dee8363cc21cca8c1f321ad5749454f2d9b9ca5972682e137e539bc522297",
)
DOWNLOADS = (ROWS,)


def read_labels(downloads: Downloads) -> Iterator[Measurement]:
    """Test accuracies of each training, in percent, and FLOPs as the benchmark counts them."""
    for blocks, row in json.loads(downloads.read(ROWS)).items():
        values = {f"training {n}": ("top1", v) for n, v in enumerate(row["test_acc"], 1)}
        values["counted"] = ("flops", row["flops"])
        for trial, (metric, value) in values.items():
            yield Measurement(
                address=SCHEME + blocks,
                source="nasbench_macro",
                data_set="cifar10",
                metric=metric,
                recipe=f"{blocks}, {trial}",
                value=round(float(value), 4),
                licence="Apache-2.0",
                resolution=32,
            )

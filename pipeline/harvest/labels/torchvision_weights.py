"""Accuracies that torchvision states of its weights. No file: they are in the library."""

from __future__ import annotations

from collections.abc import Iterator
from math import isfinite, nan

from pipeline.harvest.download import Download, Downloads
from pipeline.harvest.labels import Measurement

DOWNLOADS: tuple[Download, ...] = ()
METRICS = {"acc@1": "top1", "acc@5": "top5"}


def read_labels(downloads: Downloads) -> Iterator[Measurement]:
    """ImageNet accuracies of every classifier's weights; ``recipe``: the weights' name."""
    from torchvision import models

    for name in models.list_models(module=models):
        for weights in models.get_model_weights(name):
            stated = weights.meta["_metrics"].get("ImageNet-1K", {})
            for theirs, metric in METRICS.items():
                if isfinite(stated.get(theirs, nan)):  # weights of features state none
                    yield Measurement(
                        address=f"torchvision://{name}",
                        source="torchvision",
                        data_set="imagenet",
                        metric=metric,
                        recipe=f"{name}.{weights.name}",
                        value=float(stated[theirs]),
                        licence="BSD-3-Clause",
                        resolution=int(weights.transforms().crop_size[0]),
                    )

"""What is to be predicted of real networks: one number and its circumstances for each."""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

Row = dict[str, Any]

# What timm's tags call images, or teachers, beyond ImageNet-1k.
OTHER_IMAGES = re.compile(
    r"in12k|in21k|in22k|jft|ig1b|yfcc|laion|openai|clip|webli|swag|seer|m30m|m38m|goog"
)
COMMON = 10  # networks that share a recipe, for it to be a circumstance of its own


@dataclass(frozen=True, slots=True)
class Target:
    """Labels to predict: ``value`` of those rows that are ``taken``; of several of a network
    the ``best`` counts."""

    name: str
    taken: Callable[[Row], bool]
    value: Callable[[float], float] = float
    best: Callable[[Iterable[float]], float] = max


@dataclass(frozen=True, slots=True)
class Labelled:
    """One network's number, and how it was come by: pixels a side, and the recipe."""

    value: float
    resolution: int
    recipe: str


def recipe_of(row: Row) -> str:
    """The way of training, apart from the network: ``"timm a1_in1k"``, ``"pytorchcv"``."""
    if row["source"] == "pytorchcv":  # tells of no recipes
        return "pytorchcv"
    return f"{row['source']} {row['recipe'].partition('.')[2].partition(' ')[0]}".strip()


def trained_on_imagenet_alone(row: Row) -> bool:
    """Whether the weights have seen the 1,000 classes' images and no others."""
    if row["source"] == "timm":
        recipe = recipe_of(row)
        known = "in1k" in recipe and not OTHER_IMAGES.search(recipe)
        return known and not row["recipe"].startswith("test_")
    return row["source"] == "pytorchcv" or row["recipe"].endswith(".IMAGENET1K_V1")


def _imagenet(metric: str, *sources: str) -> Callable[[Row], bool]:
    def taken(row: Row) -> bool:
        here = (row["data_set"], row["metric"]) == ("imagenet", metric)
        return here and row["source"] in sources and trained_on_imagenet_alone(row)

    return taken


def _on_processor(row: Row) -> bool:
    return row["source"] == "timm" and row["metric"] == "latency_ms"


TARGETS = (
    Target("imagenet_top5", _imagenet("top5", "torchvision", "pytorchcv")),
    Target("imagenet_top1", _imagenet("top1", "torchvision", "timm")),
    Target("log_latency", _on_processor, math.log, min),
)


def select_labels(target: Target, labels: Iterable[Row]) -> dict[str, Labelled]:
    """Fingerprint -> the number to predict. Recipes of few networks are one, "other"."""
    chosen: dict[str, Row] = {}
    for row in labels:
        if target.taken(row):
            known = chosen.setdefault(row["fingerprint"], row)
            if known["value"] != target.best((row["value"], known["value"])):
                chosen[row["fingerprint"]] = row
    counts = Counter(recipe_of(row) for row in chosen.values())
    common = {recipe for recipe, count in counts.items() if count >= COMMON}
    return {
        fingerprint: Labelled(
            target.value(row["value"]),
            row["resolution"] or 224,
            recipe if (recipe := recipe_of(row)) in common else "other",
        )
        for fingerprint, row in sorted(chosen.items())
    }

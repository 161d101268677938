"""What networks achieve, predicted from vectors and from what needs no vector.

The rows of results/labels/NAME.json: for every target, features and model, over networks
whose group was held out (:mod:`pipeline.evaluate.label_prediction`). The circumstances of a
label, its image size and its recipe, explain much of it: every row says whether the model was
given them (a Gaussian process always is). The year of a recipe is not known for most, and is
not given.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import asdict
from importlib.metadata import version
from typing import Any

import numpy as np
import pyarrow as pa

from pipeline.evaluate.label_features import (
    Features,
    joined,
    operator_features,
    size_features,
)
from pipeline.evaluate.label_prediction import FOLDS, MODELS, REPEATS, score
from pipeline.evaluate.label_targets import TARGETS, Labelled, select_labels
from pipeline.progress import track


def evaluate_labels(
    tables: Mapping[str, pa.Table],
    groups: Mapping[str, str],
    embeddings: Mapping[str, Features],
) -> dict[str, Any]:
    """The tables networks (with macs), nodes and labels, each network's group, and vectors by
    name -> the metrics. Vectors stand alone, and beside the three sizes."""
    sizes = size_features(tables["networks"])
    features = {**sizes, **operator_features(tables["nodes"])}
    for name, vectors in embeddings.items():
        features[name] = vectors
        features[f"{name} + the three"] = joined(vectors, sizes["the three"])
    labels = tables["labels"].to_pylist()
    rows: list[dict[str, Any]] = []
    for target in TARGETS:
        chosen = select_labels(target, labels)
        known = [f for f in chosen if all(f in vectors for vectors in features.values())]
        if known:
            rows += _rows(target.name, {f: chosen[f] for f in known}, groups, features)
    return {
        "rows": rows,
        "vectors": list(embeddings),
        "parameters": {"folds": FOLDS, "repeats": REPEATS, "seeds": list(range(REPEATS))},
        "versions": {name: version(name) for name in ("numpy", "scipy", "scikit-learn")},
    }


def _rows(
    target: str,
    labelled: Mapping[str, Labelled],
    groups: Mapping[str, str],
    features: Mapping[str, Features],
) -> Iterable[dict[str, Any]]:
    values = np.array([found.value for found in labelled.values()])
    mine = np.array([groups[f] for f in labelled])
    circumstances = covariates(list(labelled.values()))
    about = {"target": target, "networks": len(values), "groups": len(set(mine.tolist()))}
    inputs = {
        (name, False): np.stack([vectors[f] for f in labelled])
        for name, vectors in features.items()
    }
    inputs[("nothing", True)] = np.zeros((len(values), 0))
    inputs |= {(n, True): matrix for (n, given), matrix in inputs.items() if not given}
    for (name, given), matrix in track(list(inputs.items()), f"labels: {target}"):
        matrix = np.hstack([matrix, circumstances]) if given else matrix
        for model, predict in (MODELS if given else {"ridge": MODELS["ridge"]}).items():
            found = asdict(score(matrix, values, mine, predict))
            rounded = {key: round(value, 4) for key, value in found.items()}
            yield about | {"features": name, "circumstances": given, "model": model} | rounded


def covariates(labelled: list[Labelled]) -> np.ndarray:
    """(n, 1 + recipes): the logarithm of the image size, and the recipe, one-hot."""
    recipes = sorted({found.recipe for found in labelled})
    one_hot = [[float(found.recipe == recipe) for recipe in recipes] for found in labelled]
    sizes = [[np.log(found.resolution)] for found in labelled]
    return np.hstack([np.array(sizes), np.array(one_hot)])

"""Table 2: an architecture trained as it was, after the graph and back, and after each codec.

Every run, a (variant, seed), is trained from its first to its last epoch, unless the
parameter ``prove_by_curve`` is N > 0: then, where a variant's fingerprint is the original's, N
epochs are trained, and if each epoch's loss and accuracy are the original's to the last bit,
the rest is the original's as well (the same numbers computed on the same inputs) and is taken
from there. Such a run says ``proved_epochs: N``; one that differs is trained to the end.
"""

from __future__ import annotations

import json
import os
import platform
import statistics
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any

import torch
from torch import nn

from pipeline.atomic import write_atomically
from pipeline.errors import DataError
from pipeline.evaluate.images import ImageSet, load_images
from pipeline.evaluate.retrain import Curve, choose_device, retrain
from pipeline.evaluate.retrain_params import RetrainParams

ORIGINAL = "original"
WITHOUT_COMPRESSION = "without_compression"
DATA_SEED = 0  # which images: the same for every seed and variant
NOTE = (
    "accuracies: share of all test images that are right after the last epoch, by seed; "
    "a run's accuracy, one number an epoch: of the first test_each_epoch of them, "
    "classes alike"
)
Results = dict[str, Any]


@dataclass(frozen=True)
class Variant:
    """What became of an architecture: how a seed makes its module, and its fingerprint.

    ``make(seed)`` gives the module with the weights that the original has at this seed.
    """

    make: Callable[[int], nn.Module]
    fingerprint: str


def make_original(network: str, classes: int, seed: int) -> nn.Module:
    """torchvision's own module, initialised as torchvision does after ``manual_seed(seed)``.
    The global random state is left as it was."""
    from torchvision.models import get_model

    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        return get_model(network, weights=None, num_classes=classes)


def run_table2(
    network: str,
    fingerprint: str | None,
    variants: Mapping[str, Variant],
    params: RetrainParams,
    folder: Path,
    checkpoints: Path,
) -> Results:
    """Train the original and all ``variants`` for all seeds -> what FOLDER/NETWORK.json holds.

    ``fingerprint`` is the original's (None: not known). The file is written after each run;
    runs it already holds, of the same parameters and fingerprint, are kept; an interrupted one
    goes on from its last epoch in ``checkpoints``. Only one process may write a network's file
    at a time. Raises DataError for a damaged file and for missing images.
    """
    file = folder / f"{network}.json"
    images = load_images(
        params.dataset,
        params.image_size,
        params.train_images,
        DATA_SEED,
        params.test_images,
        params.data_path,
    )
    results = _start(read_results(file), network, params)
    if fingerprint and ORIGINAL in results:
        results[ORIGINAL]["fingerprint"] = fingerprint
    original = Variant(
        lambda seed: make_original(network, images.classes, seed), fingerprint or ""
    )
    for name, variant in {ORIGINAL: original, **variants}.items():
        for seed in params.seeds:
            finished = _finished_runs(results, name, variant).get(str(seed))
            if finished is None:
                store = checkpoints / f"{network}-{name}-{seed}.pt"
                run = _train(variant, seed, images, params, results, name, store)
                _record(results, name, variant, seed, run)
                results |= {"versions": list_versions(), "machine": describe_machine(params)}
                _summarise(results, params, images)
                _write(file, results)
                store.unlink(missing_ok=True)
    _summarise(results, params, images)
    _write(file, results)
    return results


def read_results(file: Path) -> Results:
    """The results in a file; empty where there is none. DataError for a damaged one."""
    try:
        results = json.loads(file.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return {}
    except ValueError as e:
        raise DataError(f"{file}: damaged: {e}") from e
    if not isinstance(results, dict):
        raise DataError(f"{file}: damaged: not an object")
    return results


def render_table2(results: Results) -> list[dict[str, str]]:
    """One row a variant: name, test accuracy in % (mean +- standard deviation over seeds), its
    gap to the original's in points, whether the fingerprint is the original's, the test."""
    base = results[ORIGINAL]["mean"]
    return [_render_row(name, results[name], base) for name in results["variants"]]


def _render_row(name: str, variant: dict[str, Any], base: float) -> dict[str, str]:
    spread = "" if variant["std"] is None else f" ± {100 * variant['std']:.2f}"
    equal = variant["fingerprint_equal"]
    paired = variant.get("paired", {})
    return {
        "network": name,
        "accuracy": f"{100 * variant['mean']:.2f}{spread}",
        "gap": f"{100 * (variant['mean'] - base):+.2f}",
        "fingerprint": {True: "equal", False: "differs", None: "unknown"}[equal],
        "paired": f"{paired['p']:.3f}" if "p" in paired else paired.get("reason", ""),
    }


def _start(found: Results, network: str, params: RetrainParams) -> Results:
    """What is kept of an earlier file: runs of the same recipe, or nothing."""
    if found.get("parameters") == params.recipe():
        return found
    return {"network": network, "parameters": params.recipe(), "variants": []}


def _finished_runs(results: Results, name: str, variant: Variant) -> dict[str, Any]:
    held = results.get(name)
    if held is None:
        return {}
    # The original is torchvision's own whatever its fingerprint is called today.
    same = name == ORIGINAL or held["fingerprint"] == variant.fingerprint
    return held["runs"] if same else {}


def _train(
    variant: Variant,
    seed: int,
    images: ImageSet,
    params: RetrainParams,
    results: Results,
    name: str,
    store: Path,
) -> dict[str, Any]:
    title = f"{results['network']}, {name}, seed {seed}"

    def train(stop_after: int | None) -> Curve:
        model = variant.make(seed)
        return retrain(model, images, params, seed, store, stop_after, title)

    original = results.get(ORIGINAL, {}).get("runs", {}).get(str(seed))
    wanted = min(params.prove_by_curve, params.epochs)
    equal = bool(variant.fingerprint) and name != ORIGINAL
    equal = equal and variant.fingerprint == results[ORIGINAL]["fingerprint"]
    if wanted and equal:
        curve = train(wanted)
        if curve.epochs < params.epochs and is_same_start(curve, original):
            taken = {"proved_epochs": wanted, "wall_seconds": curve.wall_seconds}
            return original | taken
    return asdict(train(None)) | {"proved_epochs": None}


def is_same_start(curve: Curve, original: Mapping[str, Any]) -> bool:
    """Whether every epoch of ``curve`` equals the original's run to the last bit."""
    n = curve.epochs
    same_loss = list(curve.loss) == list(original["loss"][:n])
    return same_loss and list(curve.accuracy) == list(original["accuracy"][:n])


def _record(
    results: Results, name: str, variant: Variant, seed: int, run: dict[str, Any]
) -> None:
    runs = dict(_finished_runs(results, name, variant)) | {str(seed): run}
    results[name] = {"fingerprint": variant.fingerprint, "runs": dict(sorted(runs.items()))}
    if name not in results["variants"]:
        results["variants"].append(name)


def _summarise(results: Results, params: RetrainParams, images: ImageSet) -> None:
    """Bring everything that follows from the runs up to date."""
    seconds = 0.0
    original = results[ORIGINAL]
    for name in results["variants"]:
        variant = results[name]
        runs = variant["runs"]
        accuracies = {seed: run["final_accuracy"] for seed, run in runs.items()}
        seconds += sum(run["wall_seconds"] for run in runs.values())
        equal = variant["fingerprint"] == original["fingerprint"]
        variant |= {
            "fingerprint_equal": equal if original["fingerprint"] else None,
            "accuracies": accuracies,
            "mean": statistics.fmean(accuracies.values()),
            "std": statistics.stdev(accuracies.values()) if len(runs) > 1 else None,
            "epochs": params.epochs,
            "dataset": params.dataset,
            "images": _count(images, params),
        }
        if name != ORIGINAL:
            variant["paired"] = compare(original["accuracies"], accuracies)
            variant["proved_epochs"] = {s: run["proved_epochs"] for s, run in runs.items()}
            variant["max_loss_difference"] = _loss_difference(original["runs"], runs)
        results[name] = variant
    seeds = sorted(
        {seed for name in results["variants"] for seed in results[name]["runs"]}, key=int
    )
    results |= {
        "seeds": [int(seed) for seed in seeds],
        "wall_seconds": seconds,
        "note": NOTE,
    }


def _count(images: ImageSet, params: RetrainParams) -> dict[str, int]:
    test = len(images.test_y)
    return {
        "train": len(images.train_y),
        "test": test,
        "test_each_epoch": min(params.test_images_each_epoch, test),
    }


def compare(original: Mapping[str, float], variant: Mapping[str, float]) -> dict[str, Any]:
    """A paired, two-sided t test over the seeds that both have, or why there is none."""
    from scipy.stats import ttest_rel

    seeds = sorted(original.keys() & variant.keys())
    differences = [variant[s] - original[s] for s in seeds]
    if not any(differences):
        return {"seeds": len(seeds), "reason": "n/a: all differences are 0"}
    if len(seeds) < 2:
        return {"seeds": len(seeds), "reason": "n/a: one seed"}
    if len(set(differences)) == 1:
        return {"seeds": len(seeds), "reason": "n/a: all differences are equal"}
    test = ttest_rel([variant[s] for s in seeds], [original[s] for s in seeds])
    return {
        "seeds": len(seeds),
        "test": "paired t",
        "statistic": float(test.statistic),
        "p": float(test.pvalue),
    }


def _loss_difference(original: Mapping[str, Any], variant: Mapping[str, Any]) -> float | None:
    """The largest difference of the loss of any epoch really trained, in nats."""
    differences: list[float] = []
    for seed in original.keys() & variant.keys():
        trained = variant[seed]["proved_epochs"]
        pairs = zip(original[seed]["loss"], variant[seed]["loss"], strict=True)
        differences += [abs(a - b) for a, b in list(pairs)[:trained]]
    return max(differences, default=None)


def list_versions() -> dict[str, str]:
    """What the numbers depend on, installed."""
    return {name: version(name) for name in ("torch", "torchvision", "numpy")}


def describe_machine(params: RetrainParams) -> dict[str, Any]:
    """Where the last run of a file was trained."""
    device = choose_device(params.device)
    accelerator = torch.cuda.get_device_name() if device.type == "cuda" else None
    return {
        "cores": os.cpu_count(),
        "threads": torch.get_num_threads(),
        "processor": platform.machine(),
        "accelerator": accelerator,
    }


def _write(file: Path, results: Results) -> None:
    content = json.dumps(results, indent=1, ensure_ascii=False) + "\n"
    write_atomically(file, content.encode())

"""A project in which everything has been made, small: what the page is rendered from."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

from small_dataset import ABOUT, ANY
from small_tables import CODECS, WIDTHS, small_rows

from pipeline.registry.register import register
from pipeline.tables.write import write_tables

HOSTILE = '</script><script>window.hacked = 1</script><img src=x onerror="window.hacked = 2">'
SEEDS, EPOCHS = (0, 1, 2), 50


def write_tables_of_project(root: Path) -> None:
    """Normalised tables and the embeddings of two codecs, as the stages write them."""
    rows = small_rows()
    rows["networks"][0]["name"] = HOSTILE
    rows["networks"][1]["family"] = HOSTILE
    rows["rejected"][0]["detail"] = HOSTILE
    embedded = {"graph_embeddings", "vertex_embeddings", "residuals"}
    normalised = {name: table for name, table in rows.items() if name not in embedded}
    write_tables(root / "datasets/zoo/build/normalised", normalised)
    for codec in CODECS:
        own = {name: [row for row in rows[name] if row["codec"] == codec] for name in embedded}
        write_tables(root / "datasets/zoo/build/embeddings" / codec, own, WIDTHS)


def register_project(root: Path, name: str = "zoo") -> None:
    """The tables as version 1.0.0 of a dataset."""
    build = root / "datasets/zoo/build"
    sets = [build / "normalised", *sorted((build / "embeddings").glob("*"))]
    register(root / "datasets" / name, sets, ABOUT, {"seed": 1}, CODECS[0], ANY)


def write_results_of_project(root: Path) -> None:
    """Every kind of result file, with made-up numbers."""
    for kind, divergence in (("ae", 0.0), ("vae", 25.0)):
        _write(root / f"results/enas6/enas6-{kind}.json", enas6_result(divergence))
    for codec in CODECS:
        _write(root / f"results/zoo/{codec}.json", zoo_result(codec))
    _write(root / "datasets/zoo/metrics/validate.json", VALIDATION)
    _write(root / f"datasets/zoo/metrics/{CODECS[0]}.json", zoo_result(CODECS[0]))
    _write(root / "results/roundtrip/resnet18.json", roundtrip_result("resnet18"))
    queries = root / "datasets/queries"
    queries.mkdir(parents=True)
    (queries / "small.sql").write_text(
        "-- Which networks are small?\nSELECT * FROM networks;\n"
    )


def enas6_result(divergence: float) -> dict[str, Any]:
    """What ``nn2vec evaluate enas6`` writes."""
    curve = [
        {
            "epoch": float(epoch),
            "train_reconstruction": 21 * math.exp(-epoch / 20) + 0.01,
            "test_reconstruction": 21 * math.exp(-epoch / 20) + 0.02,
            "train_divergence": divergence * (1 - math.exp(-epoch / 30)),
            "test_divergence": divergence * (1 - math.exp(-epoch / 28)),
        }
        for epoch in range(1, 201)
    ]
    latent = {"dimensions_per_graph": 6, "groups": {"structure": 4, "operations": 2},
              "bits_per_graph": 36.9}  # fmt: skip
    return {
        "accuracy_strict": 1.0, "accuracy_dvae_protocol": 0.9996, "validity": 0.9871,
        "validity_repaired": None, "uniqueness": 0.4, "novelty": 0.9, "latent": latent,
        "rmse": {"mean": 0.381, "std": 0.0021}, "pearson_r": {"mean": 0.921, "std": 0.0012},
        "training": {"epochs": 200}, "train_graphs_per_second": 9566.5, "curve": curve,
    }  # fmt: skip


def zoo_result(codec: str) -> dict[str, Any]:
    """What ``nn2vec evaluate zoo`` writes."""
    cases = {"share": 0.927, "cases": 41, "interval": [0.806, 0.975]}
    shares = ("exact", "exact_real", "exact_noise_0.1", "halfway_valid", "prior_valid",
              "prior_new", "runs")  # fmt: skip
    return {
        "codec": codec, "networks": 41, "groups": ["plain"], "width": 80,
        "exact_with_residual": {"share": 1.0, "cases": 41, "interval": [0.914, 1.0]},
        "bits_per_vertex_median": 2.05, "distance_spearman": 0.87,
        **dict.fromkeys(shares, cases),
    }  # fmt: skip


VALIDATION = {"networks": 5, "exact": 1.0, "unequal": [], "runs": 1.0, "runs_measured": 5}


def roundtrip_result(network: str) -> dict[str, Any]:
    """What ``nn2vec evaluate roundtrip`` writes."""
    names = ("original", "without_compression", "zoo-vae")
    results: dict[str, Any] = {
        "network": network, "variants": list(names), "seeds": list(SEEDS),
        "parameters": {"dataset": "fashion_mnist", "train_images": 2000, "test_images": 10000,
                       "epochs": EPOCHS},
        "wall_seconds": 2700.0,
    }  # fmt: skip
    for name in names:
        lag = 8 if name == "zoo-vae" else 6
        runs = {str(seed): _run(lag + seed) for seed in SEEDS}
        results[name] = {
            "runs": runs, "mean": 0.8537, "std": 0.0031, "fingerprint_equal": name != names[2],
            "images": {"train": 2000, "test": 10000, "test_each_epoch": 1000},
            "paired": {"seeds": 3, "reason": "n/a: all differences are 0"},
        }  # fmt: skip
    return results


def _run(lag: int) -> dict[str, Any]:
    epochs = range(1, EPOCHS + 1)
    return {
        "loss": [1.7 * math.exp(-e / lag) + 0.05 for e in epochs],
        "accuracy": [0.86 - 0.5 * math.exp(-e / lag) for e in epochs],
        "final_accuracy": 0.8537,
    }


def _write(file: Path, content: dict[str, Any]) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(json.dumps(content))

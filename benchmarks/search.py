"""Search methods on a space whose accuracies are known, all in one table.

    python benchmarks/search.py nasbench201 --data FOLDER

Writes results/search/SPACE.json, method by method: what stands there of other methods stays,
so methods can be measured one at a time. FOLDER holds copies of the measured tables; without
it they are downloaded. The protocol is that of docs/search.md.
"""

from __future__ import annotations

import argparse
import json
import time
from pathlib import Path
from typing import Any

import torch

from pipeline.evaluate.results import write_results
from pipeline.progress import track
from pipeline.search.methods import METHODS, ON_VECTORS, make_method
from pipeline.search.run import search
from pipeline.search.score import NEAR, score_runs
from pipeline.search.space import Table
from pipeline.search.spaces import SPACES
from pipeline.searches import read_table, read_vectors

ROOT = Path(__file__).resolve().parent.parent
CODEC = "zoo-vae"


def measure(table: Table, name: str, seeds: int, evaluations: int) -> dict[str, Any]:
    """One method over seeds 0, 1, ... -> its row."""
    vectors, whose = None, {}
    if name == ON_VECTORS:
        vectors, whose["codec"] = read_vectors(ROOT, table.space, CODEC)
    began = time.process_time()
    runs = [
        list(search(table, make_method(name, table.space, seed, vectors), evaluations))
        for seed in track(range(seeds), f"{table.space.name}, {name}: seeds")
    ]
    seconds = round((time.process_time() - began) / seeds, 2)
    return score_runs(table, runs) | {"cpu_seconds_a_run": seconds} | whose


def main() -> None:
    """Measure and write."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("space", choices=list(SPACES))
    parser.add_argument("--methods", nargs="+", choices=METHODS, default=METHODS)
    parser.add_argument("--seeds", type=int, default=100)
    parser.add_argument("--evaluations", type=int, default=150)
    parser.add_argument("--data", type=Path, help="downloaded where it is not given")
    parser.add_argument("--output", type=Path)
    given = parser.parse_args()
    torch.set_num_threads(1)
    output = given.output or ROOT / f"results/search/{given.space}.json"
    table = read_table(ROOT, given.space, given.data)
    rows = json.loads(output.read_text())["methods"] if output.exists() else {}
    for name in given.methods:
        rows[name] = measure(table, name, given.seeds, given.evaluations)
        found = {
            "space": given.space,
            "points": len(table.space),
            "optimum": round(table.optimum, 4),
            "near": NEAR,
            "methods": {method: rows[method] for method in METHODS if method in rows},
        }
        write_results(output, found, {})


if __name__ == "__main__":
    main()

"""Accuracy on the ENAS set, predicted from nothing learned: the cells' one-hot fields.

    python benchmarks/enas6_one_hot.py --data FILE

The row that every vector's prediction is to be held against: 36 numbers for six operators of
six kinds and 15 for the links, the same networks, Gaussian process and seeds as
``nn2vec evaluate enas6`` has. FILE is the D-VAE authors' final_structures6.txt.
"""

from __future__ import annotations

import argparse
import time
from pathlib import Path

import torch
from torch.nn.functional import one_hot

from pipeline.compress import cells as enas
from pipeline.evaluate.enas6 import measure_vectors
from pipeline.evaluate.results import write_results
from pipeline.stages import enas6_path

ROOT = Path(__file__).resolve().parent.parent


def fields(cells: enas.Cells) -> torch.Tensor:
    """(n, 51) float32: operators one-hot, then the links."""
    operators = one_hot(cells.operations, enas.OPERATORS).flatten(1)
    return torch.cat([operators, cells.links], 1).float()


def main() -> None:
    """Measure and write."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, help="downloaded where it is not given")
    parser.add_argument("--output", type=Path, default=ROOT / "results/enas6/one-hot.json")
    given = parser.parse_args()
    began = time.perf_counter()
    train, test = enas.split(*enas.read_cells(given.data or enas6_path(ROOT)))
    vectors = fields(train[0]), fields(test[0])
    found = measure_vectors(*vectors, train, test)
    found |= {"latent": {"dimensions_per_graph": vectors[0].shape[1]}}
    sizes = {"train_networks": len(train[0]), "test_networks": len(test[0])}
    seconds = {"seconds": round(time.perf_counter() - began, 1)}
    write_results(given.output, found | sizes | seconds, {})


if __name__ == "__main__":
    main()

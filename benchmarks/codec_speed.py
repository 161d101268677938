"""Graphs a second of the ENAS codecs: training, encoding, decoding; one thread.

    python benchmarks/codec_speed.py [--data PATH] [--seconds 4]

Writes results/benchmarks/codec_speed.json: D-VAE at its authors' size, and the shipped
``enas6-vae``. Seconds are the process' own (CPU time), so that other work on the machine
counts as little as can be; each figure is the best of as many rounds as fit into ``--seconds``
and, beside it, the median. How fast the machine multiplied matrices at that moment stands
there too.

The figures they are held against are those of the authors' code of D-VAE
(github.com/muhanzhang/D-VAE, models.py, train.py: --model DVAE --bidirectional --hs 501
--nz 56), unchanged but for what today's torch and igraph ask for, one thread of a machine with
two cores.
"""

import argparse
import json
import os
import platform
import statistics
import time
from collections.abc import Callable, Iterator
from functools import partial
from itertools import cycle
from pathlib import Path
from typing import NamedTuple

import torch
from torch import Tensor

from pipeline.compress.cells import OUTPUT, Cells, read_cells, split
from pipeline.compress.dvae import DVAE
from pipeline.compress.enas6 import CellModel, objective, to_rows
from pipeline.compress.store import build_model, load_model
from pipeline.decode.shipped import SHIPPED

ROOT = Path(__file__).parents[1]
ORIGINAL = {
    "train": {32: 36.0},
    "encode": {32: 485.0, 256: 395.0},
    "decode": {32: 122.0, 256: 150.0},
}
BATCHES = (32, 256)
VAE = "enas6-vae"


class Work(NamedTuple):
    """What is timed: a model's training step, encoding or decoding of a batch of cells."""

    model: str
    name: str
    products: str
    run: Callable[[Cells], object]


def measure(work: Callable[[Cells], object], cells: Cells, batch: int, seconds: float) -> dict:
    """Graphs a second of ``work`` over batches of ``cells``: best and median round."""
    parts = cycle([cells[i : i + batch] for i in range(0, len(cells) - batch, batch)])
    work(next(parts))
    rates, end = [], time.process_time() + seconds
    while time.process_time() < end or len(rates) < 3:
        part, began = next(parts), time.process_time()
        work(part)
        rates.append(batch / (time.process_time() - began))
    return {
        "best": round(max(rates), 1),
        "median": round(statistics.median(rates), 1),
        "rounds": len(rates),
    }


def dvae_works() -> Iterator[Work]:
    """D-VAE, untrained; training also with products in bfloat16."""
    torch.manual_seed(0)
    model = DVAE(DVAE.Config()).eval()
    with torch.no_grad():  # every decoded graph takes all eight vertices, as trained ones do
        model.score_type[-1].bias[OUTPUT] = -1e4
    for mixed, products in ((False, "float32"), (True, "bfloat16")):
        trained = DVAE(DVAE.Config(mixed=mixed))
        yield Work("dvae", "train", products, trainer(trained, trained.losses))
    yield Work("dvae", "encode", "float32", torch.no_grad()(model.encode))
    drawn = partial(torch.randn, generator=torch.Generator().manual_seed(0))
    yield Work("dvae", "decode", "float32", lambda part: model.decode(drawn(len(part), 56)))


def vae_works() -> Iterator[Work]:
    """The shipped codec: cells to vectors, as their users call it, and cells from vectors."""
    codec = CellModel(load_model(SHIPPED / VAE))
    trained = build_model(codec.model.kind, codec.model.config.model_dump())
    losses = objective(trained)
    yield Work(VAE, "train", "float32", trainer(trained, lambda part: losses(to_rows(part))))
    yield Work(VAE, "encode", "float32", codec.encode)
    drawn = partial(torch.randn, generator=torch.Generator().manual_seed(0))
    yield Work(VAE, "decode", "float32", lambda part: codec.decode(drawn(len(part), 6)))


def trainer(
    model: torch.nn.Module, losses: Callable[[Cells], tuple[Tensor, ...]]
) -> Callable[[Cells], object]:
    """A function that takes one training step, optimiser and all."""
    model.train()
    optimizer = torch.optim.Adam(model.parameters(), 1e-4, fused=True)

    def step(cells: Cells) -> None:
        optimizer.zero_grad()
        reconstruction, divergence = losses(cells)[:2]
        (reconstruction + 0.005 * divergence).backward()
        optimizer.step()

    return step


def measure_all(cells: Cells, seconds: float) -> list[dict]:
    rows = []
    for model, name, products, work in (*dvae_works(), *vae_works()):
        for batch in BATCHES:
            row = {"model": model, "work": name, "products": products, "batch": batch}
            row |= measure(work, cells, batch, seconds)
            original = ORIGINAL[name].get(batch, ORIGINAL[name][32])
            row |= {"original": original, "ratio": round(row["best"] / original, 1)}
            print(json.dumps(row), flush=True)
            rows.append(row)
    return rows


def multiply(products: torch.dtype) -> float:
    """Best GFLOP a second of a product of the model's size, of CPU time."""
    a, b = torch.randn(256, 501, dtype=products), torch.randn(1503, 501, dtype=products)
    rates = []
    for _ in range(50):
        began = time.process_time()
        torch.nn.functional.linear(a, b)
        rates.append(2e-9 * a.numel() * len(b) / (time.process_time() - began))
    return round(max(rates), 1)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, default=ROOT / "../shared/data/enas6.txt")
    parser.add_argument("--seconds", type=float, default=4.0)
    given = parser.parse_args()
    torch.set_num_threads(1)
    began, load = time.perf_counter(), os.getloadavg()[0]
    (cells, _), _ = split(*read_cells(given.data))
    result = {
        "dvae": {"hidden": 501, "dimensions": 56},
        "original_source": "github.com/muhanzhang/D-VAE, one thread, CPU of two cores",
        "graphs_per_second": measure_all(cells, given.seconds),
        "gflops": {"float32": multiply(torch.float32), "bfloat16": multiply(torch.bfloat16)},
        "seconds": "of CPU time, one thread",
        "seed": 0,
        "machine": {
            "cores": os.cpu_count(),
            "threads": 1,
            "accelerator": None,
            "system": platform.machine(),
            "load_average": [round(load, 1), round(os.getloadavg()[0], 1)],
        },
        "versions": {"torch": torch.__version__},
        "wall_seconds": round(time.perf_counter() - began, 1),
    }
    out = ROOT / "results/benchmarks/codec_speed.json"
    out.parent.mkdir(parents=True, exist_ok=True)
    temporary = out.with_suffix(".tmp")
    temporary.write_text(json.dumps(result, indent=1) + "\n", encoding="utf-8")
    temporary.replace(out)


if __name__ == "__main__":
    main()

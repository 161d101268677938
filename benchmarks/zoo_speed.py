"""Networks a second of the shipped codec of whole networks, on one thread.

    python benchmarks/zoo_speed.py [--networks 96] [--steps 50]

Writes results/benchmarks/zoo_speed.json: held-out networks drawn at random, each as it is in
the tables, encoded, encoded with refining, and decoded, 32 at a time; beside it, in the same
run, zstd -19 on the text of the same programs, there and back: what nothing learned costs.
Seconds are the process' own, best of three rounds.
"""

from __future__ import annotations

import argparse
import random
import time
from collections.abc import Callable
from pathlib import Path

import pyarrow as pa
import torch

from pipeline.decode.codec import load_codec
from pipeline.evaluate.results import write_results
from pipeline.stages import read_zoo

ROOT = Path(__file__).parents[1]
RESULT = ROOT / "results/benchmarks/zoo_speed.json"
ROUNDS = 3


def best(work: Callable[[], object]) -> float:
    """Processor seconds of the quickest round."""
    seconds = []
    for _ in range(ROUNDS):
        began = time.process_time()
        work()
        seconds.append(time.process_time() - began)
    return min(seconds)


def main() -> None:
    """Measure and write."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--networks", type=int, default=96)
    parser.add_argument("--steps", type=int, default=50)
    parser.add_argument("--output", type=Path, default=RESULT)
    given = parser.parse_args()
    torch.set_num_threads(1)
    networks, split, _ = read_zoo(ROOT)
    held_out = sorted(f for f in networks if split.part_of(f) == "test")
    chosen = random.Random(0).sample(held_out, min(given.networks, len(held_out)))
    some = sorted((networks[f] for f in chosen), key=len)
    for network in some:
        assert network.design  # designs and programs are the tables', not the codec's
        assert network.program.lines
    codec = load_codec("zoo-vae", domain="networks")
    codes = codec.encode(some)
    texts = [repr(network.program.lines).encode() for network in some]
    zstd = pa.Codec("zstd", compression_level=19)
    few = some[:: max(1, len(some) // 16)]  # refining takes its time
    seconds = {
        "encode": best(lambda: codec.encode(some)) / len(some),
        "decode": best(lambda: codec.drafts_with_residuals(codes)) / len(some),
        "encode_refined": best(lambda: codec.encode(few, given.steps)) / len(few),
        "zstd": best(lambda: [zstd.decompress(zstd.compress(t), len(t)) for t in texts])
        / len(some),
    }
    metrics = {
        "networks": len(some),
        "vertices_median": sorted(map(len, some))[len(some) // 2],
        "per_second": {name: round(1 / value, 1) for name, value in seconds.items()},
        "times_zstd": {name: round(v / seconds["zstd"], 2) for name, v in seconds.items()},
    }
    parameters = {"parameters": {"networks": given.networks, "steps": given.steps}}
    write_results(given.output, metrics | parameters, {})
    print(metrics["per_second"])


if __name__ == "__main__":
    main()

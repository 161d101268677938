"""Hostile inputs: does anything crash, hang, take much memory, or open a file?

    python benchmarks/hostile.py --seconds 900 --output results/hostile.json

Model files drawn from seeds (``benchmarks/hostile_inputs.py``) are read as normalise reads a
skeleton, each in a process that may work ten seconds and take two GiB. What reading may come
to is a network, which written and read again is the same, or a refusal; everything else is a
finding, with the seed that makes it again. An input that opens a file is one as well.
"""

from __future__ import annotations

import argparse
import json
import os
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import chdir
from importlib.metadata import version
from pathlib import Path
from typing import Any

from hostile_inputs import DECOY, MAKERS, Input, try_input

from pipeline.errors import ModelError
from pipeline.evaluate.results import write_results
from pipeline.harvest.isolation import Job, Limits, run_isolated

LIMITS = Limits(seconds=10.0, memory_gib=2.0)
ENDED = ("timeout", "stalled", "memory", "crashed", "defect")
MOST_FINDINGS = 200  # of each kind and word, that are listed
PACKAGES = ("numpy", "onnx", "protobuf")


def draw_inputs(first: int, kinds: tuple[str, ...]) -> Iterator[Input]:
    """Inputs of each kind in turn, from seed ``first`` on, without end."""
    number = first
    while True:
        yield from (Input(kind, number) for kind in kinds)
        number += 1


def attack(
    first: int, inputs: int | None, seconds: float, kinds: tuple[str, ...], processes: int
) -> dict[str, Any]:
    """Try so many inputs, or for so many seconds -> counts by kind and outcome, findings."""
    began = time.monotonic()

    def until_then() -> Iterator[Input]:
        for number, given in enumerate(draw_inputs(first, kinds)):
            if number == inputs or time.monotonic() - began > seconds:
                return
            yield given

    outcomes: dict[str, Counter[str]] = {kind: Counter() for kind in kinds}
    findings: list[dict[str, Any]] = []
    job: Job[Input, str] = Job(try_input, LIMITS)
    with tempfile.TemporaryDirectory() as folder, chdir(folder):
        Path(DECOY).write_bytes(os.urandom(64))
        for given, result in run_isolated(job, until_then(), processes):
            word, detail = str(result), ""
            if isinstance(result, ModelError):
                word, detail = result.reason, result.detail
            outcomes[given.kind][word.partition(": ")[0] if "un" in word[:3] else word] += 1
            if word != "network" and not word.startswith("refused"):
                findings.append({**given._asdict(), "what": word, "detail": detail})
    return {
        "inputs": sum(sum(counts.values()) for counts in outcomes.values()),
        "found": len(findings),
        "outcomes": {kind: dict(counts.most_common()) for kind, counts in outcomes.items()},
        "findings": findings[:MOST_FINDINGS],
        "seconds": round(time.monotonic() - began, 1),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=60.0)
    parser.add_argument("--inputs", type=int, help="Stop after so many.")
    parser.add_argument("--seed", type=int, default=0, help="The first number drawn from.")
    parser.add_argument("--kinds", nargs="+", choices=list(MAKERS), default=list(MAKERS))
    parser.add_argument("--processes", type=int, default=1)
    parser.add_argument("--output", type=Path)
    given = parser.parse_args()
    kinds = tuple(given.kinds)
    results = attack(given.seed, given.inputs, given.seconds, kinds, given.processes)
    results |= {
        "first_seed": given.seed,
        "limits": {"processor_seconds": LIMITS.seconds, "memory_gib": LIMITS.memory_gib},
        "versions": {name: version(name) for name in PACKAGES},
    }
    print(json.dumps(write_results(given.output, results, {}), indent=1))


if __name__ == "__main__":
    main()

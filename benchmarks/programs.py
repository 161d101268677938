"""Programs: how long are they, and how many bits do they take?

    python benchmarks/programs.py --output results/programs.json

Lengths are lines, a repeat being one, over all networks of the registered zoo. Bits are of
held-out networks: under a zero-order model (how often each class of a token's kind occurs in
the programs of training networks, half an occurrence more for each, escapes counted), and by
zstd -19 with a dictionary of 37 KB trained on the programs of training networks as text.
"""

from __future__ import annotations

import argparse
import subprocess
import time
from collections.abc import Iterable, Sequence
from functools import partial
from pathlib import Path
from statistics import median, quantiles
from tempfile import TemporaryDirectory
from typing import Any

from pipeline.compress.vocabulary import Vocabulary
from pipeline.evaluate.nothing_learned import ZeroOrder
from pipeline.evaluate.results import write_results
from pipeline.program.instruction import Instruction, Line
from pipeline.tables.read import read_table
from pipeline.tables.read_networks import read_networks
from pipeline.tables.split import read_split

ROOT = Path(__file__).resolve().parent.parent
DATASET = ROOT / "datasets/zoo"
DICTIONARY_BYTES, LEVEL = 37_000, 19
SMALLEST = 0.5  # occurrences that every class is given


def text_of(lines: Sequence[Line]) -> bytes:
    """A program as text, a line each, of which it can be read again."""
    return "\n".join(map(_line, lines)).encode()


def _line(line: Line) -> str:
    if not isinstance(line, Instruction):
        return f"repeat {line.length} {line.times} {line.rest}"
    attributes = " ".join(f"{name}={value!r}" for name, value in line.attributes)
    operands = " ".join(map(repr, line.operands))
    return f"{line.operator} {attributes} {operands} {line.positions or ''}"


def zstd_bits(training: Sequence[bytes], texts: Sequence[bytes]) -> list[int]:
    """Bits of each text by the tool zstd with a dictionary trained on others; no checksum and
    no number of the dictionary."""
    with TemporaryDirectory() as name:
        folder = Path(name)
        for part, found in (("train", training), ("test", texts)):
            (folder / part).mkdir()
            for index, text in enumerate(found):
                (folder / part / f"{index:05}").write_bytes(text)
        run = partial(subprocess.run, check=True, capture_output=True, cwd=folder)
        run(["zstd", "-r", "--train", "train", f"--maxdict={DICTIONARY_BYTES}", "-o", "words"])
        (folder / "out").mkdir()  # the tool makes none
        options = f"-{LEVEL} --no-check --no-dictID -D words -r test --output-dir-flat out"
        run(["zstd", *options.split()])
        return [8 * path.stat().st_size for path in sorted((folder / "out").iterdir())]


def zstd_version() -> str:
    """As the tool says it."""
    done = subprocess.run(["zstd", "--version"], check=True, capture_output=True, text=True)
    return next(word for word in done.stdout.split() if word.startswith("v")).strip("v,")


def lengths(numbers: Sequence[int]) -> dict[str, float]:
    """Median, 95th percentile and largest."""
    return {
        "networks": len(numbers),
        "median": median(numbers),
        "p95": quantiles(numbers, n=20, method="inclusive")[-1],
        "largest": max(numbers),
    }


def bits_a_vertex(bits: Iterable[float], vertices: Sequence[int]) -> dict[str, float]:
    """Of all networks together, and of the median one."""
    found = list(bits)
    return {
        "networks": len(found),
        "bits_median": median(found),
        "bits_a_vertex": sum(found) / sum(vertices),
        "bits_a_vertex_median": median(b / n for b, n in zip(found, vertices, strict=True)),
    }


def measure() -> dict[str, Any]:
    """Everything the result file holds but its time."""
    rows = read_table(DATASET / "tables", "networks").to_pylist()
    split = read_split(DATASET, {row["fingerprint"]: row["name"] for row in rows})
    programs: dict[str, list[Sequence[Line]]] = {"train": [], "test": []}
    vertices: dict[str, list[int]] = {"train": [], "test": []}
    for fingerprint, network in read_networks(DATASET / "tables"):
        part = split.part_of(fingerprint)
        programs[part].append(network.program.lines)
        vertices[part].append(len(network))
    model = ZeroOrder(programs["train"], Vocabulary.of(programs["train"]), SMALLEST)
    test = programs["test"]
    zstd = zstd_bits(*(list(map(text_of, programs[part])) for part in ("train", "test")))
    return {
        "vertices": lengths([*vertices["train"], *vertices["test"]]),
        "instructions": lengths([len(p) for part in programs.values() for p in part]),
        "instructions_held_out": lengths([len(p) for p in test]),
        "zero_order": bits_a_vertex(map(model.bits, test), vertices["test"]),
        "zstd_19_with_dictionary": bits_a_vertex(zstd, vertices["test"]),
        "parameters": {
            "dictionary_bytes": DICTIONARY_BYTES,
            "zstd_level": LEVEL,
            "least_programs_of_a_word": 2,
            "occurrences_given": SMALLEST,
        },
        "versions": {"zstd": zstd_version()},
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--output", type=Path, default=ROOT / "results/programs.json")
    output = parser.parse_args().output
    start = time.perf_counter()
    found = measure()
    write_results(output, found | {"seconds": time.perf_counter() - start}, {})


if __name__ == "__main__":
    main()

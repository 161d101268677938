"""Repair: do networks from damaged vectors run, and what does it take?

    python benchmarks/repair.py --output results/repair.json

For every codec of whole networks, 1,000 codes drawn from its prior and 1,000 corrupted codes
of real networks of the registered dataset, at small image sizes, whole or a stretch between
two cuts. Each is decoded, repaired, and judged by onnx.checker, ONNX Runtime and torch,
forward and backward. What the output file holds is not measured again, but for --again.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import platform
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from functools import cache, cached_property
from importlib.metadata import version
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import torch

from pipeline import Codec, Network, load_codec
from pipeline.atomic import write_atomically
from pipeline.decode.codec import SHIPPED
from pipeline.decode.repair.graph import DEFAULT_INPUT
from pipeline.evaluate.corrupt import BANDS, CORRUPTIONS, LIGHTEST, corrupt
from pipeline.evaluate.prior import Latents, Prior
from pipeline.evaluate.repairs import Tally, try_latents
from pipeline.evaluate.results import describe_machine
from pipeline.evaluate.stretches import (
    SIDES,
    Bounds,
    Cuttable,
    draw_stretch,
    image_of,
    small_networks,
)
from pipeline.graph.network import Vertex
from pipeline.tables.read import read_tables
from pipeline.tables.read_networks import read_networks

ROOT = Path(__file__).resolve().parent.parent
DATASET = ROOT / "datasets/zoo"
CODECS = ("zoo-ae", "zoo-vae", "zoo-seq2seq")
KINDS = ("prior", "corrupted")
SEED = 0
FEWEST, MOST = 5, 64  # vertices of a draft from the prior
SAMPLE, LARGEST = 300, 400  # networks that vectors are taken from, vertices of one at most
WHOLE = 0.25  # share of the corrupted codes that are of a whole network
WHOLES, STRETCHES = Bounds(5, 160, 4_000_000), Bounds(5, 80, 2_000_000)
SMALL_INPUT = image_of(SIDES[0])  # of a corrupted code that has lost its own
AT_ONCE = 50  # drafts between two writes
PACKAGES = ("numpy", "onnx", "onnxruntime", "torch")
PARAMETERS: dict[str, Any] = {
    "prior_vertices": [FEWEST, MOST],
    "sample": {"networks": SAMPLE, "most_vertices": LARGEST},
    "whole_share": WHOLE,
    "whole": asdict(WHOLES),
    "stretch": asdict(STRETCHES),
    "image_sides": list(SIDES),
    "lost_image": [3, SIDES[0], SIDES[0]],
    "severities": {"lightest": LIGHTEST, **dict(BANDS)},
}


@dataclass
class Real:
    """The networks of the dataset, and those that are small enough to be run whole."""

    networks: list[Network]

    @cached_property
    def cuttable(self) -> list[Cuttable]:
        return [c for c in map(Cuttable.of, self.networks) if c is not None]

    @cached_property
    def small(self) -> list[Network]:
        return small_networks(self.cuttable, WHOLES)


@dataclass
class Measured:
    """One codec, one kind: its counts, those of every corruption and severity, what failed."""

    codec: str
    tally: Tally = field(default_factory=Tally)
    groups: dict[str, Tally] = field(default_factory=dict)
    failures: dict[str, str] = field(default_factory=dict)

    @property
    def done(self) -> int:
        return self.tally.networks

    def to_plain(self) -> dict[str, Any]:
        return {
            "codec_digest": self.codec,
            **self.tally.summary(),
            "failures": self.failures,
            "groups": {name: tally.summary() for name, tally in sorted(self.groups.items())},
            "counts": self.tally.to_plain(),
            "group_counts": {name: t.to_plain() for name, t in sorted(self.groups.items())},
        }

    @classmethod
    def from_plain(cls, plain: dict[str, Any]) -> Measured:
        groups = {name: Tally.from_plain(t) for name, t in plain["group_counts"].items()}
        tally = Tally.from_plain(plain["counts"])
        return cls(plain["codec_digest"], tally, groups, plain["failures"])


class Draft(NamedTuple):
    """Vectors, the groups that they are counted in, the Input of a draft that has none."""

    latents: Latents
    groups: tuple[str, ...]
    image: Vertex


class Drawing:
    """Draft number N of a kind, for one codec: the same whichever were drawn before."""

    def __init__(self, codec: Codec, real: Real) -> None:
        self.codec, self.real = codec, real

    @cached_property
    def prior(self) -> Prior:
        return Prior.of([self.codec.encode(network) for network in self.real.networks])

    def draw(self, kind: str, number: int) -> Draft:
        """The draft's vectors."""
        random = np.random.default_rng([SEED, KINDS.index(kind), number])
        if kind == "prior":
            vertices = int(random.integers(FEWEST, MOST + 1))
            return Draft(self.prior.draw(vertices, random), (), DEFAULT_INPUT)
        whole = random.random() < WHOLE
        network, other = self._network(whole, random), self._network(False, random)
        name = list(CORRUPTIONS)[number % len(CORRUPTIONS)]
        latents, others = (self.codec.encode(n).latents for n in (network, other))
        found = corrupt(latents, others, name, random)
        groups = (name, found.band, "whole" if whole else "stretch")
        return Draft(found.latents, groups, SMALL_INPUT)

    def _network(self, whole: bool, random: np.random.Generator) -> Network:
        if whole:
            return self.real.small[int(random.integers(len(self.real.small)))]
        return draw_stretch(self.real.cuttable, STRETCHES, random)


def measure(drawing: Drawing, kind: str, found: Measured, count: int) -> None:
    """The next ``count`` drafts of one kind."""
    for number in range(found.done, found.done + count):
        draft = drawing.draw(kind, number)
        groups = [found.groups.setdefault(name, Tally()) for name in draft.groups]
        tallies = [found.tally, *groups]
        reason = try_latents(drawing.codec, draft.latents, draft.image, tallies)
        if reason is not None:
            found.failures[str(number)] = reason


def held(output: Path) -> dict[str, dict[str, Measured]]:
    """What an earlier run left, by codec and kind; nothing of a codec that has changed."""
    if not output.exists():
        return {}
    before = json.loads(output.read_text())
    if any(before[name] != value for name, value in settings().items()):
        raise SystemExit(f"{output} is of other parameters or data: give another --output")
    return {
        codec: {
            kind: Measured.from_plain(plain)
            for kind, plain in kinds.items()
            if plain["codec_digest"] == digest_of(codec)
        }
        for codec, kinds in before["codecs"].items()
    }


@cache
def settings() -> dict[str, Any]:
    """What all figures of one file have in common: seed, parameters, data."""
    manifest = json.loads((DATASET / "manifest.json").read_text())
    dataset = {name: manifest[name] for name in ("name", "version")}
    dataset["tables"] = digest(DATASET / "tables/manifest.json")
    return {"seed": SEED, "parameters": PARAMETERS, "dataset": dataset}


def read_sample() -> list[Network]:
    """The first networks by fingerprint, of those that are not too large."""
    table = read_tables(DATASET / "tables", ["networks"])["networks"]
    rows = zip(
        *(table.column(name).to_pylist() for name in ("fingerprint", "vertices")), strict=True
    )
    chosen = sorted(f for f, vertices in rows if vertices <= LARGEST)[:SAMPLE]
    return [network for _, network in read_networks(DATASET / "tables", chosen)]


def digest_of(codec: str) -> str:
    """Of the codec's weights."""
    return digest(SHIPPED / f"{codec}.safetensors")


@cache
def digest(path: Path) -> str:
    """The start of a file's SHA-256, as it is when first asked for."""
    return hashlib.sha256(path.read_bytes()).hexdigest()[:16]


def write(output: Path, found: dict[str, dict[str, Measured]]) -> None:
    """The whole results file, at once."""
    every = [measured for kinds in found.values() for measured in kinds.values()]
    results = {
        "command": "python benchmarks/repair.py --output results/repair.json",
        **settings(),
        "networks": sum(m.done for m in every),
        "runs": sum(m.tally.ran for m in every) / max(1, sum(m.done for m in every)),
        "seconds": round(sum(m.tally.seconds for m in every)),
        "versions": {name: version(name) for name in PACKAGES},
        "machine": {
            **describe_machine(), "threads": 1, "python": platform.python_version(),
        },
        "codecs": {
            codec: {kind: measured.to_plain() for kind, measured in sorted(kinds.items())}
            for codec, kinds in found.items()
        },
    }  # fmt: skip
    write_atomically(output, (json.dumps(results, indent=1) + "\n").encode())


def run(codecs: Sequence[str], kinds: Sequence[str], networks: int, output: Path) -> None:
    """Measures in turn, some of every codec and kind, until each has its number."""
    settings()
    real = Real(read_sample())
    found = held(output)
    drawings = {name: Drawing(load_codec(name), real) for name in codecs}
    started = time.monotonic()
    for goal in range(AT_ONCE, networks + AT_ONCE, AT_ONCE):
        for name, drawing in drawings.items():
            for kind in kinds:
                mine = found.setdefault(name, {}).setdefault(kind, Measured(digest_of(name)))
                left = min(goal, networks) - mine.done
                if left <= 0:
                    continue
                measure(drawing, kind, mine, left)
                write(output, found)
                say = f"{mine.tally.ran}/{mine.done} run, {time.monotonic() - started:.0f} s"
                print(f"{name} {kind}: {say}", flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--output", type=Path, default=ROOT / "results/repair.json")
    parser.add_argument("--codec", action="append", choices=CODECS, help="may be repeated")
    parser.add_argument("--kind", action="append", choices=KINDS, help="may be repeated")
    parser.add_argument("--networks", type=int, default=1000, help="of each codec and kind")
    parser.add_argument("--again", action="store_true", help="measure what is held anew")
    options = parser.parse_args()
    torch.set_num_threads(1)
    codecs, kinds = options.codec or CODECS, options.kind or KINDS
    if options.again:
        kept = held(options.output)
        for codec in codecs:
            for kind in kinds:
                kept.get(codec, {}).pop(kind, None)
        write(options.output, kept)
    try:
        run(codecs, kinds, options.networks, options.output)
    except KeyboardInterrupt:
        raise SystemExit("stopped: the output holds all but the last few") from None


if __name__ == "__main__":
    main()

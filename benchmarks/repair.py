"""Repair: do networks from vectors that nobody encoded run, and what does it take?

    python benchmarks/repair.py --count 40 --output results/repair.json    # 10 CPU minutes

For a codec of whole networks, three kinds of vectors: drawn from N(0, I) whole
(``sampled``), the smooth part of such draws decoded alone (``likeliest``), and those of
held-out networks with a tenth of their numbers drawn anew (``corrupted``). Each is decoded,
repaired, and judged by onnx.checker, ONNX Runtime and torch, forward and backward. A draft
that comes to no end is empty (``ended`` counts the others); repair makes the least network of
it. Nothing is left out for its size but what is too large to be tried, which is counted.
"""

from __future__ import annotations

import argparse
import json
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from pipeline.decode.codec import Draft, valid
from pipeline.decode.program_codec import ProgramCodec
from pipeline.decode.repair import repair
from pipeline.errors import ModelError
from pipeline.evaluate.intervals import share
from pipeline.evaluate.results import write_results
from pipeline.evaluate.runs import runs
from pipeline.evaluate.smoothness import MOST_TOKENS
from pipeline.progress import track
from pipeline.stages import find_codec, read_zoo

ROOT = Path(__file__).resolve().parent.parent
CORRUPTED = 0.1  # share of a vector's numbers that are drawn anew
SEED = 0


def main() -> None:
    """Parse the command line, measure, write."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--codec", default="zoo-vae")
    parser.add_argument("--count", type=int, default=200, help="vectors of each kind")
    parser.add_argument("--output", type=Path)
    args = parser.parse_args()
    codec = find_codec(ROOT, args.codec)
    random = np.random.default_rng(SEED)
    found = {
        kind: measure(drafts)
        for kind, drafts in make_drafts(codec, args.count, random).items()
    }
    results = {
        "codec": codec.name,
        "codec_digest": codec.digest,
        "count": args.count,
        "seed": SEED,
        **found,
    }
    print(json.dumps(write_results(args.output, results, {}), indent=1))


def make_drafts(
    codec: ProgramCodec, count: int, random: np.random.Generator
) -> dict[str, Sequence[Draft | None]]:
    """Kind -> ``count`` drafts."""
    drawn = random.standard_normal((count, codec.width)).astype(np.float16)
    networks, split, _ = read_zoo(ROOT)
    held_out = [n for f, n in sorted(networks.items()) if split.part_of(f) == "test"]
    chosen = [held_out[i] for i in random.permutation(len(held_out))[:count]]
    vectors = np.stack([code.vector for code in codec.encode(chosen)])
    anew = random.random(vectors.shape) < CORRUPTED
    vectors[anew] = random.standard_normal(vectors.shape)[anew].astype(np.float16)
    return {
        "sampled": codec.drafts(list(drawn), MOST_TOKENS),
        "likeliest": codec.likeliest(drawn[:, : codec.smooth].astype(float), MOST_TOKENS),
        "corrupted": codec.drafts(list(vectors), MOST_TOKENS),
    }


def measure(drafts: Sequence[Draft | None]) -> dict[str, Any]:
    """Drafts -> shares that ended, valid before repair, and running after it; edits, what
    failed."""
    edits, kept, ran = [], [], []
    failures: Counter[str] = Counter()
    before = [draft is not None and valid(draft) is not None for draft in drafts]
    for draft, is_valid in track(list(zip(drafts, before, strict=True)), "repair and run"):
        try:
            repaired = repair(draft or ())
        except ModelError as e:
            failures[e.reason] += 1
            ran.append(False)
            continue
        edits.append(0 if is_valid else len(repaired.edits))
        kept.append(sum(o >= 0 for o in repaired.origins) / max(1, len(draft or ())))
        reason = runs(repaired.network)
        ran.append(reason is None)
        if reason:
            failures[reason[:200]] += 1
    return {
        "ended": share([bool(draft) for draft in drafts]),
        "valid_before_repair": share(before),
        "run_after_repair": share(ran),
        "edits_median": float(np.median(edits)) if edits else None,
        "kept_median": float(np.median(kept)) if kept else None,
        "failures": dict(failures),
    }


if __name__ == "__main__":
    main()

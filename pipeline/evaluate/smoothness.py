"""What lies between networks, and around nothing: a codec's space."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from pipeline.decode.codec import Draft, accept_or_repair, valid
from pipeline.decode.program_codec import ProgramCodec
from pipeline.decode.repair import Repaired
from pipeline.decode.repair.check import NONSENSE
from pipeline.errors import ModelError
from pipeline.evaluate.intervals import share
from pipeline.evaluate.restoring import Restored
from pipeline.evaluate.runs import runs
from pipeline.progress import track

MOST_TOKENS = 768  # of a program written from a vector that no network has
REPAIRED = 12  # drafts that repair is tried on: it runs networks, which takes its time


def measure_halfway(
    codec: ProgramCodec,
    restored: Sequence[Restored],
    groups: Sequence[str],
    pairs: int,
    random: np.random.Generator,
) -> dict[str, Any]:
    """Half-way between the smooth parts of two networks of one group, and at a quarter: the
    likeliest network, and (``_unchecked``) what the decoder writes where nobody looks whether
    its lines fit one another."""
    means = [r.mean for r in restored]
    chosen = _pairs_within(groups, pairs, random)
    found: dict[str, Any] = {"halfway_pairs": len(chosen)}
    for name, weight in (("halfway", 0.5), ("quarter", 0.25)):
        middle = np.array([means[a] * (1 - weight) + means[b] * weight for a, b in chosen])
        drafts = codec.likeliest(middle, MOST_TOKENS) if chosen else []
        unchecked = codec.likeliest(middle, MOST_TOKENS, patience=None) if chosen else []
        found[f"{name}_valid"] = share([_is_valid(d) for d in drafts])
        found[f"{name}_valid_unchecked"] = share([_is_valid(d) for d in unchecked])
        if name == "halfway":
            sizes = [(len(restored[a].network), len(restored[b].network)) for a, b in chosen]
            found["halfway_size_between"] = share(
                [
                    d is not None and min(s) <= len(d) <= max(s)
                    for d, s in zip(drafts, sizes, strict=True)
                ]
            )
            found["halfway_edits_median"] = _median(_edits(d)[1] for d in drafts[:REPAIRED])
    return found


def _pairs_within(
    groups: Sequence[str], pairs: int, random: np.random.Generator
) -> list[tuple[int, int]]:
    members: dict[str, list[int]] = {}
    for place, group in enumerate(groups):
        members.setdefault(group, []).append(place)
    every = [(a, b) for found in members.values() for a in found for b in found if a < b]
    order = random.permutation(len(every))[:pairs]
    return [every[i] for i in order]


def measure_prior(
    codec: ProgramCodec, known: set[str], draws: int, run: int, random: np.random.Generator
) -> dict[str, Any]:
    """Draws from N(0, I): the likeliest network of each smooth part (``prior_``), and what
    the whole vector says, its exact part being random bits (``sampled_``); both also where
    nobody looks whether lines fit one another (``_unchecked``)."""
    if not draws:
        return {"prior_valid": share([]), "sampled_valid": share([])}
    vectors = random.standard_normal((draws, codec.width)).astype(np.float16)
    smooth = vectors[:, : codec.smooth].astype(np.float64)
    likeliest = codec.likeliest(smooth, MOST_TOKENS)
    sampled: list[Draft | None] = list(codec.drafts(list(vectors), MOST_TOKENS))
    unchecked: dict[str, Sequence[Draft | None]] = {
        "prior": codec.likeliest(smooth, MOST_TOKENS, patience=None),
        "sampled": codec.spelled(list(vectors), MOST_TOKENS),
    }
    found: dict[str, Any] = {
        f"{name}_valid_unchecked": share([_is_valid(d) for d in drafts])
        for name, drafts in unchecked.items()
    }
    for name, drafts in (("prior", likeliest), ("sampled", sampled)):
        found |= _describe(name, drafts, known, run if name == "prior" else 0)
    return found


def _describe(
    name: str, drafts: Sequence[Draft | None], known: set[str], run: int
) -> dict[str, Any]:
    repaired, edits = [], []
    for draft in track(drafts[:REPAIRED], f"repair, {name}"):
        network, count = _edits(draft)
        edits.append(count)
        repaired.append(network)
    there = [r.network for r in repaired if r is not None]
    prints = [network.fingerprint for network in there]
    ran = [runs(network) is None for network in track(there[:run], "run drawn networks")]
    return {
        f"{name}_valid": share([_is_valid(d) for d in drafts]),
        f"{name}_edits_median": _median(edits),
        f"{name}_kept": _mean(
            _kept(r, d) for r, d in zip(repaired, drafts, strict=False) if r and d
        ),
        f"{name}_unique": share([prints.index(p) == i for i, p in enumerate(prints)]),
        f"{name}_new": share([p not in known for p in prints]),
        f"{name}_vertices_median": _median(len(n) for n in there),
        f"{name}_runs": share(ran),
    }


def _edits(draft: Draft | None) -> tuple[Repaired | None, float]:
    """A draft -> it repaired and how many edits that took; none for a valid one."""
    if draft is None:
        return None, float("inf")
    try:
        repaired = accept_or_repair(draft)
    except (ModelError, *NONSENSE):  # a draft that repair cannot mend is counted as such
        return None, float("inf")
    return repaired, float(len(repaired.edits))


def _kept(repaired: Repaired, draft: Draft) -> float:
    """The share of the draft's vertices that are still there."""
    if not repaired.edits:
        return 1.0
    return sum(o >= 0 for o in repaired.origins) / max(1, len(draft))


def _is_valid(draft: Draft | None) -> bool:
    return valid(draft or ()) is not None


def _median(values: Any) -> float | None:
    found = sorted(values)
    middle = found[len(found) // 2] if found else None
    return None if middle is None or middle == float("inf") else float(middle)


def _mean(values: Any) -> float | None:
    found = list(values)
    return float(np.mean(found)) if found else None

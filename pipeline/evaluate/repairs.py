"""Repair, counted: what became of many drafts that no network gave."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from pipeline.decode.codec import Codec
from pipeline.decode.repair import Repaired, repair
from pipeline.errors import ModelError
from pipeline.evaluate.prior import Latents
from pipeline.evaluate.runs import runs
from pipeline.graph.network import INPUT, OUTPUT, Vertex
from pipeline.operators.registry import operator_of


@dataclass
class Tally:
    """Counts over many drafts: ``vertices`` of them, ``supported`` ones by operator, ``kept``
    in the networks, ``made``, of the networks; ``edits`` and ``shares_kept``, how many drafts
    had so many edits, and kept so many hundredths of their vertices; ``rules``, edits by
    rule."""

    networks: int = 0
    ran: int = 0
    vertices: int = 0
    supported: int = 0
    kept: int = 0
    made: int = 0
    edits: Counter[int] = field(default_factory=Counter)
    shares_kept: Counter[int] = field(default_factory=Counter)
    rules: Counter[str] = field(default_factory=Counter)
    seconds: float = 0.0

    def add(self, draft: Sequence[Vertex], repaired: Repaired | None, ran: bool) -> None:
        """Count one draft and what repair made of it; None: it failed."""
        self.networks += 1
        self.vertices += len(draft)
        self.supported += sum(is_supported(vertex) for vertex in draft)
        if repaired is None:
            return
        kept = vertices_kept(draft, repaired)
        self.ran += ran
        self.kept += kept
        self.made += len(repaired.network)
        self.edits[len(repaired.edits)] += 1
        self.shares_kept[round(100 * kept / len(draft))] += 1
        self.rules.update(edit.rule for edit in repaired.edits)

    def summary(self) -> dict[str, Any]:
        """What is reported of the counts."""
        return {
            "networks": self.networks,
            "runs": self.ran / max(1, self.networks),
            "untouched": self.edits[0],
            "edits_median": quantile(self.edits, 0.5),
            "edits_p95": quantile(self.edits, 0.95),
            "edits_per_vertex": _rounded(sum(k * n for k, n in self.edits.items()), self),
            "vertices_supported": _rounded(self.supported, self),
            "vertices_kept": _rounded(self.kept, self),
            "vertices_kept_median": quantile(self.shares_kept, 0.5) / 100,
        }

    def to_plain(self) -> dict[str, Any]:
        """As JSON holds it."""
        counted = {
            name: {str(key): n for key, n in sorted(counts.items())}
            for name, counts in (("edits", self.edits), ("shares_kept", self.shares_kept))
        }
        rules = dict(self.rules.most_common())
        return {**vars(self), **counted, "rules": rules, "seconds": round(self.seconds, 2)}

    @classmethod
    def from_plain(cls, plain: dict[str, Any]) -> Tally:
        """The inverse of :meth:`to_plain`."""
        counted = {
            name: Counter({int(key): n for key, n in plain[name].items()})
            for name in ("edits", "shares_kept")
        }
        return cls(**{**plain, **counted, "rules": Counter(plain["rules"])})


def vertices_kept(draft: Sequence[Vertex], repaired: Repaired) -> int:
    """How many vertices of a draft are in the network, with the operator they had."""
    made = zip(repaired.network.vertices, repaired.origins, strict=True)
    return sum(o >= 0 and draft[o].operator == vertex.operator for vertex, o in made)


def is_supported(vertex: Vertex) -> bool:
    """Whether there is such an operator in networks that run."""
    return vertex.operator in (INPUT, OUTPUT) or operator_of(vertex.operator) is not None


def try_latents(
    codec: Codec, latents: Latents, image: Vertex, tallies: Sequence[Tally]
) -> str | None:
    """Vectors -> draft -> network -> whether it runs, counted in every tally given; why it
    does not, or None. ``image``: the Input of a draft that has none."""
    started = time.perf_counter()
    draft = codec.draft(latents)
    try:
        repaired = repair(draft, image)
        reason = runs(repaired.network)
    except ModelError as e:
        repaired, reason = None, f"repair: {e.detail}"
    for tally in tallies:
        tally.add(draft, repaired, reason is None)
        tally.seconds += time.perf_counter() - started
    return reason


def quantile(counts: Counter[int], share: float) -> int:
    """The smallest value that this share of the counted ones does not exceed."""
    left = share * counts.total()
    for value in sorted(counts):
        left -= counts[value]
        if left <= 0:
            return value
    return 0


def _rounded(count: int, tally: Tally) -> float:
    return round(count / max(1, tally.vertices), 4)

"""What repair hands back: the network, and every change with its rule and its reason."""

from __future__ import annotations

from dataclasses import dataclass

from pipeline.graph.network import Network


@dataclass(frozen=True, slots=True)
class Edit:
    """One change: the rule that made it, the vertex of the draft it concerns, the reason."""

    rule: str
    vertex: int
    reason: str


@dataclass(frozen=True)
class Repaired:
    """A valid network, and what it took. ``origins``: which vertex of the draft each vertex
    of the network was, -1 for one that was put in."""

    network: Network
    edits: tuple[Edit, ...] = ()
    origins: tuple[int, ...] = ()

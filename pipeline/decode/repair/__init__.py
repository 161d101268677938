"""Repair: whatever vertices a decoder gives -> a valid network that runs and trains.

Rules act on the graph first (:mod:`~pipeline.decode.repair.graph`, ``operands``), then vertex
by vertex in order on shapes (:mod:`~pipeline.decode.repair.rules`), each only where the check
objects. The network is then tried out, and the vertex where finite numbers end is guarded
(:mod:`~pipeline.decode.repair.finite`). Each rule is one function, and what it changed and why
is an :class:`Edit`. Where no rule helps, a vertex is bypassed. A valid network is not touched.
"""

from pipeline.decode.repair.graph import Edit, Repaired
from pipeline.decode.repair.repair import repair

__all__ = ["Edit", "Repaired", "repair"]

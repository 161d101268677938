"""Repair: whatever vertices a decoder gives -> a valid network that runs and trains.

Rules act on the graph first (:mod:`~pipeline.decode.repair.graph`, ``arity``), then vertex by
vertex in order on shapes (:mod:`~pipeline.decode.repair.rules`), each only where the judge
objects, and at last on numbers and sizes. Each is one function, and what it changed and why is
an :class:`Edit`. Where no rule helps, a vertex is bypassed. A valid network is not touched.
"""

from pipeline.decode.repair.edits import Edit, Repaired
from pipeline.decode.repair.mending import repair

__all__ = ["Edit", "Repaired", "repair"]

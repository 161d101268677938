"""The rules that keep a changed network small enough to run."""

from __future__ import annotations

from dataclasses import dataclass, replace
from math import prod

from pipeline.decode.repair.check import Verdict
from pipeline.graph.network import INPUT, Vertex
from pipeline.operators.registry import operator_of

MAX_TENSOR = 2**24  # elements of one output, at batch size 1
MAX_LAYER, MAX_LAYER_WORK = 2**26, 4e9  # parameters and multiplications of one vertex
MAX_ELEMENTS, MAX_PARAMETERS, MAX_WORK = 2**28, 150_000_000, 6e10  # of a whole network
FREE = 4096  # elements that a vertex may make whatever has been spent
MAX_WIDTH, MAX_SIDE = 4096, 512  # of an Input that is brought down


@dataclass
class Budget:
    """What the vertices so far cost: elements, parameters, multiplications."""

    elements: int = 0
    parameters: int = 0
    work: int = 0

    def spend(self, verdict: Verdict) -> None:
        self.elements += elements_of(verdict)
        self.parameters += verdict.parameters
        self.work += verdict.work

    def excess(self, verdict: Verdict) -> float:
        """How many times larger a vertex is than what is left for it; 1 or less: it fits."""
        elements = elements_of(verdict)
        left = max(1, MAX_ELEMENTS - self.elements)
        return max(
            elements / MAX_TENSOR,
            elements / max(left, FREE),
            verdict.parameters / max(1, min(MAX_LAYER, MAX_PARAMETERS - self.parameters)),
            verdict.work / max(1, min(MAX_LAYER_WORK, MAX_WORK - self.work)),
        )


def elements_of(verdict: Verdict) -> int:
    return sum(tensor.elements for tensor in verdict.outputs)


def why_too_large(budget: Budget, verdict: Verdict) -> str | None:
    """Why there is no room for a vertex; None where there is."""
    if budget.excess(verdict) <= 1:
        return None
    return (
        f"{elements_of(verdict)} elements, {verdict.parameters} parameters and "
        f"{verdict.work} multiplications are too many"
    )


def with_fewer_channels(vertex: Vertex, excess: float) -> Vertex | None:
    """Rule: a layer that is too large has fewer channels; None where it has no number of them
    to lower."""
    operator = operator_of(vertex.operator)
    name = operator.width if operator else ""
    channels, group = vertex.get(name), vertex.get("group", 1)
    if not isinstance(channels, int) or not isinstance(group, int):
        return None
    fewer = int(channels / excess / 1.01) // group * group
    if fewer < 1:
        return None
    values = {**dict(vertex.attributes), name: fewer}
    return replace(vertex, attributes=tuple(sorted(values.items())))


def smaller_input(vertex: Vertex, default: Vertex) -> Vertex:
    """An Input of float32 and a size within reason: its own brought down, or the default."""
    shape = vertex.get("shape")
    if not isinstance(shape, tuple) or not 1 <= len(shape) <= 4:
        return default
    if not all(isinstance(size, int) and size > 0 for size in shape):
        return default
    first, *others = (int(size) for size in shape)
    fitted = (min(first, MAX_WIDTH), *(min(size, MAX_SIDE) for size in others))
    if prod(fitted) > MAX_TENSOR:
        return default
    return Vertex(INPUT, (("dtype", "float32"), ("shape", fitted)))

"""The rules that keep a changed network small enough to run."""

from __future__ import annotations

from dataclasses import dataclass, replace
from math import prod

from pipeline.decode.repair.case import Case, sorted_attributes
from pipeline.decode.repair.judge import Verdict
from pipeline.graph.network import INPUT, Vertex

MAX_TENSOR = 2**24  # elements of one output, at batch size 1
MAX_LAYER, MAX_LAYER_WORK = 2**26, 4e9  # parameters and multiplications of one vertex
MAX_ELEMENTS, MAX_PARAMETERS, MAX_WORK = 2**28, 150_000_000, 6e10  # of a whole network
FREE = 4096  # elements that a vertex may make whatever has been spent
MAX_WIDTH, MAX_SIDE = 4096, 512  # of an Input that is brought down
SUMMARY = {"Conv": "out_channels", "ConvTranspose": "out_channels", "Gemm": "out_features"}


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
    return sum(flow.elements for flow in verdict.outputs)


def why_too_large(budget: Budget, verdict: Verdict) -> str | None:
    """Why there is no room for a vertex; None where there is."""
    if budget.excess(verdict) <= 1:
        return None
    return (
        f"{elements_of(verdict)} elements, {verdict.parameters} parameters and "
        f"{verdict.work} multiplications are too many"
    )


def with_fewer_channels(case: Case, excess: float) -> Vertex | None:
    """Rule: a layer that is too large has fewer channels; None where it has no number of them
    to lower."""
    name = SUMMARY.get(case.operator, "")
    channels, group = case.vertex.get(name), case.vertex.get("group", 1)
    if not isinstance(channels, int) or not isinstance(group, int):
        return None
    step = group if case.operator == "Conv" else 1
    fewer = int(channels / excess / 1.01) // step * step
    if fewer < 1:
        return None
    attributes = sorted_attributes({**case.values, name: fewer})
    return replace(case.vertex, attributes=attributes)


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

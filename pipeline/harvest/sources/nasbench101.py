"""NAS-Bench-101: cells of up to seven vertices and nine edges, three operators.

Source: https://arxiv.org/abs/1902.09635; the network around the cells, the width of each
vertex, the projections and the truncations are those of google-research/nasbench.
"""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from pipeline.harvest.blocks import conv_bn_relu, pool_and_classify
from pipeline.harvest.candidate import Candidate, Fetched
from pipeline.harvest.export import export_fetched
from pipeline.harvest.params import NasBench101
from pipeline.harvest.sources import versions_of

SCHEME = "nasbench101://"
IMAGE = 32  # pixels a side
VERTICES, EDGES = 7, 9  # at most, input and output counted
OPERATORS = ("conv1x1-bn-relu", "conv3x3-bn-relu", "maxpool3x3")


@dataclass(frozen=True, slots=True)
class Cell:
    """Vertex 0 is the input, the last the output; ``edges`` go from lower to higher."""

    edges: frozenset[tuple[int, int]]
    operators: tuple[int, ...]  # of the vertices between input and output

    @property
    def last(self) -> int:
        """The output's number."""
        return len(self.operators) + 1

    def sources(self, target: int) -> list[int]:
        """The vertices that feed ``target``, in order."""
        return [a for a in range(target) if (a, target) in self.edges]

    def spell(self) -> str:
        """``"01.02.12-2"``: edges, then operators; :func:`parse` reads it back."""
        edges = ".".join(f"{a}{b}" for a, b in sorted(self.edges))
        return f"{edges}-{''.join(map(str, self.operators))}"


def parse(spelling: str) -> Cell:
    """What :meth:`Cell.spell` wrote."""
    edges, _, operators = spelling.partition("-")
    pairs = frozenset((int(edge[0]), int(edge[1])) for edge in edges.split("."))
    return Cell(pairs, tuple(map(int, operators)))


def draw_cell(random_: random.Random) -> Cell | None:
    """A random cell without the vertices that are on no path; None if it is none."""
    pairs = [(a, b) for b in range(VERTICES) for a in range(b)]
    edges = {pair for pair in pairs if random_.random() < 0.5}
    operators = [random_.randrange(len(OPERATORS)) for _ in range(VERTICES - 2)]
    forward, backward = {0}, {VERTICES - 1}
    for a, b in sorted(edges):
        if a in forward:
            forward.add(b)
    for a, b in sorted(edges, key=lambda edge: -edge[1]):
        if b in backward:
            backward.add(a)
    kept = sorted(forward & backward)
    if not {0, VERTICES - 1} <= set(kept):
        return None
    number = {vertex: i for i, vertex in enumerate(kept)}
    used = frozenset((number[a], number[b]) for a, b in edges if a in number and b in number)
    return (
        Cell(used, tuple(operators[v - 1] for v in kept[1:-1])) if len(used) <= EDGES else None
    )


def vertex_channels(cell: Cell, channels_in: int, channels: int) -> list[int]:
    """The width of each vertex: those that are concatenated at the output share its width."""
    widths = [0] * (cell.last + 1)
    widths[0], widths[-1] = channels_in, channels
    concatenated = [v for v in cell.sources(cell.last) if v > 0]
    for rank, vertex in enumerate(concatenated):
        extra = rank < channels % len(concatenated)
        widths[vertex] = channels // len(concatenated) + int(extra)
    for vertex in range(cell.last - 1, 0, -1):
        if vertex not in concatenated:
            targets = [b for a, b in cell.edges if a == vertex and b < cell.last]
            widths[vertex] = max(widths[b] for b in targets)
    return widths


class CellModule(nn.Module):
    """One cell; the output is the concatenation of its sources plus the projected input."""

    def __init__(self, cell: Cell, channels_in: int, channels: int) -> None:
        super().__init__()
        self.cell = cell
        self.widths = vertex_channels(cell, channels_in, channels)
        projected = [b for a, b in sorted(cell.edges) if a == 0]
        self.projections = nn.ModuleDict(
            {str(b): conv_bn_relu(channels_in, self.widths[b], 1) for b in projected}
        )
        self.operators = nn.ModuleList(
            _operator(number, self.widths[vertex])
            for vertex, number in enumerate(cell.operators, 1)
        )

    def forward(self, value: Tensor) -> Tensor:
        values = [value]
        for vertex, operator in enumerate(self.operators, 1):
            values.append(operator(self._sum(values, self.cell.sources(vertex), vertex)))
        sources = self.cell.sources(self.cell.last)
        concatenated = [values[v] for v in sources if v > 0]
        if not concatenated:
            return self.projections[str(self.cell.last)](value)
        output = torch.cat(concatenated, 1) if len(concatenated) > 1 else concatenated[0]
        if 0 in sources:
            output = output + self.projections[str(self.cell.last)](value)
        return output

    def _sum(self, values: list[Tensor], sources: list[int], vertex: int) -> Tensor:
        terms = [self._fit(values, source, vertex) for source in sources]
        total = terms[0]
        for term in terms[1:]:
            total = total + term
        return total

    def _fit(self, values: list[Tensor], source: int, vertex: int) -> Tensor:
        """The input is projected to the vertex's width, an inner vertex is truncated to it."""
        if source == 0:
            return self.projections[str(vertex)](values[0])
        width = self.widths[vertex]
        return values[source] if self.widths[source] == width else values[source][:, :width]


def build(cell: Cell, cells: int, channels: int) -> nn.Sequential:
    """Stem, three stacks of ``cells`` cells, head: (batch, 3, 32, 32) -> (batch, 10)."""
    parts: list[nn.Module] = [conv_bn_relu(3, channels, 3)]
    channels_in = channels
    for stack in range(3):
        if stack:
            parts.append(nn.MaxPool2d(2))
            channels *= 2
        for _ in range(cells):
            parts.append(CellModule(cell, channels_in, channels))
            channels_in = channels
    return nn.Sequential(*parts, pool_and_classify(channels))


def list_candidates(params: NasBench101) -> Iterator[Candidate]:
    """``limit`` distinct cells drawn with ``seed``."""
    random_ = random.Random(params.seed)
    drawn: set[str] = set()
    while len(drawn) < params.limit:
        cell = draw_cell(random_)
        if cell is None or cell.spell() in drawn:
            continue
        drawn.add(cell.spell())
        yield Candidate(
            source="nasbench101",
            address=f"{SCHEME}n{params.cells}c{params.channels}/{cell.spell()}",
            name=f"nasbench101_{cell.spell()}",
            family="nasbench101",
            licence="MIT",
            version=versions_of("torch"),
        )


def fetch(candidate: Candidate, params: NasBench101) -> Fetched:
    """Build and export the network of one cell."""
    cell = parse(candidate.address.rpartition("/")[2])
    module = build(cell, params.cells, params.channels)
    return export_fetched(module, torch.zeros(1, 3, IMAGE, IMAGE))


def _operator(number: int, channels: int) -> nn.Module:
    if OPERATORS[number] == "maxpool3x3":
        return nn.MaxPool2d(3, 1, 1)
    return conv_bn_relu(
        channels, channels, 1 if OPERATORS[number].startswith("conv1x1") else 3
    )

"""The ENAS set: networks of six layers, as integer tensors and as attributed DAGs.

Source: the D-VAE authors' ``final_structures6.txt`` (github.com/muhanzhang/D-VAE, MIT).
A line is a network and its weight-sharing accuracy on CIFAR-10::

    [[1], [4, 0], [5, 0, 0], [0, 1, 1, 1], [2, 1, 1, 1, 1], [3, 0, 0, 0, 0, 1]], 0.7302

one list a layer: its operator, then one bit for each earlier vertex but the last, which is
always connected. As a graph, an input and an output vertex are added: 8 vertices of 8 types.
"""

import math
import random
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor

from pipeline.compress.fields import Group, Items
from pipeline.errors import DataError, ModelError
from pipeline.harvest.enas6 import LAYERS, OPERATORS, Row, parse_row

LINKS = 15  # 0 + 1 + 2 + 3 + 4 + 5: bit j of layer i is the edge from vertex j to vertex i
COUNT = OPERATORS**LAYERS * 2**LINKS  # cells of the space
VERTICES = LAYERS + 2
INPUT, OUTPUT, ABSENT = 0, 1, -1  # vertex types; operator k has type k + 2
BURN_IN = 1000
TRAIN_SHARE = 0.9
LINK_ENDS = tuple((j, i) for i in range(2, LAYERS + 1) for j in range(i - 1))


@dataclass(frozen=True)
class Cells:
    """ENAS networks, one a row.

    Links stand in the file's order: layer 2's bit, layer 3's two bits, ...; bit j of layer i
    is the edge from vertex j (0 is the input) to that layer.
    """

    operations: Tensor  # (n, 6) int64 in 0..5
    links: Tensor  # (n, 15) int64 in 0..1

    def __len__(self) -> int:
        return len(self.operations)

    def __getitem__(self, rows: Tensor | slice) -> "Cells":
        return Cells(self.operations[rows], self.links[rows])


Labelled = tuple[Cells, Tensor]  # networks and their accuracies


@dataclass(frozen=True)
class Graphs:
    """DAGs of at most ``v`` vertices, as decoders that add vertices one by one make them."""

    types: Tensor  # (n, v) int64: 0 input, 1 output, 2.. operators, -1 no such vertex
    edges: Tensor  # (n, v, v) bool: edges[:, i, j] = an edge from vertex i to vertex j

    def __len__(self) -> int:
        return len(self.types)


def read_cells(path: Path | str) -> tuple[Cells, Tensor]:
    """The file at ``path`` -> its networks and their accuracies, (n,) float32 in 0..1.

    Raises DataError where the file is missing or a line is no ENAS network.
    """
    try:
        lines = Path(path).read_text(encoding="utf-8").splitlines()
    except OSError as e:
        raise DataError(f"{path}: the ENAS set cannot be read ({e.strerror})") from e
    rows = []
    for number, line in enumerate(lines, 1):
        try:
            rows.append(parse_row(line))
        except ModelError as e:
            raise DataError(f"{path}:{number}: {e.detail}") from e
    if not rows:
        raise DataError(f"{path}: empty")
    return of_rows(rows), torch.tensor([row.accuracy for row in rows])


def of_rows(rows: Sequence[Row]) -> Cells:
    """Rows of the set, one or more, as tensors."""
    links = [[bit for bits in row.skips for bit in bits] for row in rows]
    return Cells(torch.tensor([row.operators for row in rows]), torch.tensor(links).long())


def to_row(cell: Cells) -> Row:
    """One cell as a row of the set, its accuracy unknown."""
    bits = iter(cell.links[0].bool().tolist())
    skips = tuple(tuple(next(bits) for _ in range(layer)) for layer in range(LAYERS))
    return Row(tuple(cell.operations[0].tolist()), skips, math.nan)


def split(cells: Cells, accuracy: Tensor) -> tuple[Labelled, Labelled]:
    """The original's split: without the first 1,000 rows, shuffled by seed 0, 90 % train."""
    order = list(range(BURN_IN, len(cells)))
    random.Random(0).shuffle(order)
    cut = int(len(order) * TRAIN_SHARE)
    train, test = torch.tensor(order[:cut]), torch.tensor(order[cut:])
    return (cells[train], accuracy[train]), (cells[test], accuracy[test])


def draw_cells(count: int, generator: torch.Generator) -> Cells:
    """``count`` networks drawn uniformly from the space of COUNT."""
    operations = torch.randint(OPERATORS, (count, LAYERS), generator=generator)
    return Cells(operations, torch.randint(2, (count, LINKS), generator=generator))


def same(a: Cells, b: Cells) -> Tensor:
    """(n,) bool: the networks that are equal, vertex by vertex and edge by edge."""
    return (a.operations == b.operations).all(1) & (a.links == b.links).all(1)


def numbers(cells: Cells) -> Tensor:
    """(n,) int64: one number a network, different for different networks."""
    sixes = OPERATORS ** torch.arange(LAYERS)
    return (cells.operations * sixes).sum(1) * 2**LINKS + (
        cells.links << torch.arange(LINKS)
    ).sum(1)


def of_number(number: int) -> Cells:
    """The one cell of a number in 0..COUNT - 1; :func:`numbers` gives it back."""
    operations, links = divmod(number, 2**LINKS)
    return Cells(
        torch.tensor([[operations // OPERATORS**i % OPERATORS for i in range(LAYERS)]]),
        torch.tensor([[links >> i & 1 for i in range(LINKS)]]),
    )


def to_graphs(cells: Cells) -> Graphs:
    """Cells -> the same networks as DAGs of 8 vertices, chain edges and all."""
    n = len(cells)
    types = torch.full((n, VERTICES), INPUT)
    types[:, 1:-1], types[:, -1] = cells.operations + 2, OUTPUT
    edges = torch.zeros(n, VERTICES, VERTICES, dtype=torch.bool)
    chain = torch.arange(VERTICES - 1)
    edges[:, chain, chain + 1] = True
    sources, targets = torch.tensor(LINK_ENDS).T
    edges[:, sources, targets] = cells.links.bool()
    return Graphs(types, edges)


def is_valid(graphs: Graphs, exact_size: bool = True) -> Tensor:
    """(n,) bool: D-VAE's test of an ENAS network, vertices being in topological order.

    Valid: vertex 0 is the one input, the last vertex the one output and it reads the last
    layer alone, no dangling vertex, every i -> i+1 edge. The original does not look at the
    number of vertices (``exact_size=False``); an ENAS network has eight.
    """
    types, edges = graphs.types, graphs.edges
    present = types != ABSENT
    size = present.sum(1)
    place = torch.arange(types.shape[1])
    last = place == (size - 1)[:, None]  # (n, v)
    good = (present == (place < size[:, None])).all(1) & (size >= 2)
    good &= ((types == INPUT) == (place == 0)).all(1) & ((types == OUTPUT) == last).all(1)
    good &= ~torch.tril(edges).any((1, 2))
    chained = edges[:, place[:-1], place[1:]] | (place[1:] >= size[:, None])
    indegree = (edges & present[:, :, None]).sum(1)
    good &= chained.all(1) & ((indegree == 1) | ~last).all(1)
    return good & (size == VERTICES) if exact_size else good


def mend(graphs: Graphs) -> Graphs:
    """The same number of valid graphs; those that are valid already stay as they are.

    Eight vertices: the input, six layers (of the first operator where there is none), the
    output, which reads the last layer alone; edges go forward, every i -> i+1 among them.
    """
    types, edges = _of_size(graphs.types, 1, ABSENT), _of_size(graphs.edges, 2, False)
    good = is_valid(graphs)
    place = torch.arange(VERTICES)
    layers = types[:, 1:-1].clamp(min=OUTPUT + 1)
    ends = [torch.full((len(types), 1), end) for end in (INPUT, OUTPUT)]
    mended = edges.triu(1)
    mended[:, :-1, -1] = False
    mended[:, place[:-1], place[1:]] = True
    return Graphs(
        torch.where(good[:, None], types, torch.cat([ends[0], layers, ends[1]], 1)),
        torch.where(good[:, None, None], edges, mended),
    )


def _of_size(values: Tensor, dims: int, fill: int | bool) -> Tensor:
    """Cut or filled up to eight vertices along the last ``dims`` dimensions."""
    for dim in range(-dims, 0):
        values = values.narrow(dim, 0, min(values.shape[dim], VERTICES))
        missing = list(values.shape)
        missing[dim] = VERTICES - values.shape[dim]
        values = torch.cat([values, values.new_full(missing, fill)], dim)
    return values


def to_cells(graphs: Graphs) -> Cells:
    """Graphs, every one of them valid with eight vertices -> the same networks as cells."""
    sources, targets = torch.tensor(LINK_ENDS).T
    return Cells(graphs.types[:, 1 : LAYERS + 1] - 2, graphs.edges[:, sources, targets].long())


# The proposed models' view: structure and operations apart, a vector a graph. A dimension of
# structure is what one layer (the first: two layers) reads, one of operations three layers.
GROUPS = (
    Group(
        "structure",
        (2,) * LINKS,
        4,
        ((0, 1, 2), (3, 4, 5), (6, 7, 8, 9), tuple(range(10, 15))),
    ),
    Group("operations", (OPERATORS,) * LAYERS, 2, ((0, 1, 2), (3, 4, 5))),
)


def to_items(cells: Cells) -> Items:
    """Cells -> the fields of the groups structure and operations."""
    return {"structure": cells.links, "operations": cells.operations}


def from_items(items: Items) -> Cells:
    """The fields of the groups structure and operations -> cells."""
    return Cells(items["operations"], items["structure"])

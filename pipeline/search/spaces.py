"""The spaces whose every network somebody trained: NAS-Bench-201, NAS-Bench-Macro, ENAS."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from itertools import product

import numpy as np

from pipeline.errors import DataError, InvalidNetwork, ModelError
from pipeline.harvest import enas6, nasbench201
from pipeline.harvest.candidate import Fetched
from pipeline.harvest.download import Downloads
from pipeline.harvest.labels import Measurement, label_source
from pipeline.harvest.labels.nasbench201 import GIVEN
from pipeline.harvest.sources import enas6 as enas6_source
from pipeline.harvest.sources import nasbench201 as nasbench201_source
from pipeline.harvest.sources import nasbench_macro as macro_source
from pipeline.search.space import Space, Table

CELLS, CHANNELS = 5, 16  # of a stage, of the first: NAS-Bench-201's own
ENAS_CHANNELS = 36
ENAS_NEAREST = 24  # neighbours of a row: few rows differ at one place alone


def nasbench201_space() -> Space:
    """All 15,625 cells: an operator on each of six edges."""
    edges, operators = nasbench201.EDGES, nasbench201.OPERATORS
    numbers = np.arange(nasbench201.CELLS)
    choices = np.stack([numbers // len(operators) ** i for i in range(len(edges))], axis=1)

    def assemble(point: int) -> Fetched:
        cell = nasbench201.cell_of(point)
        if not cell:
            raise InvalidNetwork("no_path", "nothing leads from its input to its output")
        return nasbench201_source.assemble(cell, CELLS, CHANNELS)

    return Space("nasbench201", choices % len(operators), nasbench201.address_of, assemble)


def nasbench_macro_space() -> Space:
    """All 6,561 networks of eight blocks of three kinds."""
    blocks = sorted(macro_source.BLOCKS)
    spelled = ["".join(each) for each in product(blocks, repeat=sum(macro_source.STAGES))]
    return Space(
        "nasbench_macro",
        np.array([[blocks.index(block) for block in each] for each in spelled]),
        lambda point: macro_source.SCHEME + spelled[point],
        lambda point: macro_source.assemble(spelled[point]),
    )


def enas6_space(downloads: Downloads) -> Space:
    """The set's 20,020 rows: operators of six layers, and 15 skips, each there or not."""
    lines = downloads.read(enas6.ROWS).decode().splitlines()
    rows = [enas6.parse_row(line) for line in lines]
    choices = [[*row.operators, *(bit for bits in row.skips for bit in bits)] for row in rows]
    return Space(
        "enas6",
        np.array(choices, dtype=int),
        lambda point: f"{enas6_source.SCHEME}c{ENAS_CHANNELS}/{point:05d}",
        lambda point: enas6_source.assemble(rows[point], ENAS_CHANNELS),
        ENAS_NEAREST,
    )


SPACES = ("nasbench201", "nasbench_macro", "enas6")


def load_space(name: str, downloads: Downloads | None = None) -> Space:
    """A space by name; ``downloads``: where the rows of enas6 are, or go.

    Raises DataError, listing the known ones, for another name; what Downloads raises.
    """
    if name == "enas6" and downloads:
        return enas6_space(downloads)
    if name == "enas6":
        raise DataError("enas6: say where its rows are: Downloads(folder)")
    made = {"nasbench201": nasbench201_space, "nasbench_macro": nasbench_macro_space}
    if name not in made:
        raise DataError(f"no space is named {name!r}; known are: {', '.join(SPACES)}")
    return made[name]()


def load_table(name: str, downloads: Downloads) -> Table:
    """A space with its accuracies on CIFAR-10.

    NAS-Bench-201: searched by validation after 12 epochs, reported on the test images after
    200. The others have one accuracy, of the test images (NAS-Bench-Macro the mean of three
    trainings), for both. Raises DataError or ModelError where the accuracies cannot be had.
    """
    space = load_space(name, downloads)
    if name == "nasbench201" and downloads.find(GIVEN) is None:
        raise ModelError(
            "absent",
            "its accuracies after 12 epochs are published only in formats that run code when "
            "they are opened: give a copy as text (docs/search.md says which)",
            GIVEN.file,
        )
    measured = list(label_source(name).read_labels(downloads))
    if name == "nasbench201":
        searched = _values(space, measured, "top1_valid", 12)
        return Table(space, searched, _values(space, measured, "top1", 200))
    accuracies = _values(space, measured, "top1", None)
    return Table(space, accuracies, accuracies)


def _values(
    space: Space, measured: list[Measurement], metric: str, epochs: int | None
) -> np.ndarray:
    """(points,): the mean of the measurements of each point; not a number without any."""
    found: dict[str, list[float]] = defaultdict(list)
    for row in measured:
        if (row.data_set, row.metric, row.epochs) == ("cifar10", metric, epochs):
            found[row.address].append(row.value)
    return np.array(list(_means(space, found)))


def _means(space: Space, found: dict[str, list[float]]) -> Iterator[float]:
    for point in range(len(space)):
        values = found.get(space.spell(point), [])
        yield float(np.mean(values)) if values else np.nan

"""Networks <-> the rows of fields that the zoo's codecs compress: three groups a vertex.

Structure (4 numbers a vertex), operation (2) and attributes (8) are compressed apart, each in
its own latent space, as the paper does it.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache

import torch

from pipeline.compress.attributes import ATTRIBUTES, OTHER, Vocabulary, operator_names
from pipeline.compress.fields import Group, Items
from pipeline.compress.structure import STRUCTURE, read_structure, sources_of, structure_rows
from pipeline.graph.network import Attributes, Network, Operand, Vertex
from pipeline.operators.registry import operator_of
from pipeline.operators.schema import position_of


@lru_cache(maxsize=1)
def operators() -> dict[str, int]:
    """Operator -> its class."""
    return {name: index for index, name in enumerate(operator_names())}


def groups() -> tuple[Group, Group, Group]:
    """The three groups of fields of a vertex."""
    return STRUCTURE, Group("operation", (len(operators()),), 2), ATTRIBUTES


def to_items(network: Network, vocabulary: Vocabulary) -> Items:
    """A network -> its rows, group name -> LongTensor (vertices, fields).

    A vertex that does not fit has a row of zeros there: what that loses is in the patch.
    """
    vertices = network.vertices
    structure = structure_rows([v.operator for v in vertices], sources_of(vertices))
    classes = operators()
    attributes = [vocabulary.to_row(v) for v in vertices]
    return {
        "structure": _tensor(structure, len(STRUCTURE.cardinalities)),
        "operation": torch.tensor([[classes.get(v.operator, 0)] for v in vertices]),
        "attributes": _tensor(attributes, len(ATTRIBUTES.cardinalities)),
    }


def to_draft(items: Items, vocabulary: Vocabulary) -> list[Vertex]:
    """Rows -> vertices. Any rows give some; whether they make a network, repair says."""
    names = operator_names()
    kinds = [names[row[0]] for row in items["operation"].tolist()]
    sources = read_structure(items["structure"].tolist())
    draft = []
    for operator, row, operands in zip(
        kinds, items["attributes"].tolist(), sources, strict=True
    ):
        attributes = vocabulary.from_row(operator, row)
        places = free_positions(operator, attributes, len(operands))
        placed = (Operand(v, s, p) for (v, s), p in zip(operands, places, strict=True))
        draft.append(Vertex(operator, attributes, tuple(placed)))
    return draft


def free_positions(operator: str, attributes: Attributes, count: int) -> list[int]:
    """The lowest input positions that no constant and no spelled parameter fills."""
    if operator_of(operator) is None and operator in (OTHER, "Input", "Output"):
        return list(range(count))
    taken = {position_of(operator, name.partition(".")[0]) for name, _ in attributes}
    free: list[int] = []
    position = 0
    while len(free) < count:
        if position not in taken:
            free.append(position)
        position += 1
    return free


def _tensor(rows: Sequence[Sequence[int] | None], fields: int) -> torch.Tensor:
    empty = (0,) * fields
    return torch.tensor([empty if row is None else row for row in rows], dtype=torch.long)

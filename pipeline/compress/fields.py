"""What the proposed models compress: groups of categorical fields, a latent space each.

A batch of items is a dictionary, group name -> LongTensor (n, fields). Value -1 says that a
field does not apply to an item: it is fed as a symbol of its own and left out of the loss.
"""

from dataclasses import dataclass
from itertools import chain

import torch
from torch import Tensor

NOT_APPLICABLE = -1
Items = dict[str, Tensor]
Latents = dict[str, Tensor]


@dataclass(frozen=True)
class Group:
    """Fields that share one latent space.

    ``cardinalities``: the number of classes of each field; ``dimensions``: of the latent
    space; ``blocks``: which fields each latent dimension carries (the dimensions are shared
    out evenly among the blocks). Fields of different blocks never meet inside a model, so it
    restores every item whose blocks it has seen, in whatever combination. None: one block.
    """

    name: str
    cardinalities: tuple[int, ...]
    dimensions: int
    blocks: tuple[tuple[int, ...], ...] | None = None

    def __post_init__(self) -> None:
        if not self.name.isidentifier():
            raise ValueError(f"group {self.name!r}: a name is letters, digits and _")
        if not self.cardinalities or min(self.cardinalities) < 1 or self.dimensions < 1:
            raise ValueError(f"group {self.name}: needs fields of classes and dimensions")
        carried = sorted(chain.from_iterable(self.parts))
        if carried != list(range(len(self.cardinalities))) or not all(self.parts):
            raise ValueError(f"group {self.name}: blocks must hold every field exactly once")
        if self.dimensions % len(self.parts):
            raise ValueError(
                f"group {self.name}: {self.dimensions} dimensions cannot be shared out among "
                f"{len(self.parts)} blocks"
            )

    @property
    def parts(self) -> tuple[tuple[int, ...], ...]:
        """The blocks, or the one block of all fields."""
        return self.blocks or (tuple(range(len(self.cardinalities))),)


@dataclass(frozen=True)
class Symbols:
    """Fields as numbers of one alphabet: 0 is padding, then each field's -1, 0, 1, ..."""

    offsets: Tensor  # (fields,) the symbol of each field's class 0
    places: Tensor  # (blocks, most fields a block) which field stands there; ``fields`` = none
    size: int


def symbols(group: Group) -> Symbols:
    """How the fields of ``group`` are numbered, and where each stands in its block."""
    sizes = torch.tensor([0, *group.cardinalities[:-1]]) + 1
    width = max(map(len, group.parts))
    nowhere = len(group.cardinalities)
    places = [[*part, *[nowhere] * (width - len(part))] for part in group.parts]
    size = 1 + sum(group.cardinalities) + len(group.cardinalities)
    return Symbols(torch.cumsum(sizes, 0) + 1, torch.tensor(places), size)


@dataclass(frozen=True)
class Bucket:
    """Fields of equal cardinality, whose logits stand side by side."""

    fields: tuple[int, ...]
    classes: int
    start: int  # of their logits in a row of all logits

    @property
    def stop(self) -> int:
        return self.start + len(self.fields) * self.classes


def buckets(group: Group) -> tuple[Bucket, ...]:
    """The group's fields by cardinality: a few wide operations instead of one a field."""
    found, start = [], 0
    for classes in sorted(set(group.cardinalities)):
        fields = tuple(i for i, c in enumerate(group.cardinalities) if c == classes)
        found.append(Bucket(fields, classes, start))
        start = found[-1].stop
    return tuple(found)


def take(items: Items, rows: Tensor | slice) -> Items:
    """The given rows of every group."""
    return {name: values[rows] for name, values in items.items()}


def count(items: Items | Latents) -> int:
    """The number of items in a batch."""
    return len(next(iter(items.values())))


def exact(a: Items, b: Items) -> Tensor:
    """(n,) bool: items whose applicable fields (those of ``a``) are all equal in ``b``."""
    groups = (((a[g] == b[g]) | (a[g] == NOT_APPLICABLE)).all(1) for g in a)
    return torch.stack(list(groups)).all(0)

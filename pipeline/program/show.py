"""A network as the text of ``nn2vec show``: its program, folded, with what it costs."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import accumulate, chain
from typing import Any

from pipeline.graph.network import Network
from pipeline.operators.macs import layer_macs
from pipeline.operators.shapes import infer_layers
from pipeline.operators.sharing import trained_parameters
from pipeline.program.fold import Block, Item, Line, fold, names
from pipeline.program.phrase import count_text, shape_text
from pipeline.program.widths import own_width

BETWEEN = " · "
COLUMNS = ("output", "parameters", "MACs")


@dataclass(frozen=True)
class Costs:
    """What every vertex gives and needs; sums over vertices ``start`` to ``stop``."""

    shapes: tuple[tuple[int, ...], ...]
    _parameters: tuple[int, ...] = field(repr=False)
    _macs: tuple[int, ...] = field(repr=False)

    @classmethod
    def of(cls, network: Network) -> Costs:
        """Raises InvalidNetwork where shapes disagree."""
        layers = infer_layers(network)
        return cls(
            tuple(layer.outputs[0].shape[1:] for layer in layers),
            tuple(accumulate(trained_parameters(layers), initial=0)),
            tuple(accumulate(map(layer_macs, layers), initial=0)),
        )

    def parameters(self, item: Item) -> int:
        """Numbers that are learned, of all times a block is said."""
        return self._parameters[item.stop] - self._parameters[item.start]

    def macs(self, item: Item) -> int:
        """Multiply-accumulates of one image, of all times a block is said."""
        return self._macs[item.stop] - self._macs[item.start]

    def texts(self, item: Item) -> tuple[str, str, str]:
        """Output shape, parameters and multiply-accumulates as people read them."""
        parameters, macs = self.parameters(item), self.macs(item)
        return (
            shape_text(self.shapes[item.stop - 1]),
            count_text(parameters) if parameters else "",
            count_text(macs) if macs else "",
        )

    @property
    def total(self) -> dict[str, int]:
        return {"parameters": self._parameters[-1], "macs": self._macs[-1]}


@dataclass(frozen=True)
class Row:
    """One line of the text: what it says, how deep it stands, what it stands for. A row that
    ``opens`` a block has the rows of the block, one deeper, after it."""

    item: Item
    depth: int
    phrases: tuple[str, ...] = ()
    name: str = ""
    opens: bool = False

    @property
    def times(self) -> int:
        return self.item.times if isinstance(self.item, Block) else 1

    @property
    def header(self) -> str:
        """The block's name and how often it is said: ``A 2 times``."""
        times = f"{self.times} times" if self.times > 1 else ""
        return f"{self.name} {times}".strip()

    @property
    def text(self) -> str:
        if self.opens:
            return f"{self.header}:"
        said = BETWEEN.join(self.phrases)
        return f"{self.header}: {said}" if said and self.header else said or self.header


def rows(items: Sequence[Item]) -> list[Row]:
    """The program folded -> the lines that say it; a block is written where it is first said,
    later its name alone."""
    return list(_rows(items, names(items), set(), 0))


def _rows(
    items: Sequence[Item], named: dict[object, str], said: set[object], depth: int
) -> Iterator[Row]:
    for item in items:
        if isinstance(item, Line):
            yield Row(item, depth, item.phrases)
            continue
        name = named.get(item.body, "")
        if name and item.body in said:
            yield Row(item, depth, name=name)
        elif len(item.items) == 1 and isinstance(only := item.items[0], Line):
            yield Row(item, depth, only.phrases)
        else:
            header = Row(item, depth, name=name, opens=True)
            inner = depth
            if header.header:
                inner += 1
                yield header
            said.add(item.body)
            yield from _rows(item.items, named, said, inner)


def to_text(network: Network, shapes: bool = False) -> str:
    """The program as people read it: its lines, the widths that layers were given and, with
    ``shapes``, output shape, parameters and multiply-accumulates of each line."""
    found = rows(fold(network))
    head = ["", "width"]
    costs = Costs.of(network) if shapes else None
    notes: list[tuple[str, ...]]
    if costs:
        head = ["", *COLUMNS]
        notes = [costs.texts(row.item) for row in found]
    else:
        notes = [(_width(network, row.item),) for row in found]
    table = [head, *([_indented(r), *n] for r, n in zip(found, notes, strict=True))]
    lines = _aligned(table)
    return "\n".join([*lines, "", summary(network, costs)])


def summary(network: Network, costs: Costs | None) -> str:
    """How large a network and its program are and, with its costs, what it costs in all."""
    said = f"{len(network)} vertices, {len(network.program)} lines of program"
    if costs:
        total = costs.total
        said += f", {count_text(total['parameters'])} parameters"
        said += f", {count_text(total['macs'])} MACs"
    return said


def to_dict(network: Network, shapes: bool = False) -> dict[str, Any]:
    """The same as one JSON object."""
    costs = Costs.of(network) if shapes else None
    plain: dict[str, Any] = {
        "fingerprint": network.fingerprint,
        "vertices": len(network),
        "instructions": len(network.program),
        "program": [_plain(item, costs) for item in fold(network)],
    }
    return plain | (costs.total if costs else {})


def _plain(item: Item, costs: Costs | None) -> dict[str, Any]:
    plain: dict[str, Any] = {"start": item.start, "stop": item.stop}
    if isinstance(item, Line):
        plain["instructions"] = list(item.phrases)
    else:
        plain |= {"times": item.times, "items": [_plain(i, costs) for i in item.items]}
    if costs:
        shape = costs.shapes[item.stop - 1]
        plain |= {"output_shape": list(shape), "parameters": costs.parameters(item)}
        plain["macs"] = costs.macs(item)
    return plain


def _indented(row: Row) -> str:
    return "  " * row.depth + row.text


def _width(network: Network, item: Item) -> str:
    """The width that the line's layer was given, as a number."""
    if isinstance(item, Block):
        return ""
    attributes = chain(dict(v.attributes) for v in network.vertices[item.start : item.stop])
    widths = [w for found in attributes if (w := own_width(found)) is not None]
    return str(widths[-1]) if widths else ""


def _aligned(table: Sequence[Sequence[str]]) -> Iterator[str]:
    """Columns under one another, numbers to the right."""
    columns = [max(map(len, column)) for column in zip(*table, strict=True)]
    for first, *others in table:
        cells = [text.rjust(w) for text, w in zip(others, columns[1:], strict=True)]
        yield "  ".join([first.ljust(columns[0]), *cells]).rstrip()

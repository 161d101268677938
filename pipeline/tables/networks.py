"""Networks -> rows of nodes, edges and attributes, whole columns at a time and exact.

The way back is :mod:`pipeline.tables.read_networks`.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

import numpy as np
import pyarrow as pa

from pipeline.graph.network import Network, Shape, Value
from pipeline.tables.columns import SHAPE
from pipeline.tables.tables import VALUE_KINDS, table_of

SCALARS = {int: 0, float: 1, str: 2}
FIRST_TUPLE = 3  # in VALUE_KINDS, tuples follow the scalars, in the same order


@dataclass
class _Columns:
    """The columns of many networks under construction."""

    fingerprints: list[str] = field(default_factory=list)
    sizes: list[tuple[int, int, int]] = field(default_factory=list)
    operators: list[str] = field(default_factory=list)
    shapes: list[Shape] = field(default_factory=list)
    edges: list[tuple[int, int, int, int]] = field(default_factory=list)
    owners: list[int] = field(default_factory=list)
    names: list[str] = field(default_factory=list)
    kinds: list[int] = field(default_factory=list)
    values: tuple[list[Value], ...] = field(
        default_factory=lambda: tuple([] for _ in VALUE_KINDS)
    )


def network_rows(network: Network, shapes: Sequence[Shape]) -> dict[str, pa.Table]:
    """One network -> its rows in the tables nodes, edges and attributes.

    ``shapes``: the shape of every vertex's first output, in the order of the vertices.
    """
    return networks_rows([(network, shapes)])


def networks_rows(networks: Iterable[tuple[Network, Sequence[Shape]]]) -> dict[str, pa.Table]:
    """Networks with their shapes -> their rows in nodes, edges and attributes.

    Raises ValueError for a network without a shape for each vertex, or with an attribute that
    is no int, float, str or tuple of one of them.
    """
    columns = _Columns()
    for network, shapes in networks:
        _append(columns, network, shapes)
    nodes, edges, attributes = np.array(columns.sizes, np.int64).reshape(-1, 3).T
    return {
        "nodes": _node_rows(columns, nodes),
        "edges": _edge_rows(columns, edges),
        "attributes": _attribute_rows(columns, attributes),
    }


def _append(columns: _Columns, network: Network, shapes: Sequence[Shape]) -> None:
    if len(shapes) != len(network):
        raise ValueError(f"{len(network)} vertices need as many shapes, not {len(shapes)}")
    edges, names = len(columns.edges), len(columns.names)
    for index, vertex in enumerate(network.vertices):
        columns.operators.append(vertex.operator)
        columns.edges += [(index, o.position, o.source, o.output) for o in vertex.operands]
        for name, value in vertex.attributes:
            kind = _kind(name, value)
            columns.owners.append(index)
            columns.names.append(name)
            columns.kinds.append(kind)
            columns.values[kind].append(value)
    columns.shapes += shapes
    columns.fingerprints.append(network.fingerprint)
    columns.sizes.append(
        (len(network), len(columns.edges) - edges, len(columns.names) - names)
    )


def _kind(name: str, value: Value) -> int:
    """Place of the value's column in VALUE_KINDS. An empty tuple stands among the ints."""
    if type(value) is not tuple:
        kind = SCALARS.get(type(value))
    elif not value:
        return FIRST_TUPLE
    else:
        kinds = {SCALARS.get(type(element)) for element in value}
        kind = kinds.pop() if len(kinds) == 1 else None
        kind = None if kind is None else kind + FIRST_TUPLE
    if kind is None:
        raise ValueError(f"attribute {name}: {value!r} has no column")
    return kind


def _fingerprints(columns: _Columns, counts: np.ndarray) -> pa.Array:
    """Every network's fingerprint, as often as it has rows."""
    rows = np.repeat(np.arange(len(counts)), counts)
    return pa.array(columns.fingerprints, pa.string()).take(pa.array(rows))


def _node_rows(columns: _Columns, counts: np.ndarray) -> pa.Table:
    first = np.repeat(np.cumsum(counts) - counts, counts)
    return pa.table(
        [
            _fingerprints(columns, counts),
            pa.array((np.arange(len(first)) - first).astype(np.int32)),
            pa.array(columns.operators, pa.string()),
            pa.array(columns.shapes, SHAPE),
        ],
        schema=table_of("nodes").schema(),
    )


def _edge_rows(columns: _Columns, counts: np.ndarray) -> pa.Table:
    numbers = np.array(columns.edges, np.int32).reshape(-1, 4).T
    return pa.table(
        [_fingerprints(columns, counts), *(pa.array(n) for n in numbers)],
        schema=table_of("edges").schema(),
    )


def _attribute_rows(columns: _Columns, counts: np.ndarray) -> pa.Table:
    schema = table_of("attributes").schema()
    kinds = np.array(columns.kinds, np.int8)
    typed = []
    for kind, name in enumerate(VALUE_KINDS):
        mine = kinds == kind
        places = pa.array(np.cumsum(mine) - 1, mask=~mine)  # null where another kind stands
        typed.append(pa.array(columns.values[kind], schema.field(name).type).take(places))
    return pa.table(
        [
            _fingerprints(columns, counts),
            pa.array(columns.owners, pa.int32()),
            pa.array(columns.names, pa.string()),
            *typed,
        ],
        schema=schema,
    )

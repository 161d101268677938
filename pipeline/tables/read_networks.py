"""Rows of nodes, edges and attributes -> networks, exactly as they were."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from pipeline.errors import DataError
from pipeline.graph.network import Attributes, Network, Operand, Vertex
from pipeline.tables.read import read_tables
from pipeline.tables.tables import VALUE_KINDS

GRAPH_TABLES = ("nodes", "edges", "attributes")
Span = tuple[int, int]


def network_of(nodes: pa.Table, edges: pa.Table, attributes: pa.Table) -> Network:
    """The rows of one network, each table sorted by its key -> the network, exactly."""
    spans = [(0, len(table)) for table in (nodes, edges, attributes)]
    return _network(*(_rows_of(nodes, edges, attributes)), *spans)


def read_networks(
    directory: Path | str, fingerprints: Iterable[str] | None = None
) -> Iterator[tuple[str, Network]]:
    """(fingerprint, network) for those asked for, in that order, or for all of a table set.

    Raises DataError for damaged tables and for a fingerprint that they do not hold.
    """
    try:
        yield from networks_in(read_tables(directory, GRAPH_TABLES), fingerprints)
    except KeyError as e:
        raise DataError(f"{directory}: holds no network {e.args[0]}") from e


def networks_in(
    tables: Mapping[str, pa.Table], fingerprints: Iterable[str] | None = None
) -> Iterator[tuple[str, Network]]:
    """The same of tables in memory, sorted by key. Raises KeyError for another fingerprint."""
    graphs = [tables[name] for name in GRAPH_TABLES]
    rows = _rows_of(*graphs)
    nodes, edges, attributes = (_spans(table) for table in graphs)
    for wanted in nodes if fingerprints is None else fingerprints:
        if wanted not in nodes:
            raise KeyError(wanted)
        none = (0, 0)
        spans = nodes[wanted], edges.get(wanted, none), attributes.get(wanted, none)
        yield wanted, _network(*rows, *spans)


@dataclass(frozen=True, slots=True)
class _Texts:
    """A column of text, each distinct one held once."""

    known: list[str]
    places: np.ndarray

    def cut(self, start: int, stop: int) -> list[str]:
        return [self.known[place] for place in self.places[start:stop].tolist()]


@dataclass(frozen=True, slots=True)
class _Lists:
    """A column of lists: all elements in a row, and where each list starts."""

    flat: Any
    offsets: np.ndarray

    def cut(self, start: int, stop: int) -> list[tuple[Any, ...]]:
        offsets = self.offsets[start : stop + 1].tolist()
        elements = self.flat[offsets[0] : offsets[-1]]
        elements = elements.tolist() if isinstance(elements, np.ndarray) else elements
        base = offsets[0]
        return [tuple(elements[a - base : b - base]) for a, b in pairwise(offsets)]


@dataclass(frozen=True, slots=True)
class _AttributeRows:
    node: np.ndarray
    name: _Texts
    kind: np.ndarray
    values: tuple[Any, ...]

    def by_vertex(self, vertices: int, start: int, stop: int) -> list[Attributes]:
        """The attributes of each vertex of the network that stands in these rows."""
        kinds = self.kind[start:stop].tolist()
        values = {kind: self._values(kind, start, stop) for kind in set(kinds)}
        found: list[list[tuple[str, Any]]] = [[] for _ in range(vertices)]
        names = self.name.cut(start, stop)
        for row, (node, name, kind) in enumerate(
            zip(self.node[start:stop].tolist(), names, kinds, strict=True)
        ):
            found[node].append((name, values[kind][row]))
        return [tuple(pairs) for pairs in found]

    def _values(self, kind: int, start: int, stop: int) -> list[Any]:
        column = self.values[kind]
        if isinstance(column, np.ndarray):
            return column[start:stop].tolist()
        return column.cut(start, stop)


def _network(
    operators: _Texts, edges: np.ndarray, attributes: _AttributeRows,
    node_span: Span, edge_span: Span, attribute_span: Span,
) -> Network:  # fmt: skip
    names = operators.cut(*node_span)
    operands: list[list[Operand]] = [[] for _ in names]
    for target, position, source, output in edges[slice(*edge_span)].tolist():
        operands[target].append(Operand(source, output, position))
    rows = attributes.by_vertex(len(names), *attribute_span)
    return Network(
        tuple(
            Vertex(name, pairs, tuple(inputs))
            for name, pairs, inputs in zip(names, rows, operands, strict=True)
        )
    )


def _rows_of(
    nodes: pa.Table, edges: pa.Table, attributes: pa.Table
) -> tuple[_Texts, np.ndarray, _AttributeRows]:
    numbers = ("target", "operand", "source", "output")
    columns = {name: _whole(attributes, name) for name in attributes.column_names}
    kind = np.zeros(len(attributes), np.int8)
    for place, name in enumerate(VALUE_KINDS):
        kind[columns[name].is_valid().to_numpy(zero_copy_only=False)] = place
    return (
        _texts(_whole(nodes, "operator")),
        np.stack([_whole(edges, name).to_numpy() for name in numbers], axis=1),
        _AttributeRows(
            columns["node"].to_numpy(),
            _texts(columns["attribute"]),
            kind,
            tuple(_plain(columns[name]) for name in VALUE_KINDS),
        ),
    )


def _plain(column: pa.Array) -> Any:
    """A column of one kind of value as something that is cut fast; nulls become anything."""
    if pa.types.is_list(column.type):
        flat = column.values
        numbers = not pa.types.is_string(flat.type)
        return _Lists(
            flat.to_numpy() if numbers else flat.to_pylist(), column.offsets.to_numpy()
        )
    return (
        _texts(column) if pa.types.is_string(column.type) else column.fill_null(0).to_numpy()
    )


def _texts(column: pa.Array) -> _Texts:
    encoded = pc.fill_null(column, "").dictionary_encode()
    return _Texts(encoded.dictionary.to_pylist(), encoded.indices.to_numpy())


def _whole(table: pa.Table, name: str) -> pa.Array:
    column = table.column(name)
    return pa.concat_arrays(column.chunks) if column.num_chunks else pa.array([], column.type)


def _spans(table: pa.Table) -> dict[str, Span]:
    """Fingerprint -> its first row and the one after its last, in a sorted table."""
    runs = pc.run_end_encode(_whole(table, "fingerprint"))
    ends = runs.run_ends.to_pylist()
    starts = [0, *ends][:-1]
    return dict(zip(runs.values.to_pylist(), zip(starts, ends, strict=True), strict=True))

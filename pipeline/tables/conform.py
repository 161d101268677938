"""Rows in any shape and order -> an Arrow table exactly as declared, or an error."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, TypeAlias

import pyarrow as pa
import pyarrow.compute as pc

from pipeline.tables.tables import Table

Rows: TypeAlias = pa.Table | Iterable[pa.Table | pa.RecordBatch | Mapping[str, Any]]
"""An Arrow table, or any number of Arrow tables, batches and rows as mappings."""


def conform(table: Table, rows: Rows, widths: Mapping[str, int] | None = None) -> pa.Table:
    """Rows in any order -> the table with its declared types, sorted by key.

    Raises ValueError, naming table and column, for a column that is missing or unknown, a
    value of another type, a null where none may be, a key that occurs twice.
    """
    schema = table.schema(widths)
    parts = [_typed(table, part, schema) for part in _parts(rows)]
    whole = pa.concat_tables(parts) if parts else schema.empty_table()
    _check_nulls(table, whole)
    whole = whole.combine_chunks()
    if not _ascends(table, whole):
        whole = whole.sort_by([(name, "ascending") for name in table.key]).combine_chunks()
        if not _ascends(table, whole):
            key = repeated_keys(whole, table.key).to_pylist()[0]
            raise ValueError(f"table {table.name}: the same key stands twice or more: {key}")
    return whole


def follows(table: Table, earlier: pa.Table, later: pa.Table) -> bool:
    """Whether the first key of one part comes after the last key of another."""
    ends = [earlier.slice(max(len(earlier) - 1, 0)), later.slice(0, 1)]
    return _ascends(table, pa.concat_tables(ends).combine_chunks())


def repeated_keys(rows: pa.Table, key: Sequence[str]) -> pa.Table:
    """Keys that occur more than once, with ``count_all``: how often."""
    counted = rows.select(list(key)).group_by(list(key)).aggregate([([], "count_all")])
    return counted.filter(pc.greater(counted["count_all"], 1))


def _parts(rows: Rows) -> Iterable[pa.Table]:
    """Arrow tables as they are; rows gathered, so that Arrow converts whole columns."""
    gathered: list[Mapping[str, Any]] = []
    for part in [rows] if isinstance(rows, pa.Table) else rows:
        if isinstance(part, pa.Table):
            yield part
        elif isinstance(part, pa.RecordBatch):
            yield pa.Table.from_batches([part])
        else:
            gathered.append(part)
    if gathered:
        names = list(dict.fromkeys(name for row in gathered for name in row))
        yield pa.table({n: _values([row.get(n) for row in gathered], n) for n in names})


def _values(values: list[Any], name: str) -> pa.Array:
    try:
        return pa.array(values)
    except (pa.ArrowInvalid, pa.ArrowTypeError, OverflowError) as e:
        raise ValueError(f"column {name}: {e}") from e


def _typed(table: Table, part: pa.Table, schema: pa.Schema) -> pa.Table:
    unknown = set(part.column_names) - set(schema.names)
    if unknown:
        raise ValueError(f"table {table.name} has no column {', '.join(sorted(unknown))}")
    columns = []
    for field in schema:
        if field.name in part.column_names:
            columns.append(_cast(table, part.column(field.name), field))
        elif field.nullable:
            columns.append(pa.nulls(len(part), field.type))
        else:
            raise ValueError(f"table {table.name} lacks its column {field.name}")
    return pa.table(columns, schema=schema)


def _cast(table: Table, column: pa.ChunkedArray, field: pa.Field) -> pa.ChunkedArray:
    """Only what loses nothing: narrower or wider integers, lists to vectors, ISO 8601 text."""
    have, want = column.type, field.type
    if have == want:
        return column
    from_text = pa.types.is_timestamp(want) and pa.types.is_string(have)
    if not from_text and not _castable(have, want):
        raise ValueError(f"{table.name}.{field.name} holds {have}, not {want}")
    try:
        return (column.cast(pa.timestamp("us", "UTC")) if from_text else column).cast(want)
    except (pa.ArrowInvalid, pa.ArrowNotImplementedError) as e:
        raise ValueError(f"{table.name}.{field.name} is no {want}: {e}") from e


def _castable(have: pa.DataType, want: pa.DataType) -> bool:
    if pa.types.is_null(have):
        return True
    if pa.types.is_dictionary(have):
        return _castable(have.value_type, want) or have.value_type == want
    if _is_list(have) and _is_list(want):
        vector = pa.types.is_fixed_size_list(want)
        inner, wanted = have.value_type, want.value_type
        floats = vector and pa.types.is_floating(inner)
        return inner == wanted or floats or _castable(inner, wanted)
    kinds = (pa.types.is_integer, pa.types.is_timestamp, _is_text, _is_bytes)
    return any(kind(have) and kind(want) for kind in kinds)


def _is_list(kind: pa.DataType) -> bool:
    types = pa.types
    return types.is_list(kind) or types.is_large_list(kind) or types.is_fixed_size_list(kind)


def _is_text(kind: pa.DataType) -> bool:
    return pa.types.is_string(kind) or pa.types.is_large_string(kind)


def _is_bytes(kind: pa.DataType) -> bool:
    return pa.types.is_binary(kind) or pa.types.is_large_binary(kind)


def _check_nulls(table: Table, whole: pa.Table) -> None:
    for field in whole.schema:
        if not field.nullable and whole.column(field.name).null_count:
            raise ValueError(f"{table.name}.{field.name} is null in some rows")
    if table.one_of and len(whole):
        present = [whole.column(name).is_valid().cast(pa.int8()) for name in table.one_of]
        total = present[0]
        for other in present[1:]:
            total = pc.add(total, other)
        if not pc.all(pc.equal(total, 1)).as_py():
            raise ValueError(
                f"{table.name}: not exactly one of {', '.join(table.one_of)} is set"
            )


def _ascends(table: Table, whole: pa.Table) -> bool:
    """Whether the keys strictly ascend: then the rows are in order and no key occurs twice."""
    if len(whole) < 2:
        return True
    ascends = pa.scalar(False)
    for name in reversed(table.key):  # lexicographic: greater, or equal and the rest ascends
        later = _column(whole, name).slice(1)
        earlier = _column(whole, name).slice(0, len(whole) - 1)
        ascends = pc.or_(
            pc.greater(later, earlier), pc.and_(pc.equal(later, earlier), ascends)
        )
    return pc.all(ascends).as_py()


def _column(table: pa.Table, name: str) -> pa.Array:
    column = table.column(name)
    return column.chunk(0) if column.num_chunks == 1 else column.combine_chunks()

"""A network as JSON text and back, exactly: what codes and caches hold it as."""

from __future__ import annotations

import json
from typing import Any

from pipeline.errors import InvalidNetwork
from pipeline.graph.network import Network, Operand, Value, Vertex


def to_json(network: Network) -> str:
    """``[[operator, {attribute: value}, [[source, output, position], ...]], ...]``."""
    return json.dumps([vertex_to_plain(v) for v in network.vertices], separators=(",", ":"))


def from_json(text: str) -> Network:
    """The inverse of :func:`to_json`. Raises InvalidNetwork for anything else."""
    try:
        return Network(tuple(vertex_from_plain(plain) for plain in json.loads(text)))
    except (ValueError, TypeError, KeyError, AttributeError) as e:
        raise InvalidNetwork("bad_json", f"not a network in JSON: {e}") from e


def vertex_to_plain(vertex: Vertex) -> list[Any]:
    """A vertex as lists and dictionaries; 1 and 1.0 stay what they are."""
    operands = [[o.source, o.output, o.position] for o in vertex.operands]
    return [vertex.operator, dict(vertex.attributes), operands]


def vertex_from_plain(plain: list[Any]) -> Vertex:
    """The inverse of :func:`vertex_to_plain`; TypeError or ValueError for anything else."""
    operator, attributes, operands = plain
    if not all(type(number) is int for operand in operands for number in operand):
        raise TypeError(f"{operands!r} are no operands")
    values = ((str(name), _value(value)) for name, value in attributes.items())
    return Vertex(str(operator), tuple(sorted(values)), tuple(Operand(*o) for o in operands))


def _value(plain: Any) -> Value:
    value = tuple(plain) if isinstance(plain, list) else plain
    elements = value if isinstance(value, tuple) else (value,)
    if not all(isinstance(e, int | float | str) for e in elements):
        raise TypeError(f"{plain!r} is no attribute value")
    return value

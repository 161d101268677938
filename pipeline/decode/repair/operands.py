"""The rules on the number and the places of a vertex's operands."""

from __future__ import annotations

from collections import Counter

from pipeline.decode.repair.graph import Draft
from pipeline.graph.network import OUTPUT, Operand, Vertex
from pipeline.operators.operands import data_inputs, is_variadic
from pipeline.operators.registry import operator_of
from pipeline.operators.schema import position_of, schema_of


def place_operands(draft: Draft) -> None:
    """Rule: each operand fills an input of its own that the operator has and nothing else
    fills; operands beyond the last such input are dropped."""
    for index, vertex in enumerate(draft.vertices):
        if vertex.operator == OUTPUT:
            distinct = dict.fromkeys((o.source, o.output) for o in vertex.operands)
            placed = tuple(Operand(v, s, p) for p, (v, s) in enumerate(distinct))
        elif operator_of(vertex.operator) is not None:
            placed = _placed(vertex)
        else:
            continue
        if placed != vertex.operands:
            draft.log("place_operands", index, "operands that fill no input of their own")
            draft.rewire(index, placed)


def _placed(vertex: Vertex) -> tuple[Operand, ...]:
    taken = taken_positions(vertex)
    positions = [o.position for o in vertex.operands]
    last = int(schema_of(vertex.operator).max_input) - 1  # large where it takes any number
    fits = all(0 <= p <= last and p not in taken for p in positions)
    if fits and len(set(positions)) == len(positions):
        return vertex.operands
    free = (p for p in range(len(taken) + len(positions)) if p not in taken)
    return tuple(
        Operand(o.source, o.output, p)
        for o, p in zip(vertex.operands, free, strict=False)
        if p <= last
    )


def taken_positions(vertex: Vertex) -> set[int]:
    """The inputs of a vertex that a constant or a spelled parameter fills."""
    known = schema_of(vertex.operator).attributes
    named = (name.partition(".")[0] for name, _ in vertex.attributes if name not in known)
    found = (position_of(vertex.operator, name) for name in named)
    return {position for position in found if position is not None}


def fill_missing_operands(draft: Draft) -> None:
    """Rule: a vertex has the operands that its operator computes with. What is missing is the
    nearest vertex before it that nobody uses, or for the first operand the vertex before it.
    """
    users = Counter(o.source for v in draft.vertices for o in v.operands)
    unused: list[int] = []
    for index, vertex in enumerate(draft.vertices):
        while unused and users[unused[-1]]:
            unused.pop()
        if index and _lacks_operand(vertex):
            if vertex.operands and not unused:
                continue  # nothing stands unused: the rules on shapes see to it
            source = unused.pop() if unused else index - 1
            users[source] += 1
            _add_operand(draft, index, source)
        if not users[index] and index:
            unused.append(index)


def _lacks_operand(vertex: Vertex) -> bool:
    if not vertex.operands:
        return True
    if operator_of(vertex.operator) is None or is_variadic(vertex.operator):
        return False
    filled = {o.position for o in vertex.operands} | taken_positions(vertex)
    return not filled.issuperset(data_inputs(vertex.operator))


def _add_operand(draft: Draft, index: int, source: int) -> None:
    vertex = draft.vertices[index]
    position = 0
    if vertex.operator != OUTPUT and operator_of(vertex.operator) is not None:
        used = {o.position for o in vertex.operands} | taken_positions(vertex)
        position = next((p for p in range(len(used) + 1) if p not in used), 0)
    operands = [*vertex.operands, Operand(source, 0, position)]
    draft.log("fill_missing_operands", index, "an operand is missing")
    draft.rewire(index, sorted(operands, key=lambda o: o.position))

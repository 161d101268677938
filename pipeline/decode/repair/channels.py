"""Changing a number of channels where it is made, rather than where it does not fit."""

from __future__ import annotations

from dataclasses import replace

from pipeline.decode.repair.budget import why_too_large
from pipeline.decode.repair.builder import Builder, sorted_attributes
from pipeline.decode.repair.check import PairedShape, check
from pipeline.graph.network import Operand, Vertex
from pipeline.operators.registry import operator_of

LONGEST_CHAIN = 8


def set_channels(builder: Builder, operand: Operand, channels: int) -> bool:
    """Have the Conv that an operand comes from, past layers of no other user that keep the
    channels, make so many. False, and nothing changed, where there is none."""
    chain = [operand.source]
    while keeps_channels(builder.vertices[chain[-1]]) and len(chain) < LONGEST_CHAIN:
        chain.append(builder.vertices[chain[-1]].operands[0].source)
    if not all(is_private(builder, place) for place in chain):
        return False
    conv = builder.vertices[chain[-1]]
    if conv.operator != "Conv" or conv.get("group") != 1 or conv.get("out_channels") is None:
        return False
    attributes = sorted_attributes({**dict(conv.attributes), "out_channels": channels})
    changed = {chain[-1]: replace(conv, attributes=attributes)}
    shapes: dict[int, tuple[PairedShape, ...]] = {}
    for place in reversed(chain):
        vertex = changed.get(place, builder.vertices[place])
        given = [
            shapes.get(o.source, builder.outputs[o.source])[o.output] for o in vertex.operands
        ]
        verdict = check(vertex, given)
        if verdict.reason or why_too_large(builder.budget, verdict):
            return False
        shapes[place] = verdict.outputs
    builder.vertices[chain[-1]] = changed[chain[-1]]
    for place, found in shapes.items():
        builder.outputs[place] = found
    return True


def keeps_channels(vertex: Vertex) -> bool:
    """Whether as many channels come out of a vertex as go in."""
    operator = operator_of(vertex.operator)
    return operator is not None and operator.keeps_channels


def is_private(builder: Builder, place: int) -> bool:
    """Whether a vertex has one operand and, in the draft, one user."""
    origin = builder.origins[place]
    return (
        origin >= 0
        and builder.users[origin] == 1
        and len(builder.vertices[place].operands) == 1
    )

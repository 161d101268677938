"""Changing a number of channels where it is made, rather than where it does not fit."""

from __future__ import annotations

from dataclasses import replace

from pipeline.decode.repair.case import sorted_attributes
from pipeline.decode.repair.judge import Flow, judge
from pipeline.decode.repair.made import Made
from pipeline.decode.repair.sizes import why_too_large
from pipeline.graph.network import Operand

CHAINABLE = frozenset({
    "BatchNormalization", "Relu", "Sigmoid", "Tanh", "HardSwish", "HardSigmoid", "LeakyRelu",
    "Elu", "Gelu", "Clip", "Dropout", "MaxPool", "AveragePool", "GlobalAveragePool",
})  # fmt: skip
LONGEST_CHAIN = 8


def set_channels(made: Made, operand: Operand, channels: int) -> bool:
    """Have the Conv that an operand comes from, past layers of no other user that keep the
    channels, make so many. False, and nothing changed, where there is none."""
    chain = [operand.source]
    while made.vertices[chain[-1]].operator in CHAINABLE and len(chain) < LONGEST_CHAIN:
        chain.append(made.vertices[chain[-1]].operands[0].source)
    if not all(is_private(made, place) for place in chain):
        return False
    conv = made.vertices[chain[-1]]
    if conv.operator != "Conv" or conv.get("group") != 1 or conv.get("out_channels") is None:
        return False
    attributes = sorted_attributes({**dict(conv.attributes), "out_channels": channels})
    changed = {chain[-1]: replace(conv, attributes=attributes)}
    flows: dict[int, tuple[Flow, ...]] = {}
    for place in reversed(chain):
        vertex = changed.get(place, made.vertices[place])
        given = [
            flows.get(o.source, made.outputs[o.source])[o.output] for o in vertex.operands
        ]
        verdict = judge(vertex, given)
        if verdict.reason or why_too_large(made.budget, verdict):
            return False
        flows[place] = verdict.outputs
    made.vertices[chain[-1]] = changed[chain[-1]]
    for place, made_flows in flows.items():
        made.outputs[place] = made_flows
    return True


def is_private(made: Made, place: int) -> bool:
    """Whether a vertex has one operand and, in the draft, one user."""
    origin = made.origins[place]
    return origin >= 0 and made.users[origin] == 1 and len(made.vertices[place].operands) == 1

"""Any draft -> a valid network, by way of the rules."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from pipeline.decode.repair.arity import fill_missing_operands, place_operands
from pipeline.decode.repair.case import Case
from pipeline.decode.repair.edits import Repaired
from pipeline.decode.repair.graph import (
    DEFAULT_INPUT,
    drop_edges_to_nowhere,
    keep_one_sink,
    keep_one_source,
    order_edges,
    plan_of,
    reach_the_sink,
)
from pipeline.decode.repair.guards import is_unsafe, pad_with_numbers
from pipeline.decode.repair.judge import Flow, judge
from pipeline.decode.repair.made import outputs_of
from pipeline.decode.repair.numbers import Bounds, bounds_after
from pipeline.decode.repair.sink import finish, with_gradient
from pipeline.decode.repair.walk import walk
from pipeline.decode.trial import is_finite
from pipeline.errors import InvalidNetwork
from pipeline.graph.canonical import canonicalise
from pipeline.graph.network import OUTPUT, Network, Vertex

GRAPH_RULES = (
    drop_edges_to_nowhere,
    keep_one_source,
    keep_one_sink,
    order_edges,
    place_operands,
    fill_missing_operands,
    reach_the_sink,
    pad_with_numbers,
)


def repair(draft: Sequence[Vertex], image: Vertex = DEFAULT_INPUT) -> Repaired:
    """Vertices in their intended order, whatever they are -> a network that runs, and the
    edits that it took. A draft that is a valid network already is returned as it is;
    ``image`` is the Input of one that has none."""
    vertices = [
        replace(v, operands=tuple(sorted(v.operands, key=lambda o: o.position))) for v in draft
    ]
    untouched = as_network(vertices)
    if untouched is not None:
        return untouched
    plan = plan_of(vertices, image)
    for rule in GRAPH_RULES:
        rule(plan)
    return finish(walk(plan))


def as_network(draft: Sequence[Vertex]) -> Repaired | None:
    """The network that a draft is without any edit; None where it is none that runs."""
    sinks = [i for i, v in enumerate(draft) if v.operator == OUTPUT]
    sources = {o.source for v in draft for o in v.operands}
    if len(sinks) != 1 or any(not 0 <= s < len(draft) for s in sources):
        return None
    try:
        network, order = canonicalise(draft, sinks[0])
    except InvalidNetwork:
        return None
    if len(order) < len(draft) or not all_run(network):
        return None
    return Repaired(network, (), tuple(order))


def all_run(network: Network) -> bool:
    """Whether the judge objects to no vertex, a gradient reaches the Output, and values stay
    finite: where the estimate, which is one from above, does not say so, they are computed."""
    taken = [(o.source, o.output) for o in network.vertices[-1].operands]
    if len(set(taken)) < len(taken) or (0, 0) in taken:
        return False
    flows: list[tuple[Flow, ...]] = []
    bounds: list[Bounds] = []
    safe = True
    for vertex in network.vertices:
        given = [flows[o.source][o.output : o.output + 1] for o in vertex.operands]
        if not all(given):
            return False
        tensors = tuple(g[0] for g in given)
        verdict = judge(vertex, tensors, outputs_of(vertex))
        if verdict.reason is not None:
            return False
        known = [bounds[o.source] for o in vertex.operands]
        bounds.append(bounds_after(vertex, known, tensors, verdict.outputs[0]))
        if vertex.operator != OUTPUT:
            safe &= not is_unsafe(Case(vertex, tensors), known, bounds[-1])
        flows.append(verdict.outputs)
    trained = with_gradient(network.vertices[:-1], flows[:-1])
    safe &= not any(bounds[source].infinite for source, _ in taken)
    return any(trained[source] for source, _ in taken) and (safe or is_finite(network))

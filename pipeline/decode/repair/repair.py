"""Any draft -> a valid network, by way of the rules."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from pipeline.decode.repair.builder import count_outputs
from pipeline.decode.repair.check import PairedShape, check
from pipeline.decode.repair.finite import keep_finite
from pipeline.decode.repair.graph import (
    DEFAULT_INPUT,
    Draft,
    Repaired,
    drop_edges_to_nowhere,
    keep_one_sink,
    keep_one_source,
    order_edges,
    reach_the_sink,
)
from pipeline.decode.repair.operands import fill_missing_operands, place_operands
from pipeline.decode.repair.rebuild import rebuild, with_gradient
from pipeline.decode.trial import find_failure, is_finite, may_fail
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
)
MOST_TRIALS = 64


def repair(draft: Sequence[Vertex], image: Vertex = DEFAULT_INPUT) -> Repaired:
    """Vertices in their intended order, whatever they are -> a network that runs, and the
    edits that it took.

    A draft is vertices with operators, attributes and operands, and nothing of the codec that
    they come from. One that is a valid network already is returned as it is; ``image`` is the
    Input of one that has none. "Runs": in ONNX Runtime and torch, forward and backward, with
    finite values for the random weights that files get. A network that was changed is tried
    out for that, one that was not where it has an operator that may fail; one that is too
    large is not tried.
    """
    vertices = [
        replace(v, operands=tuple(sorted(v.operands, key=lambda o: o.position))) for v in draft
    ]
    untouched = as_network(vertices)
    if untouched is not None:
        return untouched
    ordered = Draft(vertices, list(range(len(vertices))), image)
    for rule in GRAPH_RULES:
        rule(ordered)
    return rebuild_until_finite(ordered)


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
    """Whether the check objects to no vertex, a gradient reaches the Output, and values stay
    finite: they are computed where an operator may give others."""
    taken = [(o.source, o.output) for o in network.vertices[-1].operands]
    if len(set(taken)) < len(taken) or (0, 0) in taken:
        return False
    tensors: list[tuple[PairedShape, ...]] = []
    for vertex in network.vertices:
        given = [tensors[o.source][o.output : o.output + 1] for o in vertex.operands]
        if not all(given):
            return False
        verdict = check(vertex, [g[0] for g in given], count_outputs(vertex))
        if verdict.reason is not None:
            return False
        tensors.append(verdict.outputs)
    trained = with_gradient(network.vertices[:-1], tensors[:-1])
    is_safe = not any(may_fail(vertex) for vertex in network.vertices)
    return any(trained[source] for source, _ in taken) and (is_safe or is_finite(network))


def rebuild_until_finite(draft: Draft) -> Repaired:
    """Rebuild a draft, try the network out, note what would keep it finite, and again."""
    rebuilt = rebuild(draft)
    for _ in range(MOST_TRIALS):
        network = rebuilt.repaired.network
        failure = None if is_finite(network) else find_failure(network)
        if failure is None:
            break
        keep_finite(draft, network, rebuilt.places, failure)
        rebuilt = rebuild(draft)
    return rebuilt.repaired

"""The end of a walk: what the Output takes."""

from __future__ import annotations

from collections.abc import Sequence

from pipeline.decode.repair.agreement import dense, pointwise
from pipeline.decode.repair.edits import Repaired
from pipeline.decode.repair.graph import INSERTED
from pipeline.decode.repair.judge import Flow
from pipeline.decode.repair.made import Made, case_of, judged
from pipeline.decode.repair.walk import locate
from pipeline.graph.canonical import canonicalise
from pipeline.graph.network import OUTPUT, Operand, Vertex
from pipeline.operators.operands import FLOAT

NO_GRADIENT = frozenset({"ArgMax", "Greater", "Less", "Equal"})
FEATURES = 10


def finish(made: Made) -> Repaired:
    """A walk that is done -> the network and all edits. The Output is set, and what does not
    reach it left out."""
    sink = len(made.plan.vertices) - 1
    located = (locate(made, sink, o) for o in made.plan.vertices[sink].operands)
    finite = [not bounds.infinite for bounds in made.bounds]
    found = list(
        dict.fromkeys((o.source, o.output) for o in located if o.source and finite[o.source])
    )
    flows = with_gradient(made.vertices, made.outputs)
    trained = [a and b for a, b in zip(flows, finite, strict=True)]
    if not any(trained[source] for source, _ in found):
        found = [(last_layer(made, trained, sink), 0)]
    if len(found) < len(made.plan.vertices[sink].operands):
        made.log("finish", sink, "operands of the Output that are one, the Input, or infinite")
    operands = tuple(Operand(v, s, p) for p, (v, s) in enumerate(found))
    vertices = [*made.vertices, Vertex(OUTPUT, (), operands)]
    network, order = canonicalise(vertices, len(vertices) - 1)
    for place in sorted(set(range(len(made.vertices))) - set(order)):
        if made.origins[place] >= 0:
            made.log("reach_the_sink", made.origins[place], "no longer reaches the Output")
    places = [*made.origins, sink]
    origins = (made.plan.origins[places[p]] if places[p] >= 0 else INSERTED for p in order)
    return Repaired(network, (*made.plan.edits, *made.edits, *made.lasting), tuple(origins))


def with_gradient(vertices: Sequence[Vertex], tensors: Sequence[Sequence[Flow]]) -> list[bool]:
    """For each vertex whether a gradient flows back through it."""
    flows: list[bool] = []
    for vertex, outputs in zip(vertices, tensors, strict=True):
        before = not flows or any(flows[o.source] for o in vertex.operands)
        floats = all(flow.dtype == FLOAT for flow in outputs)
        flows.append(before and floats and vertex.operator not in NO_GRADIENT)
    return flows


def last_layer(made: Made, trained: list[bool], sink: int) -> int:
    """Rule: the Output takes something that can be trained: the last such vertex, or where the
    Input alone is left, one layer put behind it."""
    places = [p for p, flows in enumerate(trained) if flows and p]
    made.log("last_layer", sink, "no gradient reaches the Output")
    if places:
        return places[-1]
    rank = len(made.outputs[0][0].shape) - 2
    if 1 <= rank <= 3:
        layer = Vertex("Conv", pointwise(FEATURES, (1,) * rank), (Operand(0),))
    else:
        layer = Vertex("Gemm", dense(FEATURES), (Operand(0),))
    return made.append(layer, judged(case_of(made, layer)), INSERTED).source

"""An ordered draft -> a network of sound shapes: each vertex checked, mended by the rules, or
bypassed, and at the end the Output set."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from pipeline.decode.repair.agreement import dense, pointwise
from pipeline.decode.repair.budget import smaller_input, why_too_large, with_fewer_channels
from pipeline.decode.repair.builder import Adapter, Builder, Call, Change, sorted_attributes
from pipeline.decode.repair.channels import set_channels
from pipeline.decode.repair.check import NONSENSE, PairedShape, Verdict, check
from pipeline.decode.repair.finite import guarded
from pipeline.decode.repair.graph import INSERTED, Draft, Edit, Repaired
from pipeline.decode.repair.ort_workarounds import shield_resize
from pipeline.decode.repair.rules import RULES
from pipeline.errors import ModelError
from pipeline.graph.canonical import canonicalise
from pipeline.graph.network import OUTPUT, Operand, Value, Vertex
from pipeline.operators.operands import FLOAT
from pipeline.operators.registry import operator_of

FEATURES = 10


@dataclass(frozen=True)
class Rebuilt:
    """A draft rebuilt. ``places``: which vertex of the ordered draft each vertex of the
    network is, -1 for one that was put in."""

    repaired: Repaired
    places: tuple[int, ...]


def rebuild(draft: Draft) -> Rebuilt:
    """A draft in order -> the network, vertex by vertex, and all edits."""
    builder = Builder(draft)
    start(builder)
    for index in range(1, len(draft.vertices) - 1):
        visit(builder, index)
    return finish(builder)


def start(builder: Builder) -> None:
    """Rule: the Input has a shape of one to four axes within reason, and is float32."""
    vertex = builder.draft.vertices[0]
    verdict = check(vertex, ())
    reason = verdict.reason or why_too_large(builder.budget, verdict)
    if reason is None and (
        verdict.outputs[0].dtype != FLOAT or not 2 <= len(verdict.outputs[0].shape) <= 5
    ):
        reason = "the Input is not float32, or of one to four axes"
    if reason is not None:
        builder.log("start", 0, reason)
        vertex = smaller_input(vertex, builder.draft.image)
        verdict = check(vertex, ())
    builder.places[0] = builder.append(vertex, verdict, 0)


def visit(builder: Builder, index: int) -> None:
    """One vertex: placed as it is, mended, or bypassed."""
    vertex = builder.draft.vertices[index]
    operands = [locate(builder, index, operand) for operand in vertex.operands]
    first = operands[0]
    if vertex.operator == "Identity":
        return bypass(builder, index, first, "an Identity does nothing")
    if operator_of(vertex.operator) is None:
        return bypass(builder, index, first, f"{vertex.operator} is no operator that runs")
    if index in builder.draft.refused:
        return bypass(builder, index, first, builder.draft.refused[index])
    before, logged = len(builder.vertices), len(builder.edits)
    call = builder.call(replace(vertex, operands=protect(builder, index, operands)))
    call, verdict = canonical_form(*mend(builder, index, call))
    call, verdict = made_smaller(builder, index, call, verdict)
    reason = verdict.reason or why_too_large(builder.budget, verdict)
    if reason is None:
        return accept(builder, index, call.vertex, verdict)
    builder.forget(before)
    del builder.edits[logged:]
    return bypass(builder, index, first, reason)


def protect(builder: Builder, index: int, operands: Sequence[Operand]) -> tuple[Operand, ...]:
    """The operands of a vertex behind what is to stand before them."""
    found = list(operands)
    if builder.draft.vertices[index].operator == "Resize":
        found[0] = shield_resize(builder, index, found[0])
    for number, operand in enumerate(operands):
        for rule in builder.draft.guards.get((index, operand.position), ()):
            found[number] = guarded(builder, index, rule, found[number])
    return tuple(found)


def canonical_form(call: Call, verdict: Verdict) -> tuple[Call, Verdict]:
    """The same vertex spelled as a file read anew would have it: bounds clamped to the axis,
    defaults filled in. No edit: it computes the same."""
    operator = operator_of(call.operator)
    if verdict.reason is not None or operator is None:
        return call, verdict
    try:
        filled = {**call.values, **operator.fill(call.values, call.shape, {})}
    except (ModelError, *NONSENSE):
        return call, verdict
    values = {name: single(value) for name, value in filled.items() if value is not None}
    spelled = replace(call, vertex=replace(call.vertex, attributes=sorted_attributes(values)))
    again = spelled.check()
    return (spelled, again) if again == verdict else (call, verdict)


def single(value: Value) -> Value:
    """Floats as float32 holds them."""
    if isinstance(value, tuple):
        return tuple(single(v) for v in value)  # type: ignore[return-value]
    return float(np.float32(value)) if isinstance(value, float) else value


def accept(builder: Builder, index: int, vertex: Vertex, verdict: Verdict) -> None:
    """Take a vertex that runs."""
    builder.places[index] = builder.append(vertex, verdict, index)
    if len(verdict.outputs) > 1:
        builder.split.add(index)


def bypass(builder: Builder, index: int, operand: Operand, reason: str) -> None:
    """Rule of last resort: the users of a vertex take its first operand instead."""
    builder.places[index] = Operand(operand.source, operand.output)
    origin = builder.origins[operand.source]
    if origin >= 0:
        builder.users[origin] += builder.users[index]
    builder.log("bypass", index, reason)


def made_smaller(
    builder: Builder, index: int, call: Call, verdict: Verdict
) -> tuple[Call, Verdict]:
    """Lower the channels of a layer that is too large."""
    reason = verdict.reason or why_too_large(builder.budget, verdict)
    if verdict.reason is not None or reason is None:
        return call, verdict
    vertex = with_fewer_channels(call.vertex, builder.budget.excess(verdict))
    if vertex is None:
        return call, verdict
    builder.log("with_fewer_channels", index, reason)
    call = builder.call(vertex)
    return call, call.check()


def locate(builder: Builder, index: int, operand: Operand) -> Operand:
    """Rule: an operand is an output that its vertex has; one that it has not is its first."""
    place = builder.places[operand.source]
    slot = operand.output if operand.source in builder.split else 0
    if operand.source in builder.split and slot >= len(builder.outputs[place.source]):
        builder.log("locate", index, f"vertex {operand.source} has no output {slot}")
        slot = 0
    elif operand.source not in builder.split:
        operator = operator_of(builder.draft.vertices[operand.source].operator)
        if operand.output and (operator is None or operator.outputs is None):
            builder.log("locate", index, f"vertex {operand.source} has one output")
        slot = place.output
    return Operand(place.source, slot, operand.position)


def mend(builder: Builder, index: int, call: Call) -> tuple[Call, Verdict]:
    """Apply rules, each where the check still objects, until it does not."""
    verdict = call.check()
    for rule in RULES:
        if verdict.reason is None:
            break
        if not rule.is_for(call.operator, len(call.shape)):
            continue
        try:
            change = rule.fit(call)
        except NONSENSE:
            continue  # the attributes it reads make no sense: a later rule's business
        if change is not None:
            call = apply(builder, index, rule.fit.__name__, call, change)
            verdict = call.check()
    return call, verdict


def apply(builder: Builder, index: int, rule: str, call: Call, change: Change) -> Call:
    """Do what a rule asks for and log it; the call that comes of it."""
    vertex = change.vertex
    if not change.adapters:
        builder.log(rule, index, change.reason)
    for adapter in change.adapters:
        operand = adapt(builder, index, vertex.operands[adapter.operand], adapter)
        if operand is not None:
            operands = list(vertex.operands)
            if operand != operands[adapter.operand]:
                builder.log(rule, index, change.reason)
            operands[adapter.operand] = operand
            vertex = replace(vertex, operands=tuple(operands))
    return builder.call(vertex)


def adapt(builder: Builder, index: int, operand: Operand, adapter: Adapter) -> Operand | None:
    """Put an adapter before an operand; None where it does not run."""
    if adapter.channels is not None and set_channels(builder, operand, adapter.channels):
        reason = f"{adapter.channels} are needed"
        builder.lasting.append(Edit("set_channels", builder.draft_index(operand), reason))
        return operand
    source = Operand(operand.source, operand.output)
    if adapter.operator == "Resize":
        source = shield_resize(builder, index, source)
    vertex = Vertex(adapter.operator, sorted_attributes(dict(adapter.attributes)), (source,))
    verdict = builder.call(vertex).check()
    if verdict.reason or why_too_large(builder.budget, verdict):
        return None
    return replace(builder.append(vertex, verdict, INSERTED), position=operand.position)


def finish(builder: Builder) -> Rebuilt:
    """Set the Output, and leave out what does not reach it."""
    draft, sink = builder.draft, len(builder.draft.vertices) - 1
    taken = [locate(builder, sink, operand) for operand in draft.vertices[sink].operands]
    located = protect(builder, sink, taken)
    found = list(dict.fromkeys((o.source, o.output) for o in located if o.source))
    trained = with_gradient(builder.vertices, builder.outputs)
    if not any(trained[source] for source, _ in found):
        found = [(last_layer(builder, trained, sink), 0)]
    if len(found) < len(draft.vertices[sink].operands):
        builder.log("finish", sink, "operands of the Output that are one, or the Input")
    operands = tuple(Operand(v, s, p) for p, (v, s) in enumerate(found))
    vertices = [*builder.vertices, Vertex(OUTPUT, (), operands)]
    network, order = canonicalise(vertices, len(vertices) - 1)
    for place in sorted(set(range(len(builder.vertices))) - set(order)):
        if builder.origins[place] >= 0:
            builder.log(
                "reach_the_sink", builder.origins[place], "no longer reaches the Output"
            )
    every = [*builder.origins, sink]
    places = tuple(every[p] for p in order)
    origins = tuple(draft.origins[p] if p >= 0 else INSERTED for p in places)
    edits = (*draft.edits, *builder.edits, *builder.lasting)
    return Rebuilt(Repaired(network, edits, origins), places)


def with_gradient(
    vertices: Sequence[Vertex], tensors: Sequence[Sequence[PairedShape]]
) -> list[bool]:
    """For each vertex whether a gradient flows back through it."""
    flows: list[bool] = []
    for vertex, outputs in zip(vertices, tensors, strict=True):
        operator = operator_of(vertex.operator)
        before = not flows or any(flows[o.source] for o in vertex.operands)
        floats = all(tensor.dtype == FLOAT for tensor in outputs)
        flows.append(before and floats and (operator is None or operator.differentiable))
    return flows


def last_layer(builder: Builder, trained: list[bool], sink: int) -> int:
    """Rule: the Output takes something that can be trained: the last such vertex, or where the
    Input alone is left, one layer put behind it."""
    places = [p for p, flows in enumerate(trained) if flows and p]
    builder.log("last_layer", sink, "no gradient reaches the Output")
    if places:
        return places[-1]
    rank = len(builder.outputs[0][0].shape) - 2
    if 1 <= rank <= 3:
        layer = Vertex("Conv", pointwise(FEATURES, (1,) * rank), (Operand(0),))
    else:
        layer = Vertex("Gemm", dense(FEATURES), (Operand(0),))
    return builder.append(layer, builder.call(layer).check(), INSERTED).source

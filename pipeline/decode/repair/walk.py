"""The walk along an ordered draft: each vertex judged, mended by the rules, or bypassed."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from pipeline.decode.repair.case import Adapter, Case, Change, sorted_attributes
from pipeline.decode.repair.channels import set_channels
from pipeline.decode.repair.edits import Edit
from pipeline.decode.repair.graph import INSERTED, Plan
from pipeline.decode.repair.guards import GUARDS, is_unsafe, normalise_growth, why_not_finite
from pipeline.decode.repair.judge import NONSENSE, Verdict, judge
from pipeline.decode.repair.made import Made, case_of, judged
from pipeline.decode.repair.numbers import OVERFLOWING, bounds_after
from pipeline.decode.repair.rules import RULES
from pipeline.decode.repair.shields import shield_resize
from pipeline.decode.repair.sizes import smaller_input, why_too_large, with_fewer_channels
from pipeline.errors import ModelError
from pipeline.graph.network import Operand, Value, Vertex
from pipeline.operators.operands import FLOAT
from pipeline.operators.registry import operator_of


def walk(plan: Plan) -> Made:
    """A plan in order -> the network, vertex by vertex, all but the Output."""
    made = Made(plan)
    start(made)
    for index in range(1, len(plan.vertices) - 1):
        visit(made, index)
    return made


def start(made: Made) -> None:
    """Rule: the Input has a shape of one to four axes within reason, and is float32."""
    vertex = made.plan.vertices[0]
    verdict = judge(vertex, ())
    reason = verdict.reason or why_too_large(made.budget, verdict)
    if reason is None and (
        verdict.outputs[0].dtype != FLOAT or not 2 <= len(verdict.outputs[0].shape) <= 5
    ):
        reason = "the Input is not float32, or of one to four axes"
    if reason is not None:
        made.log("start", 0, reason)
        vertex = smaller_input(vertex, made.plan.image)
        verdict = judge(vertex, ())
    made.places[0] = made.append(vertex, verdict, 0)


def visit(made: Made, index: int) -> None:
    """One vertex: placed as it is, mended, or bypassed."""
    vertex = made.plan.vertices[index]
    operands = tuple(locate(made, index, operand) for operand in vertex.operands)
    before, logged, first = len(made.vertices), len(made.edits), operands[0]
    if vertex.operator == "Resize":
        operands = (shield_resize(made, index, first), *operands[1:])
    vertex = replace(vertex, operands=operands)
    if vertex.operator == "Identity":
        return bypass(made, index, first, "an Identity does nothing")
    if operator_of(vertex.operator) is None:
        return bypass(made, index, first, f"{vertex.operator} is no operator that runs")
    case, verdict = settled_form(*mend(made, index, case_of(made, vertex)))
    case, verdict = guard(made, index, case, verdict)
    case, verdict = made_smaller(made, index, case, verdict)
    reason = verdict.reason or why_refused(made, case, verdict)
    if reason is None:
        return settle(made, index, case.vertex, verdict)
    made.forget(before)
    del made.edits[logged:]
    return bypass(made, index, first, reason)


def why_refused(made: Made, case: Case, verdict: Verdict) -> str | None:
    """Why a vertex whose shapes agree is not taken all the same; None for one that is."""
    known = [made.bounds[o.source] for o in case.vertex.operands]
    after = bounds_after(case.vertex, known, case.flows, verdict.outputs[0])
    if is_unsafe(case, known, after, OVERFLOWING):
        return why_not_finite(case) or "its values leave the finite numbers"
    return why_too_large(made.budget, verdict)


def settled_form(case: Case, verdict: Verdict) -> tuple[Case, Verdict]:
    """The same vertex spelled as a file read anew would have it: bounds clamped to the axis,
    defaults filled in. No edit: it computes the same."""
    operator = operator_of(case.operator)
    if verdict.reason is not None or operator is None:
        return case, verdict
    try:
        filled = {**case.values, **operator.fill(case.values, case.shape, {})}
    except (ModelError, *NONSENSE):
        return case, verdict
    values = {name: single(value) for name, value in filled.items() if value is not None}
    settled = replace(case, vertex=replace(case.vertex, attributes=sorted_attributes(values)))
    again = judged(settled)
    return (settled, again) if again == verdict else (case, verdict)


def single(value: Value) -> Value:
    """Floats as float32 holds them."""
    if isinstance(value, tuple):
        return tuple(single(v) for v in value)  # type: ignore[return-value]
    return float(np.float32(value)) if isinstance(value, float) else value


def settle(made: Made, index: int, vertex: Vertex, verdict: Verdict) -> None:
    """Take a vertex, and normalise what it makes where that grows beyond reason."""
    place = made.append(vertex, verdict, index)
    made.places[index] = place
    if vertex.operator == "Split":
        made.split.add(index)
        return
    guarded = normalise_growth(made.bounds[-1], verdict.outputs[0].shape)
    if guarded is None:
        return
    layer = replace(guarded, operands=(place,))
    normalised = judged(case_of(made, layer))
    if normalised.reason is None:
        made.log("normalise_growth", index, "values grow beyond reason")
        made.places[index] = made.append(layer, normalised, INSERTED)


def bypass(made: Made, index: int, operand: Operand, reason: str) -> None:
    """Rule of last resort: the users of a vertex take its first operand instead."""
    made.places[index] = Operand(operand.source, operand.output)
    origin = made.origins[operand.source]
    if origin >= 0:
        made.users[origin] += made.users[index]
    made.log("bypass", index, reason)


def guard(made: Made, index: int, case: Case, verdict: Verdict) -> tuple[Case, Verdict]:
    """Apply the rules that keep values finite."""
    for rule in (*GUARDS, *GUARDS):
        if verdict.reason is not None:
            break
        known = [made.bounds[o.source] for o in case.vertex.operands]
        after = bounds_after(case.vertex, known, case.flows, verdict.outputs[0])
        change = rule(case, known, after)
        if change is not None:
            guarded = apply(made, index, rule.__name__, case, change)
            if guarded == case:
                return case, Verdict(change.reason)
            case, verdict = guarded, judged(guarded)
    return case, verdict


def made_smaller(made: Made, index: int, case: Case, verdict: Verdict) -> tuple[Case, Verdict]:
    """Lower the channels of a layer that is too large."""
    if verdict.reason is not None or why_too_large(made.budget, verdict) is None:
        return case, verdict
    vertex = with_fewer_channels(case, made.budget.excess(verdict))
    if vertex is None:
        return case, verdict
    made.log("with_fewer_channels", index, why_too_large(made.budget, verdict) or "")
    case = case_of(made, vertex)
    return case, judged(case)


def locate(made: Made, index: int, operand: Operand) -> Operand:
    """Rule: an operand is an output that its vertex has; one that it has not is its first."""
    place = made.places[operand.source]
    slot = operand.output if operand.source in made.split else 0
    if operand.source in made.split and slot >= len(made.outputs[place.source]):
        made.log("locate", index, f"vertex {operand.source} has no output {slot}")
        slot = 0
    elif operand.source not in made.split:
        if operand.output and made.plan.vertices[operand.source].operator != "Split":
            made.log("locate", index, f"vertex {operand.source} has one output")
        slot = place.output
    return Operand(place.source, slot, operand.position)


def mend(made: Made, index: int, case: Case) -> tuple[Case, Verdict]:
    """Apply rules, each where the judge still objects, until it does not."""
    verdict = judged(case)
    for entry in RULES:
        if verdict.reason is None:
            break
        if not entry.is_for(case.operator, len(case.shape)):
            continue
        try:
            change = entry.rule(case)
        except NONSENSE:
            continue  # the attributes it reads make no sense: a later rule's business
        if change is not None:
            case = apply(made, index, entry.rule.__name__, case, change)
            verdict = judged(case)
    return case, verdict


def apply(made: Made, index: int, rule: str, case: Case, change: Change) -> Case:
    """Do what a rule asks for and log it; the case that comes of it."""
    vertex = change.vertex
    if not change.adapters:
        made.log(rule, index, change.reason)
    for adapter in change.adapters:
        operand = adapt(made, index, vertex.operands[adapter.operand], adapter)
        if operand is not None:
            operands = list(vertex.operands)
            if operand != operands[adapter.operand]:
                made.log(rule, index, change.reason)
            operands[adapter.operand] = operand
            vertex = replace(vertex, operands=tuple(operands))
    return case_of(made, vertex)


def adapt(made: Made, index: int, operand: Operand, adapter: Adapter) -> Operand | None:
    """Put an adapter before an operand; None where it does not run."""
    if adapter.channels is not None and set_channels(made, operand, adapter.channels):
        made.lasting.append(
            Edit("set_channels", made.draft_index(operand), f"{adapter.channels} are needed")
        )
        return operand
    source = Operand(operand.source, operand.output)
    if adapter.operator == "Resize":
        source = shield_resize(made, index, source)
    vertex = Vertex(adapter.operator, sorted_attributes(dict(adapter.attributes)), (source,))
    verdict = judged(case_of(made, vertex))
    if verdict.reason or why_too_large(made.budget, verdict):
        return None
    return replace(made.append(vertex, verdict, INSERTED), position=operand.position)

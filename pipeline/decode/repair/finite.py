"""The rules that keep values and gradients finite, by what a trial of the network showed.

A trial (:func:`pipeline.decode.trial.find_failure`) computes the network with the random
weights that files get and names the vertex where finite numbers end. A rule notes in the draft
what is to stand before that vertex, or that it is bypassed; then the draft is rebuilt.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from pipeline.decode.repair.builder import Builder
from pipeline.decode.repair.graph import INSERTED, Draft
from pipeline.decode.trial import Failure, infinite_attributes
from pipeline.graph.network import Attributes, Network, Operand, Shape, Vertex
from pipeline.operators.operands import FLOAT
from pipeline.operators.registry import operator_of
from pipeline.operators.schema import formal_name

LARGE, HUGE = 8.0, 12.0  # log2 of what normalising lowers by much; of what it is first for
SMALLEST = 2.0**-7  # denominator or radicand that is given
EPSILON = float(np.float32(1e-5))  # as a file gives it back


def keep_finite(
    draft: Draft, network: Network, places: Sequence[int], failure: Failure
) -> None:
    """Note in a draft what is to keep its values finite. ``places``: which vertex of the draft
    each vertex of the network is."""
    vertex, operand = _blamed(network, places, failure)
    index = places[vertex]
    if _drop_infinite(draft, index):
        return
    guards = [] if failure.is_refused else _guards(network.vertices[vertex], operand, failure)
    if not any(_note(draft, index, rule, positions) for rule, positions in guards):
        draft.refused[index] = failure.reason


def _drop_infinite(draft: Draft, index: int) -> bool:
    """Rule: an infinite number that goes on is left out."""
    infinite = infinite_attributes(draft.vertices[index])
    if infinite:
        draft.log("drop_infinite", index, f"{infinite[0]}: infinite numbers go on")
        kept = tuple(p for p in draft.vertices[index].attributes if p[0] not in infinite)
        draft.vertices[index] = replace(draft.vertices[index], attributes=kept)
    return bool(infinite)


def _guards(vertex: Vertex, operand: int, failure: Failure) -> list[tuple[str, list[int]]]:
    """What may help a vertex, the likeliest first: each a rule and the positions it is for."""
    operator = operator_of(vertex.operator)
    largest = ("normalise", [vertex.operands[operand].position])
    found = [largest] if failure.size > HUGE else []
    if operator is not None:
        filled = {
            formal_name(vertex.operator, o.position): o.position for o in vertex.operands
        }
        found += [
            ("keep_positive", [p for f, p in filled.items() if f in operator.positive]),
            (
                "keep_exponents_small",
                [p for f, p in filled.items() if f in operator.exponents],
            ),
        ]
    return [*found, largest] if failure.size > LARGE else found


def _blamed(network: Network, places: Sequence[int], failure: Failure) -> tuple[int, int]:
    """The vertex to act on, one of the draft, and the number of its operand: of a vertex that
    was put in, the first of the draft after it that depends on it."""
    vertex, operand = failure.vertex, failure.operand
    while places[vertex] < 0:
        vertex, operand = next(
            (user, number)
            for user in range(vertex + 1, len(network))
            for number, o in enumerate(network.vertices[user].operands)
            if o.source == vertex
        )
    return vertex, operand


def _note(draft: Draft, index: int, rule: str, positions: Sequence[int]) -> bool:
    """Note a guard at positions that have none of the kind; False where there is none."""
    new = [p for p in positions if rule not in draft.guards.get((index, p), [])]
    for position in new:
        draft.guards.setdefault((index, position), []).append(rule)
    return bool(new)


def guarded(builder: Builder, index: int, rule: str, operand: Operand) -> Operand:
    """Put what a rule asks for before an operand; the operand as it is where that does not
    run."""
    tensor = builder.tensor(operand)
    if tensor.dtype != FLOAT:
        return operand
    name, attributes = GUARDS[rule](tensor.shape)
    vertex = Vertex(name, attributes, (Operand(operand.source, operand.output),))
    verdict = builder.call(vertex).check()
    if verdict.reason is not None:
        return operand
    builder.log(rule, index, REASONS[rule])
    return replace(builder.append(vertex, verdict, INSERTED), position=operand.position)


def normalisation(shape: Shape) -> tuple[str, Attributes]:
    """A LayerNormalization of the last axis, or of more if that has one place."""
    axis = len(shape) - 1 if shape[-1:] > (1,) else min(1, len(shape) - 1)
    return "LayerNormalization", (("axis", axis), ("bias", 1), ("epsilon", EPSILON))


GUARDS = {
    "keep_positive": lambda _: ("Clip", (("min", SMALLEST),)),
    "keep_exponents_small": lambda _: ("Clip", (("max", 8.0), ("min", -8.0))),
    "normalise": normalisation,
}
REASONS = {
    "keep_positive": "a root, a logarithm or a quotient of what is not positive",
    "keep_exponents_small": "an exponent that is large",
    "normalise": "values grow beyond float32",
}

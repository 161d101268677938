"""What a trial shows, and what is then put before a vertex."""

from __future__ import annotations

import pytest
from drafts import Draft, conv, image, linear, vertex

from pipeline.decode.repair import repair
from pipeline.decode.trial import find_failure, is_finite
from pipeline.evaluate.runs import runs
from pipeline.graph.canonical import canonicalise
from pipeline.graph.network import Network, Vertex


def network_of(*body: Vertex) -> Network:
    return canonicalise(headed(*body), len(body) + 3)[0]


def headed(*body: Vertex) -> Draft:
    last = len(body)
    return [image(), *body, vertex("Flatten", last, axis=1), linear(last + 1),
            vertex("Output", last + 2)]  # fmt: skip


FAILING = {
    "a root of what is negative": ([conv(0, 4), vertex("Sqrt", 1)], 2, "keep_positive"),
    "a quotient of nothing": ([vertex("Relu", 0), vertex("Div", 0, 1)], 2, "keep_positive"),
    "a large exponent": (
        [vertex("Mul", 0, B=200.0), vertex("Exp", 1)], 2, "keep_exponents_small",
    ),
    "a power of what is large": (
        [vertex("Mul", 0, B=1e5), vertex("Pow", 1, Y=8.0)], 2, "normalise",
    ),
    "a gradient of a root at nothing": (
        [conv(0, 4), vertex("Sub", 1, 1), vertex("Sqrt", 2)], 3, "keep_positive",
    ),
}  # fmt: skip


@pytest.mark.parametrize("what", FAILING)
def test_the_vertex_where_finite_numbers_end_is_found_and_guarded(what: str) -> None:
    body, at, rule = FAILING[what]
    network = network_of(*body)
    failure = find_failure(network)
    assert not is_finite(network)
    assert failure is not None
    assert failure.vertex == at
    repaired = repair(network.vertices)
    assert runs(repaired.network) is None
    assert {edit.rule for edit in repaired.edits} == {rule}
    assert {edit.vertex for edit in repaired.edits} == {at}


def test_a_finite_network_has_no_failure() -> None:
    network = network_of(conv(0, 4), vertex("Exp", 1))
    assert is_finite(network)
    assert find_failure(network) is None


def test_what_torch_refuses_to_compute_is_named() -> None:
    network = network_of(
        conv(0, 4),
        vertex("ReduceMean", 1, axes=(2, 3), keepdims=0),
        vertex("ArgMax", 1, axis=2, keepdims=0, select_last_index=0),
        vertex("Gather", 2, 3, axis=1),
    )
    failure = find_failure(network)
    assert failure is not None
    assert failure.is_refused
    assert network.vertices[failure.vertex].operator == "Gather"

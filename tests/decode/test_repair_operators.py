"""Every operator in a draft: repair asks its traits, so that a new one needs no rule."""

from __future__ import annotations

import pytest
from drafts import Draft, conv, image, linear, vertex

from pipeline.decode.repair import repair
from pipeline.decode.repair.values import has_attribute, why_nonsense
from pipeline.evaluate.runs import runs
from pipeline.graph.network import Vertex
from pipeline.operators.operands import data_inputs, is_variadic
from pipeline.operators.registry import registered
from pipeline.operators.schema import schema_of

# What two maps of 8 channels are not enough for: the rest is kept.
BYPASSED = {"Gather", "GridSample", "Slice", "Squeeze", "Unsqueeze", "Where"}
UNTRAINED = {"ArgMax", "Equal", "Greater", "Less"}  # left out: no gradient flows through


def draft_of(tested: Vertex) -> Draft:
    """Two maps, the vertex tested at place 3, and a head."""
    return [image(), conv(0, 8), conv(1, 8), tested, conv(3, 8),
            vertex("Flatten", 4, axis=1), linear(5), vertex("Output", 6)]  # fmt: skip


@pytest.mark.parametrize("name", sorted(registered()))
def test_a_vertex_without_attributes_runs(name: str) -> None:
    """With as many operands as it computes with, two at most."""
    count = 2 if is_variadic(name) else min(2, len(data_inputs(name)))
    sources = (2, 1)[:count]
    repaired = repair(draft_of(vertex(name, *sources)))
    assert runs(repaired.network) is None
    is_kept = 3 in repaired.origins
    assert is_kept == (name not in BYPASSED | UNTRAINED)


@pytest.mark.parametrize("name", sorted(registered()))
def test_what_every_operator_says_of_itself(name: str) -> None:
    operator, schema = registered()[name], schema_of(name)
    formals = {formal.name for formal in schema.inputs}
    inputs = (*operator.structural, *operator.positive, *operator.exponents)
    assert formals.issuperset((*inputs, *operator.torch_names))
    assert not {*operator.structural} & operator.torch_names.keys()
    assert operator.target in ("", *operator.structural)
    assert operator.width in ("", *operator.summary)
    assert formals.issuperset(operator.initial) or is_variadic(name)
    assert all(has_attribute(name, a) for a in (*operator.choices, *operator.ranges))
    assert data_inputs(name)
    optional = {f.name for f in schema.inputs if f.option.name == "Optional"}
    assert optional <= {*operator.structural, *operator.torch_names}


@pytest.mark.parametrize("name", sorted(registered()))
def test_usual_values_make_sense(name: str) -> None:
    operator = registered()[name]
    values = operator.usual((1, 8, 12, 12))
    assert not [why for n in values if (why := why_nonsense(name, values, n))]

"""The rules on shapes, and that whatever comes in, what comes out runs."""

from __future__ import annotations

from dataclasses import replace
from math import inf

import pytest
from drafts import NETWORKS, Draft, conv, image, layer, linear, pool, vertex
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pipeline.decode.repair import Repaired, repair
from pipeline.decode.repair.agreement import resize
from pipeline.evaluate.runs import runs
from pipeline.graph.network import Operand, Value, Vertex


def headed(*body: Vertex) -> Draft:
    """An image, the body (operands from vertex 0 on), a head and an Output."""
    last = len(body)
    pooled = vertex("GlobalAveragePool", last)
    flat = vertex("Flatten", last + 1, axis=1)
    return [image(), *body, pooled, flat, linear(last + 2), vertex("Output", last + 3)]


BROKEN: dict[str, Draft] = {
    "channels that disagree": headed(conv(0, 8), conv(0, 6), vertex("Add", 1, 2)),
    "groups that do not divide": headed(conv(0, 8), conv(1, 8, group=3)),
    "a kernel larger than its input": headed(conv(0, 8, 31, pads=(0, 0, 0, 0))),
    "strides of zero": headed(conv(0, 8, strides=(0, 0))),
    "missing attributes": headed(vertex("Conv", 0, out_channels=8)),
    "a target that does not fit": headed(
        conv(0, 8), vertex("Reshape", 1, shape=(0, 7, -1, 5)), conv(2, 4)
    ),
    "bounds past the end": headed(
        conv(0, 8), vertex("Slice", 1, axes=(7,), starts=(90,), ends=(3,), steps=(0,))
    ),
    "a resize of two axes to no sizes": headed(
        conv(0, 8), vertex("Resize", 1, axes=(2, 3), sizes=(), mode="nearest")
    ),
    "a permutation of other axes": headed(conv(0, 8), vertex("Transpose", 1, perm=(0, 5))),
    "a map for a bound": headed(
        conv(0, 8), vertex("Clip", 1, 1), vertex("Clip", 2, min=0.0, max=6.0)
    ),
    "windows of four axes": headed(
        vertex("Reshape", 0, shape=(0, 3, 3, 2, 2, 12)),
        vertex("AveragePool", 1, kernel_shape=(1,) * 4, strides=(1,) * 4),
        vertex("Reshape", 2, shape=(0, 3, 12, 12)),
    ),
    "a divisor of next to nothing": headed(conv(0, 8), vertex("Celu", 1, alpha=1e-20)),
    "an axis that no tensor has": headed(
        conv(0, 8),
        vertex("Transpose", 1, perm=(0, 3, 2, 1)),
        vertex("Softmax", 2, axis=2**63 - 1),
    ),
    "a power of what may be small, in an exponent": headed(
        conv(0, 8), vertex("Pow", 1, 0), vertex("Exp", 2)
    ),
    "a power far below 0": headed(vertex("Sigmoid", 0), vertex("Pow", 1, Y=-900.0)),
    "a resize of what is not float32": headed(
        vertex("Transpose", 0, perm=(0, 3, 1, 2)), vertex("Cast", 1, to=7), vertex("Resize", 2)
    ),
    "a choice of truth values": headed(
        vertex("Equal", 0, 0), vertex("Where", 1, 1, 1), vertex("Cast", 2, to=1), conv(3, 4)
    ),
    "indices from elsewhere": headed(
        conv(0, 8),
        vertex("ReduceMean", 1, axes=(2, 3), keepdims=1),
        vertex("ArgMax", 1, axis=1, keepdims=0),
        vertex("Gather", 2, 3, axis=2),
        vertex("Nonsense", 4),
    ),
    "indices that are weights": headed(
        conv(0, 8),
        vertex("Gather", 1, **{"indices.parameter": (9,), "indices.dtype": "int64"}),
    ),
    "places that are an exponent": headed(
        vertex("ArgMax", 0, axis=2, keepdims=1),
        vertex("Cast", 1, to=1),
        vertex("Add", 0, 2),
        vertex("GlobalAveragePool", 3),
        vertex("Clip", 4, min=0.01),
        vertex("Pow", 5, 4),
    ),
    "a normalisation of rows": headed(
        vertex("Flatten", 0, axis=1), vertex("InstanceNormalization", 1, epsilon=1e-5)
    ),
    "a border of infinite numbers": headed(
        vertex("Pad", 0, pads=(0, 0, 1, 1, 0, 0, 1, 1), mode="constant", constant_value=-inf),
        conv(1, 8),
    ),
    "a border of nothing": headed(
        vertex("Pad", 0, pads=(), mode="constant", constant_value=-inf), conv(1, 8)
    ),
    "a border as wide as the window": headed(
        vertex("Pad", 0, pads=(0, 0, 2, 2, 0, 0, 2, 2), mode="constant", constant_value=-inf),
        pool("MaxPool", 1),
    ),
    "an image that is reflected too far": headed(
        vertex("Pad", 0, pads=(0, 0, 20, 0, 0, 0, 0, 0), mode="reflect")
    ),
    "a map for the value of a pad": headed(
        vertex("Pad", 0, 0, pads=(0, 0, 1, 1, 0, 0, 1, 1), mode="edge")
    ),
    "an output padding beyond the stride": headed(
        conv(0, 8), vertex("ConvTranspose", 1, kernel_shape=(3, 3), output_padding=(2, 2))
    ),
    "pads as large as the window": headed(
        conv(0, 8),
        vertex(
            "AveragePool",
            1,
            kernel_shape=(2, 2),
            strides=(1, 1),
            pads=(0, 0, 2, 2),
            count_include_pad=1,
        ),
    ),
    "a norm that nobody computes": headed(
        conv(0, 8), vertex("LpNormalization", 1, axis=1, p=5)
    ),
    "an operator that is none": headed(vertex("Nonsense", 0, size=3)),
}


def mended(draft: Draft) -> Repaired:
    repaired = repair(draft)
    assert runs(repaired.network) is None
    return repaired


@pytest.mark.parametrize("what", BROKEN)
def test_what_is_broken_runs_afterwards_and_says_why(what: str) -> None:
    repaired = mended(BROKEN[what])
    assert repaired.edits
    assert all(edit.rule and edit.reason for edit in repaired.edits)
    assert repair(repaired.network.vertices).edits == ()


def test_channels_are_brought_together_without_losing_the_sum() -> None:
    repaired = mended(BROKEN["channels that disagree"])
    assert "Add" in [v.operator for v in repaired.network.vertices]


def test_a_large_map_before_a_linear_layer_is_averaged_not_the_layer_cut() -> None:
    draft = [image(64, 64, 64), linear(0, 1000), vertex("Output", 1)]
    found = mended(draft).network.vertices
    assert [v.operator for v in found[1:-1]] == ["GlobalAveragePool", "Flatten", "Gemm"]
    assert found[-2].get("out_features") == 1000
    draft[0] = image(3, 12, 12)
    found = mended(draft).network.vertices
    assert [v.operator for v in found[1:-1]] == ["Flatten", "Gemm"]


def test_infinite_pads_before_a_max_pool_stay() -> None:
    pads = vertex(
        "Pad", 0, pads=(0, 0, 0, 0, 0, 0, 1, 1), constant_value=-inf, mode="constant"
    )
    draft = headed(pads, pool("MaxPool", 1, 3))
    assert mended(draft).edits == ()


def test_no_transpose_is_moved_through_a_resize() -> None:
    name, attributes = resize((9, 5))
    draft = headed(
        vertex("Transpose", 0, perm=(0, 3, 1, 2)), vertex("Sigmoid", 1),
        layer(name, 2, attributes), vertex("Transpose", 3, perm=(0, 2, 3, 1)),
        vertex("Nonsense", 4),
    )  # fmt: skip
    repaired = mended(draft)
    assert "shield_resize" in [edit.rule for edit in repaired.edits]
    assert repair(repaired.network.vertices).edits == ()


def test_a_resize_that_cannot_be_is_bypassed_without_its_shield() -> None:
    name, attributes = resize((9, 5))
    huge = {**dict(attributes), "sizes": (2**15, 2**15)}
    draft = headed(vertex("Transpose", 0, perm=(0, 3, 1, 2)), vertex(name, 1, **huge))
    found = [v.operator for v in mended([image(64, 64, 64), *draft[1:]]).network.vertices]
    assert not {"AveragePool", "Resize"} & set(found)


def test_every_vertex_says_where_it_comes_from() -> None:
    draft = BROKEN["channels that disagree"]
    repaired = mended(draft)
    for found, origin in zip(repaired.network.vertices, repaired.origins, strict=True):
        assert origin == -1 or draft[origin].operator == found.operator
    assert repaired.origins.count(0) == 1
    whole = repair(NETWORKS["residual"])
    assert sorted(whole.origins) == list(range(len(NETWORKS["residual"])))


def test_a_draft_without_an_input_gets_the_one_it_is_given() -> None:
    draft = [conv(0, 8), vertex("Output", 0)]
    assert repair(draft, image(3, 16, 16)).network.vertices[0] == image(3, 16, 16)
    assert repair(draft).network.vertices[0].get("shape") == (3, 224, 224)


values = st.one_of(
    st.integers(-3, 70),
    st.floats(-2, 2, width=32),
    st.lists(st.integers(-2, 9), max_size=5).map(tuple),
)


@settings(max_examples=40, deadline=None, suppress_health_check=list(HealthCheck))
@given(st.data())
def test_a_corrupted_network_runs(data: st.DataObject) -> None:
    draft = list(NETWORKS[data.draw(st.sampled_from(sorted(NETWORKS)))])
    for _ in range(data.draw(st.integers(1, 4))):
        index = data.draw(st.integers(0, len(draft) - 1))
        draft[index] = corrupted(data, draft, index)
    mended(draft)


def corrupted(data: st.DataObject, draft: Draft, index: int) -> Vertex:
    """One vertex with another operator, attribute or operand."""
    found = draft[index]
    what = data.draw(st.sampled_from(("operator", "attribute", "operand", "nothing")))
    if what == "operator":
        return replace(found, operator=draft[data.draw(st.integers(0, index))].operator)
    if what == "attribute" and found.attributes:
        name = data.draw(st.sampled_from([key for key, _ in found.attributes]))
        changed: dict[str, Value] = {**dict(found.attributes), name: data.draw(values)}
        return replace(found, attributes=tuple(sorted(changed.items())))
    if what == "operand":
        source = data.draw(st.integers(-1, len(draft)))
        return replace(found, operands=(*found.operands[:-1], Operand(source)))
    return replace(found, attributes=())

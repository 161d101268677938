"""The rules on the graph: each mends what it is for, and says so."""

from __future__ import annotations

from dataclasses import replace

import pytest
from drafts import NETWORKS, Draft, conv, image, linear, residual, vertex

from pipeline.decode.repair import Repaired, repair
from pipeline.evaluate.runs import runs
from pipeline.graph.network import Operand, Vertex


def mended(draft: Draft) -> Repaired:
    """The repaired draft, which must run and need no second repair."""
    repaired = repair(draft)
    assert runs(repaired.network) is None
    assert repair(repaired.network.vertices).edits == ()
    return repaired


def rules_of(repaired: Repaired) -> list[str]:
    return [edit.rule for edit in repaired.edits]


def operators_of(repaired: Repaired) -> list[str]:
    return [v.operator for v in repaired.network.vertices]


@pytest.mark.parametrize("name", NETWORKS)
def test_a_valid_network_is_not_touched(name: str) -> None:
    repaired = mended(NETWORKS[name])
    assert repaired.edits == ()
    assert list(repaired.network.vertices) == NETWORKS[name]


def test_a_valid_network_in_another_order_is_only_sorted() -> None:
    draft = residual()
    last = len(draft) - 1
    backwards = [
        replace(v, operands=tuple(replace(o, source=last - o.source) for o in v.operands))
        for v in reversed(draft)
    ]
    repaired = mended(backwards)
    assert repaired.edits == ()
    assert list(repaired.network.vertices) == draft


def test_nothing_at_all_becomes_a_network() -> None:
    repaired = mended([])
    assert operators_of(repaired) == ["Input", "Conv", "Output"]
    assert "keep_one_source" in rules_of(repaired)
    assert "keep_one_sink" in rules_of(repaired)


def test_an_edge_to_nowhere_is_dropped_and_the_vertex_reconnected() -> None:
    draft = residual()
    draft[4] = replace(draft[4], operands=(Operand(99),))
    repaired = mended(draft)
    assert rules_of(repaired) == ["drop_edges_to_nowhere", "fill_missing_operands"]
    assert list(repaired.network.vertices) == residual()
    assert repaired.edits[0].vertex == 4


def test_an_edge_that_runs_backwards_is_cut() -> None:
    draft = residual()
    draft[2] = replace(draft[2], operands=(Operand(7),))
    repaired = mended(draft)
    assert rules_of(repaired)[0] == "order_edges"
    assert list(repaired.network.vertices) == residual()


def test_users_of_a_second_source_take_the_first() -> None:
    draft = residual()
    draft[6] = image(7, 9, 9)
    repaired = mended(draft)
    assert rules_of(repaired)[0] == "keep_one_source"
    assert operators_of(repaired).count("Input") == 1


def test_a_second_sink_is_left_out() -> None:
    draft = residual()
    draft[6] = vertex("Output", 5)
    repaired = mended(draft)
    assert rules_of(repaired) == ["keep_one_sink"]
    assert operators_of(repaired).count("Output") == 1
    assert len(repaired.network) == len(draft) - 1


def test_a_draft_without_ends_gets_them() -> None:
    repaired = mended([conv(0, 4), vertex("Relu", 0)])
    assert {"keep_one_source", "keep_one_sink"} <= set(rules_of(repaired))
    assert operators_of(repaired) == ["Input", "Conv", "Relu", "Output"]


def test_a_chain_cut_off_is_reconnected_rather_than_dropped() -> None:
    draft = residual()
    draft[9] = replace(draft[9], operands=(Operand(3),))  # past the whole second half
    repaired = mended(draft)
    assert rules_of(repaired) == ["reach_the_sink"]
    assert list(repaired.network.vertices) == residual()


def test_a_dead_end_that_fits_nowhere_goes() -> None:
    draft = residual()
    draft = [*draft[:12], linear(10), vertex("Output", 11)]
    draft[11], draft[12] = draft[12], draft[11]
    draft[13] = vertex("Output", 12)
    repaired = mended(draft)
    assert rules_of(repaired) == ["reach_the_sink"]


def test_operands_are_placed_where_the_operator_has_inputs() -> None:
    draft = residual()
    draft[5] = replace(draft[5], operands=(Operand(4, 0, 0), Operand(3, 0, 0)))
    draft[8] = replace(draft[8], operands=(Operand(7, 0, 5), Operand(3, 0, 5)))
    repaired = mended(draft)
    assert rules_of(repaired) == [
        "place_operands", "place_operands", "drop_surplus_operands",
    ]  # fmt: skip
    assert list(repaired.network.vertices) == residual()


def test_a_sum_of_one_is_bypassed() -> None:
    draft = residual()
    draft[8] = vertex("Add", 7)
    repaired = mended(draft)
    assert rules_of(repaired) == ["bypass"]
    assert "Add" not in operators_of(repaired)


def test_a_vertex_without_operands_takes_the_one_before() -> None:
    draft = residual()
    draft[6] = Vertex("Relu")
    repaired = mended(draft)
    assert rules_of(repaired) == ["fill_missing_operands"]
    assert list(repaired.network.vertices) == residual()


def test_an_output_slot_that_is_not_there_is_the_first() -> None:
    draft = residual()
    draft[6] = replace(draft[6], operands=(Operand(5, 3, 0),))
    repaired = mended(draft)
    assert rules_of(repaired) == ["locate"]
    assert list(repaired.network.vertices) == residual()


def test_the_output_takes_what_can_be_trained() -> None:
    draft = [image(), conv(0, 4), vertex("ArgMax", 1, axis=1, keepdims=1, select_last_index=0)]
    repaired = mended([*draft, vertex("Output", 2)])
    assert "last_layer" in rules_of(repaired)
    assert operators_of(repaired) == ["Input", "Conv", "Output"]

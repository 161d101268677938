"""Edits give drafts; which of them are valid is measured elsewhere."""

from __future__ import annotations

from random import Random
from typing import TYPE_CHECKING

import pytest

from pipeline.program.edits import EDITS, change_repeat, scale_widths, splice

if TYPE_CHECKING:
    from pipeline import Network

NAMES = ("bvlc_alexnet", "squeezenet", "shufflenet")


@pytest.mark.parametrize("kind", EDITS)
@pytest.mark.parametrize("name", NAMES)
def test_an_edit_is_a_draft_and_changes_something(
    light: dict[str, Network], name: str, kind: str
) -> None:
    drafts = [EDITS[kind](light[name], Random(seed)) for seed in range(8)]
    assert all(draft[0].operator == "Input" for draft in drafts)
    changed = [draft for draft in drafts if tuple(draft) != light[name].vertices]
    assert changed or (kind == "repeat" and name == "bvlc_alexnet")


def test_edits_follow_their_seed(light: dict[str, Network]) -> None:
    for edit in EDITS.values():
        first, second = (tuple(edit(light["squeezenet"], Random(3))) for _ in range(2))
        assert first == second


def test_a_stage_grows_by_whole_blocks(light: dict[str, Network]) -> None:
    sizes = {len(change_repeat(light["shufflenet"], Random(seed))) for seed in range(12)}
    assert len(sizes) > 2


def test_all_widths_by_one_factor(light: dict[str, Network]) -> None:
    network = light["squeezenet"]
    draft = scale_widths(network, Random(1))
    was = [v.get("out_channels") for v in network.vertices if v.operator == "Conv"]
    now = [v.get("out_channels") for v in draft if v.operator == "Conv"]
    assert len(now) == len(was)
    assert sum(a != b for a, b in zip(was, now, strict=True)) > len(was) / 2


def test_one_network_goes_over_into_another(light: dict[str, Network]) -> None:
    first, second = light["squeezenet"], light["shufflenet"]
    draft = splice(first, second, Random(0))
    assert (draft[0].operator, draft[-1].operator) == ("Input", "Output")
    assert draft[1].operator == first.vertices[1].operator
    tail = [v.operator for v in draft[-5:]]
    assert tail == [v.operator for v in second.vertices[-5:]]

"""Structure rows: operands come back exactly, and any row at all says something."""

from __future__ import annotations

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.compress.structure import (
    BACK,
    END,
    FRESH,
    MORE,
    MOST,
    STRUCTURE,
    Source,
    read_structure,
    sources_of,
    structure_rows,
)
from pipeline.graph.canonical import canonical_order
from pipeline.graph.network import Network

NOTHING = (0,) * len(STRUCTURE.cardinalities)


def there_and_back(operators: list[str], sources: list[list[Source]]) -> list[list[Source]]:
    return read_structure([row or NOTHING for row in structure_rows(operators, sources)])


@st.composite
def drafts(draw: st.DrawFn) -> list[list[Source]]:
    """Operands of a random DAG: any earlier vertex, some repeated, some of other slots."""
    sources: list[list[Source]] = [[]]
    for index in range(1, draw(st.integers(1, 24))):
        operand = st.tuples(st.integers(0, index - 1), st.sampled_from([0, 0, 0, 1, 7]))
        sources.append(draw(st.lists(operand, max_size=4)))
    return sources


@given(drafts())
def test_what_fits_comes_back_exactly(sources):
    operators = ["Concat"] * len(sources)
    rows = structure_rows(operators, sources)
    back = there_and_back(operators, sources)
    for row, expected, found in zip(rows, sources, back, strict=True):
        assert row is None or found == expected


@given(drafts())
def test_in_canonical_order_too(sources):
    order = canonical_order([[v for v, _ in operands] for operands in sources], -1)
    place = {old: new for new, old in enumerate(order)}
    sources = [[(place[v], slot) for v, slot in sources[old]] for old in order if old != -1]
    operators = ["Concat"] * len(sources)
    rows = structure_rows(operators, sources)
    for row, expected, found in zip(
        rows, sources, there_and_back(operators, sources), strict=True
    ):
        assert row is None or found == expected


@given(st.lists(st.tuples(*(st.integers(0, c - 1) for c in STRUCTURE.cardinalities))))
def test_any_rows_give_operands_that_come_before(rows):
    for index, operands in enumerate(read_structure(rows)):
        assert all(0 <= source < index for source, _ in operands)


def test_rows_that_copy_copies_do_not_explode():
    copying = (MORE, *[END] * 5, *NOTHING[6:])
    one = (BACK, *[END] * 5, *NOTHING[6:])
    assert sum(map(len, read_structure([NOTHING, one, *[copying] * 500]))) <= 501
    growing = (BACK, MORE, MORE, MORE, MORE, MORE, 0, 14, 15, 15, 15, 14, 15, 15, 15)
    assert max(map(len, read_structure([NOTHING, *[growing] * 5]))) <= MOST
    fresh = (FRESH, *[END] * 5, 14, 15, 15, 15, *NOTHING[10:])
    assert max(map(len, read_structure([*[NOTHING] * 3000, fresh]))) <= MOST


@pytest.mark.parametrize("name", ["bvlc_alexnet", "squeezenet", "shufflenet", "densenet121"])
def test_real_networks_fit_and_come_back(light: dict[str, Network], name):
    vertices = light[name].vertices
    operators, sources = [v.operator for v in vertices], sources_of(vertices)
    rows = structure_rows(operators, sources)
    assert None not in rows
    assert read_structure(rows) == sources


def test_fields_stay_within_their_cardinalities(light):
    for network in light.values():
        operators = [v.operator for v in network.vertices]
        for row in structure_rows(operators, sources_of(network.vertices)):
            assert all(0 <= f < c for f, c in zip(row, STRUCTURE.cardinalities, strict=True))


def test_an_operand_below_the_top_of_the_stack_is_named_by_its_distance():
    """Concat(x, y, Relu(x)): Relu meets x first, but y lies above it."""
    sources = [[], [(0, 0)], [(0, 0)], [(1, 0)], [(1, 0), (2, 0), (3, 0)]]
    rows = structure_rows(["Input", "Relu", "Tanh", "Relu", "Concat"], sources)
    assert rows[3] is not None
    assert rows[3][:2] == (BACK, END)
    assert read_structure(rows) == sources


def test_a_concat_of_112_new_operands_is_one_symbol():
    sources = [[], *[[(0, 0)]] * 112, [(v, 0) for v in range(1, 113)]]
    rows = structure_rows(["Input", *["Conv"] * 112, "Concat"], sources)
    assert rows[-1] is not None
    assert rows[-1][:2] == (FRESH, END)
    assert read_structure(rows) == sources


def dense(layers: int) -> tuple[list[str], list[list[Source]]]:
    """Every Concat takes all that the one before it took, and one operand more."""
    operators, sources, features = ["Input", "Conv"], [[], [(0, 0)]], [(1, 0)]
    for _ in range(layers):
        sources += [list(features), [(len(sources), 0)]]
        operators += ["Concat", "Conv"]
        features = [*features, (len(sources) - 1, 0)]
    return operators, sources


def test_growing_concats_copy_the_one_before():
    operators, sources = dense(112)
    rows = structure_rows(operators, sources)
    assert None not in rows
    assert rows[-2][:3] == (MORE, FRESH, END)
    assert read_structure(rows) == sources


def test_what_does_not_fit_spoils_only_itself():
    scattered = [(v, 0) for v in (7, 1, 5, 3, 6, 2, 4)]
    sources = [[], *[[(v, 0)] for v in range(8)], scattered, [(8, 0), (9, 0)], [(10, 0)]]
    rows = structure_rows(["Concat"] * len(sources), sources)
    assert [index for index, row in enumerate(rows) if row is None] == [9]
    back = read_structure([row or NOTHING for row in rows])
    assert back == [*sources[:9], [], *sources[10:]]


@pytest.mark.parametrize("operands", [[(0, 16)], [(1, 1), (0, 2), (1, 3), (0, 4)]])
def test_slots_that_no_digits_hold_do_not_fit(operands):
    assert structure_rows(["a", "b", "c"], [[], [(0, 0)], operands])[2] is None


@pytest.mark.parametrize("operands", [
    [4, 10, 16, 22, 28, 31], [13, 7, 30, 2], [31, 26, 15, 2], [30, 27, 24, 21, 3, 1],
])  # fmt: skip
def test_spaced_operands_that_others_read_as_well_fit(operands):
    """VovNet's, DLA's, HarDNet's: every vertex before is read by the next one already."""
    sources = [[], *[[(v, 0)] for v in range(31)], [(v, 0) for v in operands]]
    rows = structure_rows(["Concat"] * len(sources), sources)
    assert rows[-1] is not None
    assert read_structure(rows) == sources


def test_outputs_of_one_split_are_two_and_how_many_more():
    sources = [[], [(0, 0)], [(0, 0)], [(1, slot) for slot in range(12)]]
    rows = structure_rows(["Input", "Split", "Relu", "Concat"], sources)
    assert rows[-1] is not None
    assert rows[-1][:4] == (BACK, BACK, MORE, END)
    assert read_structure(rows) == sources


def test_distances_reach_4680_and_no_further():
    sources = [[], *[[(v, 0)] for v in range(4690)]]
    for distance, fits in ((4680, True), (4681, False)):
        sources[-1] = [(len(sources) - 2, 0), (len(sources) - 1 - distance, 0)]
        sources[-1].reverse()
        row = structure_rows(["Add"] * len(sources), sources)[-1]
        assert (row is not None) is fits


def seconds(layers: int) -> float:
    operators, sources = dense(10)
    for index in range(len(sources), layers):
        operators.append(("Conv", "Add")[index % 2])
        sources.append([(index - 1, 0), (index - 9, 0)][: 1 + index % 2])
    started = time.process_time()
    assert there_and_back(operators, sources) == sources
    return time.process_time() - started


def test_time_is_linear_in_vertices():
    seconds(300)
    small = min(seconds(3000) for _ in range(3))
    large = min(seconds(12000) for _ in range(3))
    assert large < 4 * 3 * small, f"{small:.3f} s for 3,000 vertices, {large:.3f} for 12,000"

"""A network as its program and back: the very same vertices, in linear time."""

from __future__ import annotations

import sys
from collections.abc import Callable
from itertools import cycle, islice
from pathlib import Path
from random import Random
from types import FrameType
from typing import Any

import pytest
from hypothesis import given
from random_programs import SOURCE, any_lines, networks, said

from pipeline.graph.network import OUTPUT, Network, Operand, Vertex
from pipeline.program.instruction import Line
from pipeline.program.program import Program
from pipeline.tables.read import read_table
from pipeline.tables.read_networks import read_networks

TABLES = Path(__file__).parents[2] / "datasets/zoo/tables"
NETWORKS, SAMPLED = 1919, 150
LAYERS = (
    ("Conv", (("group", 1), ("out_channels", 64))),
    ("Conv", (("group", 64), ("out_channels", 64))),
    ("Conv", (("group", 1), ("out_channels", 256))),
    ("Relu", ()),
    ("Add", ()),
)


@given(networks)
def test_a_program_is_its_network(network: Network) -> None:
    again = network.program.network()
    assert repr(again.vertices) == repr(network.vertices)
    assert again.fingerprint == network.fingerprint


@given(any_lines)
def test_any_lines_are_a_draft(lines: list[Line]) -> None:
    if (size := said(lines)) < 200:  # more would only be slow
        draft = Program(tuple(lines)).draft
        assert len(draft) == size
        for index, vertex in enumerate(draft):
            assert all(0 <= o.source < index for o in vertex.operands)


def fingerprints() -> list[str]:
    return sorted(read_table(TABLES, "networks")["fingerprint"].to_pylist())


def assert_exact(chosen: list[str], count: int) -> None:
    seen = 0
    for fingerprint, network in read_networks(TABLES, chosen):
        assert repr(Program.of(network).network().vertices) == repr(network.vertices), (
            fingerprint
        )
        seen += 1
    assert seen == count


def test_real_networks_come_back() -> None:
    assert_exact(Random(0).sample(fingerprints(), SAMPLED), SAMPLED)


@pytest.mark.long
def test_every_network_of_the_zoo_comes_back() -> None:
    assert_exact(fingerprints(), NETWORKS)


def chain(layers: list[tuple[str, Any]]) -> Network:
    """One layer after the other; an Add also reads what lies four before."""
    vertices = [SOURCE]
    for operator, attributes in layers:
        last = len(vertices) - 1
        sources = (last, max(0, last - 4)) if operator == "Add" else (last,)
        operands = tuple(Operand(v, 0, i) for i, v in enumerate(sources))
        vertices.append(Vertex(operator, attributes, operands))
    return Network((*vertices, Vertex(OUTPUT, (), (Operand(len(vertices) - 1),))))


def drawn(size: int) -> Network:
    """Nothing in it repeats for long."""
    return chain(Random(1).choices(LAYERS, k=size))


def looped(size: int) -> Network:
    """One block, again and again."""
    return chain(list(islice(cycle(LAYERS), size)))


def lines_run(function: Callable[[], object]) -> int:
    """How many lines of Python a call runs."""
    count = 0

    def note(_frame: FrameType, event: str, _argument: object) -> Any:
        nonlocal count
        count += event == "line"
        return note

    before = sys.gettrace()
    sys.settrace(note)
    try:
        function()
    finally:
        sys.settrace(before)
    return count


@pytest.mark.parametrize("made", [drawn, looped])
def test_four_times_the_size_is_four_times_the_work(made: Callable[[int], Network]) -> None:
    small, large = made(2000), made(8000)
    written = [lines_run(lambda n=n: Program.of(n)) for n in (small, large)]
    read = [lines_run(Program.of(n).network) for n in (small, large)]
    assert 2 * written[0] < written[1] < 5 * written[0]
    assert 2 * read[0] < read[1] < 5 * read[0]


@pytest.mark.parametrize("made", [drawn, looped])
def test_twenty_thousand_vertices(made: Callable[[int], Network]) -> None:
    network = made(20_000)
    program = Program.of(network)
    assert program.network() == network
    assert len(program) < 20 if made is looped else len(program) > 1000

"""Operands as symbols and back."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st
from random_programs import networks

from pipeline.graph.network import Network, Operand, Vertex
from pipeline.program.instruction import TOP, Kind, Symbol
from pipeline.program.operands import MOST, OperandReader, OperandWriter

symbols = st.builds(
    Symbol, st.sampled_from(Kind), st.integers(0, 5) | st.integers(0, 2**31), st.integers(0, 9)
)


def vertex(*sources: int, operator: str = "Add") -> Vertex:
    return Vertex(operator, (), tuple(Operand(v, 0, i) for i, v in enumerate(sources)))


def written(*vertices: Vertex) -> list[tuple[Symbol, ...]]:
    writer = OperandWriter()
    return [writer.write(v) for v in vertices]


@given(networks)
def test_reader_and_writer_are_inverse(network: Network) -> None:
    reader = OperandReader()
    for said, v in zip(written(*network.vertices), network.vertices, strict=True):
        assert reader.read(said) == [(o.source, o.output) for o in v.operands]


@given(st.lists(st.lists(symbols, max_size=6), max_size=12))
def test_any_symbols_are_operands_before_their_vertex(said: list[list[Symbol]]) -> None:
    reader = OperandReader()
    for index, operands in enumerate(said):
        sources = reader.read(operands)
        assert len(sources) <= MOST + len(operands) + index
        assert all(0 <= source < index and slot >= 0 for source, slot in sources)


def test_a_chain_takes_the_top() -> None:
    assert written(vertex(), vertex(0), vertex(1)) == [(), TOP, TOP]


def test_two_branches_are_the_two_on_top() -> None:
    *_, add = written(vertex(), vertex(0), vertex(0), vertex(1, 2))
    assert add == (Symbol(Kind.FRESH, 2),)


def test_a_skip_is_a_distance() -> None:
    *_, add = written(vertex(), vertex(0), vertex(1), vertex(2, 0))
    assert add == (Symbol(Kind.FRESH, 1), Symbol(Kind.BACK, 3))


def test_even_distances_are_one_symbol() -> None:
    layers = [vertex(), *(vertex(i) for i in range(10))]
    *_, joined = written(*layers, vertex(10, 8, 6, 4, 2))
    assert joined == (Symbol(Kind.FRESH, 1), Symbol(Kind.BACK, 3), Symbol(Kind.EVEN, 3))


def test_growing_lists_are_those_before_and_more() -> None:
    layers = [vertex(), *(vertex(i, operator="Conv") for i in range(9))]
    *_, joined = written(*layers, vertex(9, 2, 7, 1, 5), vertex(9, 2, 7, 1, 5, 10))
    assert joined == (Symbol(Kind.LIKE, 1), Symbol(Kind.FRESH, 1))


def test_more_operands_than_most_come_back() -> None:
    sources = [*range(MOST + 500, 0, -1), 7, 3, *range(2, 900, 2)]
    vertices = [vertex(), *(vertex(i) for i in range(MOST + 500)), vertex(*sources)]
    reader = OperandReader()
    for said in written(*vertices, vertex(*sources, 9)):
        read = reader.read(said)
    assert read == [(source, 0) for source in [*sources, 9]]

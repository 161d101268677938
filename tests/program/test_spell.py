"""Vertices as instructions and back, one each."""

from __future__ import annotations

from hypothesis import given
from random_programs import SOURCE, networks

from pipeline.graph.network import OUTPUT, Network, Operand, Vertex
from pipeline.program.instruction import Ratio, Recent
from pipeline.program.spell import free_positions, read, spell


@given(networks)
def test_instructions_are_their_vertices(network: Network) -> None:
    said = spell(network)
    assert len(said) == len(network)
    assert repr(tuple(read(said))) == repr(network.vertices)


def test_alike_layers_of_two_stages_are_one_word() -> None:
    def conv(source: int, width: int, group: int) -> Vertex:
        attributes = (("group", group), ("out_channels", width))
        return Vertex("Conv", attributes, (Operand(source),))

    layers = (conv(0, 32, 1), conv(1, 32, 32), conv(2, 64, 1), conv(3, 64, 64))
    said = spell(Network((SOURCE, *layers, Vertex(OUTPUT, (), (Operand(4),)))))
    assert said[2] == said[4]
    assert said[2].attributes == (("group", Ratio(1, 1)), ("out_channels", Recent(0)))
    assert said[3].attributes == (("group", 1), ("out_channels", Ratio(2, 1)))


def test_positions_that_constants_fill_are_skipped() -> None:
    assert free_positions("Clip", ["min"], 1) == (0,)
    assert free_positions("Sub", ["A"], 1) == (1,)
    assert free_positions("NoSuchOperator", ["A"], 2) == (0, 1)

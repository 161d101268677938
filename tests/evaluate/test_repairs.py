"""Counting what repair did."""

from __future__ import annotations

from collections import Counter

import pytest

from pipeline.decode.repair import repair
from pipeline.evaluate.repairs import Tally, quantile, vertices_kept
from pipeline.graph.network import Operand, Vertex


def vertex(operator, *sources, **attributes):
    operands = tuple(Operand(source, 0, place) for place, source in enumerate(sources))
    return Vertex(operator, tuple(sorted(attributes.items())), operands)


IMAGE = vertex("Input", dtype="float32", shape=(3, 8, 8))
FINE = [IMAGE, vertex("Relu", 0), vertex("Output", 1)]
ODD = [IMAGE, vertex("Relu", 0), vertex("Nonsense", 1), vertex("Output", 2)]


def test_vertices_are_kept_by_where_they_come_from():
    assert vertices_kept(FINE, repair(FINE)) == 3
    repaired = repair(ODD)
    assert repaired.origins == (0, 1, 3)
    assert vertices_kept(ODD, repaired) == 3
    reordered = [FINE[2], IMAGE, vertex("Relu", 1)]
    reordered[0] = vertex("Output", 2)
    assert vertices_kept(reordered, repair(reordered)) == 3


def test_a_vertex_that_repair_put_in_has_no_origin():
    repaired = repair([vertex("Relu", 0)])
    assert -1 in repaired.origins
    assert len(repaired.origins) == len(repaired.network)
    assert vertices_kept([vertex("Relu", 0)], repaired) == 1


def test_counts_add_up():
    tally = Tally()
    tally.add(FINE, repair(FINE), ran=True)
    tally.add(ODD, repair(ODD), ran=False)
    tally.add(ODD, None, ran=False)
    found = tally.summary()
    assert (found["networks"], found["untouched"]) == (3, 1)
    assert found["runs"] == pytest.approx(1 / 3)
    assert (tally.vertices, tally.supported, tally.kept, tally.made) == (11, 9, 6, 6)
    assert tally.rules == {"bypass": 1}


def test_quantiles_of_counts():
    counts = Counter({0: 50, 3: 45, 9: 5})
    assert [quantile(counts, s) for s in (0.5, 0.51, 0.95, 0.96, 1.0)] == [0, 3, 3, 9, 9]
    assert quantile(Counter(), 0.5) == 0

"""One vector a network: the same for the same network, near for what is built alike."""

from __future__ import annotations

import numpy as np
import pytest

from pipeline.compress.projection import WIDTH, Projection, patterns_of
from pipeline.graph.canonical import canonicalise
from pipeline.graph.network import Network, Operand, Vertex


def chain(*operators: str, channels: int = 8) -> Network:
    vertices = [Vertex("Input", (("shape", (3, 8, 8)),))]
    for index, operator in enumerate((*operators, "Output")):
        attributes = (("out_channels", channels),) if operator == "Conv" else ()
        vertices.append(Vertex(operator, attributes, (Operand(index),)))
    return canonicalise(vertices, len(vertices) - 1)[0]


PLAIN = [chain(*["Conv", "Relu"] * n, channels=c) for n in (2, 4, 6) for c in (8, 16)]
SMOOTH = [chain(*["Conv", "Sigmoid", "Mul"] * n, channels=c) for n in (2, 4) for c in (8, 16)]


@pytest.fixture(scope="module")
def projection() -> Projection:
    return Projection.fit([*PLAIN, *SMOOTH])


def test_vectors_have_the_width_of_the_table(projection):
    vector = projection.vector(PLAIN[0])
    assert vector.shape == (WIDTH,)
    assert vector.dtype == np.float32
    assert np.isfinite(vector).all()


def test_what_is_built_alike_is_near(projection):
    def cosine(a: Network, b: Network) -> float:
        x, y = projection.vector(a), projection.vector(b)
        return float(x @ y / np.linalg.norm(x) / np.linalg.norm(y))

    assert cosine(PLAIN[0], PLAIN[2]) > cosine(PLAIN[0], SMOOTH[0])
    assert cosine(SMOOTH[0], SMOOTH[2]) > cosine(SMOOTH[0], PLAIN[0])


def test_fitting_twice_gives_the_same_bits(projection):
    again = Projection.fit([*PLAIN, *SMOOTH])
    assert again.patterns == projection.patterns
    assert again.directions.tobytes() == projection.directions.tobytes()


def test_patterns_of_a_single_network_are_left_out():
    projection = Projection.fit([*PLAIN, chain("Tanh")])
    assert not any("Tanh" in pattern for pattern in projection.patterns)
    assert np.isfinite(projection.vector(chain("Tanh", "Tanh"))).all()


def test_patterns_count_operators_and_runs_of_them():
    found = patterns_of(chain("Conv", "Relu", "Conv", "Relu"))
    assert found["Conv(out_channels)"] == 2
    assert found["Conv>Relu"] == 2
    assert found["Conv>Relu>Conv"] == 1
    assert found["Input>Conv"] == 1


def test_real_networks_have_different_vectors(light):
    projection = Projection.fit(list(light.values()))
    vectors = [projection.vector(n).tobytes() for n in light.values()]
    assert len(set(vectors)) == len(light)


def test_patterns_count_widths_in_half_octaves():
    found = patterns_of(chain("Conv", "Conv", "Relu", channels=64))
    assert found["width=12"] == 2
    assert patterns_of(chain("Conv", channels=65))["width=12"] == 1
    assert patterns_of(chain("Conv", channels=96))["width=13"] == 1


def test_networks_that_differ_in_their_widths_have_different_vectors(projection):
    narrow, wide = (projection.vector(PLAIN[i]) for i in (0, 1))
    assert not np.array_equal(narrow, wide)

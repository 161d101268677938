"""The vectors of a space: of a point's network, computed once a design, and kept."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest

from pipeline.errors import DataError
from pipeline.harvest.nasbench201 import number_of
from pipeline.search.space import Space
from pipeline.search.spaces import load_space
from pipeline.search.vectors import space_vectors, standardised

if TYPE_CHECKING:
    from pipeline import Codec

NODES = "|{}~0|+|{}~0|{}~1|+|{}~0|none~1|{}~2|"
CELLS = (
    NODES.format("none", "none", "none", "nor_conv_1x1", "none"),
    NODES.format("nor_conv_3x3", "none", "none", "nor_conv_1x1", "none"),  # leads nowhere more
    NODES.format("none", "nor_conv_3x3", "none", "nor_conv_1x1", "skip_connect"),
    NODES.format("none", "none", "none", "none", "none"),
)


@pytest.fixture
def four() -> Space:
    """Four cells: two of one network, another, and one that is none."""
    whole = load_space("nasbench201")
    points = [number_of(cell) for cell in CELLS]
    return replace(
        whole,
        choices=whole.choices[points],
        spell=lambda point: whole.spell(points[point]),
        assemble=lambda point: whole.assemble(points[point]),
    )


def test_a_point_has_the_vector_of_its_network(
    four: Space, tiny_codec: Codec, tmp_path: Path
) -> None:
    vectors = space_vectors(four, tiny_codec, tmp_path)
    assert np.isnan(vectors).all(axis=1).tolist() == [False, False, False, True]
    assert (vectors[0] == vectors[1]).all()
    assert (vectors[0] != vectors[2]).any()
    assert np.allclose(vectors[2], tiny_codec.means([four.network(2)])[0])


def test_vectors_are_computed_once(four: Space, tiny_codec: Codec, tmp_path: Path) -> None:
    first = space_vectors(four, tiny_codec, tmp_path)
    blind = replace(four, assemble=lambda point: pytest.fail("computed again"))
    assert np.array_equal(space_vectors(blind, tiny_codec, tmp_path), first, equal_nan=True)
    (file,) = tmp_path.iterdir()
    shorter = replace(four, choices=four.choices[:3])
    with pytest.raises(DataError, match="not a vector a point"):
        space_vectors(shorter, tiny_codec, tmp_path)
    file.write_bytes(file.read_bytes()[:-20])
    with pytest.raises(DataError, match="damaged"):
        space_vectors(four, tiny_codec, tmp_path)


def test_standardised_numbers_have_mean_0_and_deviation_1() -> None:
    vectors = np.array([[1.0, 7.0], [3.0, 7.0], [np.nan, np.nan]])
    found = standardised(vectors)
    assert found[:2].tolist() == [[-1, 0], [1, 0]]
    assert np.isnan(found[2]).all()

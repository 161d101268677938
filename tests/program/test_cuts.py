"""Where one tensor carries a network."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pipeline.program.cuts import cut_points

if TYPE_CHECKING:
    from pipeline import Network


def test_cut_points_are_all_that_later_layers_hang_on(light: dict[str, Network]) -> None:
    network = light["squeezenet"]
    points = cut_points(network)
    assert points[0] == 0
    assert len(network) - 2 in points
    for point in points:
        later = range(point + 1, len(network))
        assert all(o.source >= point for i in later for o in network.vertices[i].operands)

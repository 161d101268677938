"""The metrics of a codec over the zoo: held out by family, and what each share says."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

from pipeline.compress.split import SplitParams
from pipeline.evaluate.zoo import (
    Restored,
    ZooEvaluation,
    evaluate_zoo,
    measure_neighbours,
    measure_vertices,
)

SPLIT = SplitParams(held_out=("squeezenet",), share=0.0)
FAMILIES = {"squeezenet": "squeezenet", "shufflenet": "plain", "bvlc_alexnet": "plain"}


@pytest.fixture(scope="module")
def networks(light):
    return {light[name].fingerprint: light[name] for name in FAMILIES}


@pytest.fixture(scope="module")
def families(light):
    return {light[name].fingerprint: family for name, family in FAMILIES.items()}


def test_metrics_of_the_held_out_networks(tiny_codec, light, networks, families):
    params = ZooEvaluation(run=1, prior=1, prior_vertices=8)
    found = evaluate_zoo(tiny_codec, networks, families, SPLIT, params)
    assert (found["networks"], found["families"]) == (1, ["squeezenet"])
    assert found["vertices"] == len(light["squeezenet"])
    assert found["exact_with_patch"] == 1.0
    patch = tiny_codec.encode(light["squeezenet"]).patch
    assert found["patch_bytes_total"] == found["patch_bytes_median"] == len(patch)
    assert found["patch_empty"] == found["exact_from_vectors"] == float(not patch)
    assert (
        0.5
        < found["vertex_exact"]
        <= min(
            found[name] for name in ("operator_exact", "attributes_exact", "adjacency_exact")
        )
    )
    assert found["json_zlib_bytes_total"] > 0
    assert (found["runs_measured"], found["prior_networks"]) == (1, 1)
    assert found["runs"] in (0.0, 1.0)
    assert (found["runs"] == 1.0) is (found["runs_failures"] == [])
    json.dumps(found)


def test_no_held_out_network_gives_no_share(tiny_codec, networks, families):
    split = SplitParams(held_out=(), share=0.0)
    found = evaluate_zoo(tiny_codec, networks, families, split, ZooEvaluation())
    assert (found["networks"], found["exact_from_vectors"], found["runs"]) == (0, None, None)


def test_a_vertex_is_exact_when_all_three_parts_are(light):
    network = light["squeezenet"]
    n = len(network)
    draft = list(network.vertices)
    draft[3] = replace(draft[3], operator="Other")
    draft[4] = replace(draft[4], attributes=(("other", 1),))
    draft[5] = replace(draft[5], operands=())
    restored = {network.fingerprint: Restored(None, draft, None)}  # type: ignore[arg-type]
    found = measure_vertices(restored, {network.fingerprint: network})
    assert found == {
        "operator_exact": pytest.approx((n - 1) / n),
        "attributes_exact": pytest.approx((n - 1) / n),
        "adjacency_exact": pytest.approx((n - 1) / n),
        "vertex_exact": pytest.approx((n - 3) / n),
    }


def test_neighbours_are_counted_within_the_family(tiny_codec, networks, families):
    held_out = dict(networks)
    found = measure_neighbours(tiny_codec, networks, families, held_out)
    assert found["neighbours_measured"] == 2  # the family of one has no neighbour
    assert 0 <= found["nearest_of_family"] <= 1
    alike = dict.fromkeys(families, "same")
    assert measure_neighbours(tiny_codec, networks, alike, held_out)["nearest_of_family"] == 1

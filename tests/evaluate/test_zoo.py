"""The measures of vectors: that they can fail, and what they say of a small codec."""

from dataclasses import replace

import numpy as np
import pytest

from pipeline import Network
from pipeline.decode.program_codec import ProgramCodec
from pipeline.evaluate.neighbours import measure_distances, measure_retrieval
from pipeline.evaluate.restoring import divergence_bits, is_network, restore_all
from pipeline.evaluate.zoo import ZooEvaluation, evaluate_zoo
from pipeline.tables.split import Split

TEST, TRAIN = ("bvlc_alexnet", "squeezenet"), ("shufflenet", "densenet121")
PARAMS = ZooEvaluation(
    run=1, noise=2, smooth=1, steps=2, pairs=1, prior=1, distances=20, queries=2
)


@pytest.fixture(scope="module")
def metrics(tiny_codec: ProgramCodec, light: dict[str, Network]) -> dict:
    networks = {n.fingerprint: n for n in light.values()}
    names = {n.fingerprint: name for name, n in light.items()}
    parts = {**dict.fromkeys(TEST, "test"), **dict.fromkeys(TRAIN, "train")}
    split = Split(parts, names)  # every network a group of its own
    return evaluate_zoo(tiny_codec, networks, names, split, PARAMS)


def test_held_out_networks_are_what_is_measured(metrics: dict) -> None:
    assert metrics["networks"] == metrics["exact"]["cases"] == 2
    assert metrics["groups"] == ["bvlc_alexnet", "squeezenet"]
    assert metrics["exact"]["share"] == metrics["exact_with_residual"]["share"] == 1
    assert metrics["exact_noise_0.1"]["share"] == 1
    assert metrics["residual_bits_median"] == 0


def test_trivial_methods_stand_beside(metrics: dict) -> None:
    rows = metrics["nothing_learned"]
    assert set(rows) == {"fields and place value", "program, zero-order counts"}
    assert rows["fields and place value"]["bits_per_vertex"] == 153


def test_distances_stand_beside_trivial_ones(light: dict[str, Network]) -> None:
    networks = list(light.values())  # in edit distance as far apart as in size
    sizes = [np.log([len(network)]) for network in networks]
    found = measure_distances(networks, sizes, 50, np.random.default_rng(0))
    assert found["distance_spearman"] == found["distance_spearman_size"] == pytest.approx(1)
    assert 0 < found["distance_spearman_operators"] < 1
    others = [*sizes[1:], sizes[0]]  # each has another's
    found = measure_distances(networks, others, 50, np.random.default_rng(0))
    assert found["distance_spearman"] < 0.5


def test_another_spelling_finds_its_network_first(metrics: dict) -> None:
    assert metrics["respelled_found_1"]["share"] == 1
    assert metrics["respelled_found_1"]["cases"] == 2


def test_vectors_of_other_networks_find_nothing(
    tiny_codec: ProgramCodec, light: dict[str, Network]
) -> None:
    networks = list(light.values())
    wrong = list(np.roll(tiny_codec.means(networks), 1, axis=0))
    found = measure_retrieval(tiny_codec, networks, wrong, 4, np.random.default_rng(0))
    assert found["respelled_found_1"]["share"] == 0


def test_a_barely_trained_codec_does_not_pass(metrics: dict) -> None:
    assert metrics["prior_valid"]["share"] < 1
    assert metrics["exact_smooth"]["share"] < 1


def test_exactness_can_fail(tiny_codec: ProgramCodec, light: dict[str, Network]) -> None:
    narrow = replace(tiny_codec, width=tiny_codec.smooth + 2)
    network = light["squeezenet"]
    known = {network.fingerprint: network}
    (restored,) = restore_all(narrow, known, dict.fromkeys(known, "real"))
    assert not restored.exact
    assert restored.code.bits > 0
    assert not is_network(None, network)


def test_a_posterior_that_is_the_prior_has_no_divergence() -> None:
    assert divergence_bits(np.zeros((1, 4)), np.ones((1, 4))) == pytest.approx(0)
    assert divergence_bits(np.ones((1, 4)), np.ones((1, 4))) == pytest.approx(2 / np.log(2))


def test_distances_of_too_few_networks_are_not_measured(tiny_codec: ProgramCodec) -> None:
    found = measure_distances([], [], 10, np.random.default_rng(0))
    assert found["distance_spearman"] is None

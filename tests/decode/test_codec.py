"""Networks through one vector each and back."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from pipeline import Network, load_codec
from pipeline.decode.codec import accept_or_repair, codec_names, valid
from pipeline.decode.program_codec import ProgramCodec
from pipeline.errors import DataError, InvalidNetwork
from pipeline.graph.network import Vertex


@pytest.mark.parametrize("name", ["bvlc_alexnet", "squeezenet", "shufflenet"])
def test_the_vector_alone_gives_the_network(
    tiny_codec: ProgramCodec, light: dict[str, Network], name: str
) -> None:
    code = tiny_codec.encode(light[name])
    assert code.vector.shape == (256,)
    assert code.vector.dtype == np.float16
    assert not code.residual
    assert Network(tiny_codec.draft(code.vector)) == light[name]
    assert tiny_codec.decode(code) == light[name]
    assert tiny_codec.decode(code, residual=False) == light[name]


def test_what_does_not_fit_the_vector_is_the_residual(
    tiny_codec: ProgramCodec, light: dict[str, Network]
) -> None:
    narrow = replace(tiny_codec, width=tiny_codec.smooth + 5)
    network = light["squeezenet"]
    code = narrow.encode(network)
    assert code.bits > 0
    assert len(code.residual) == -(-code.bits // 8)
    assert narrow.decode(code) == network
    assert narrow.decode(code, residual=False) != network


def test_networks_of_a_batch_are_encoded_as_they_are_alone(
    tiny_codec: ProgramCodec, light: dict[str, Network]
) -> None:
    together = tiny_codec.encode(list(light.values()))
    for code, network in zip(together, light.values(), strict=True):
        assert code.to_bytes() == tiny_codec.encode(network).to_bytes()


def test_small_noise_changes_nothing(
    tiny_codec: ProgramCodec, light: dict[str, Network]
) -> None:
    network = light["bvlc_alexnet"]
    vector = tiny_codec.encode(network).vector.astype(float)
    noise = np.random.default_rng(0).standard_normal(len(vector)) * 1e-3
    assert Network(tiny_codec.draft(vector + noise)) == network


def test_spelling_does_not_move_the_smooth_part(
    tiny_codec: ProgramCodec, light: dict[str, Network]
) -> None:
    from pipeline.design.design import design_of

    network = light["shufflenet"]
    folded = design_of(network)
    assert folded != network
    first, second = tiny_codec.means([network, folded])
    assert (first == second).all()


def test_refining_needs_fewer_bits(
    tiny_codec: ProgramCodec, light: dict[str, Network]
) -> None:
    network = light["squeezenet"]
    tokens = tiny_codec.tokens(network)
    guess, better = (tiny_codec.smooth_parts([network], steps)[0] for steps in (0, 20))
    assert tiny_codec.bits(better, tokens) < tiny_codec.bits(guess, tokens)
    assert tiny_codec.decode(tiny_codec.encode(network, steps=5)) == network


def test_any_vector_says_some_draft(tiny_codec: ProgramCodec) -> None:
    vectors = np.random.default_rng(1).standard_normal((4, 256)).astype(np.float16)
    for draft in tiny_codec.drafts(list(vectors), most=300):
        assert all(isinstance(vertex, Vertex) for vertex in draft)


def test_a_code_of_another_codec_is_refused(
    tiny_codec: ProgramCodec, light: dict[str, Network]
) -> None:
    code = tiny_codec.encode(light["squeezenet"])
    with pytest.raises(DataError, match="another codec"):
        tiny_codec.decode(replace(code, digest="0" * 32))


def test_a_code_that_names_another_network_is_refused(
    tiny_codec: ProgramCodec, light: dict[str, Network]
) -> None:
    code = tiny_codec.encode(light["squeezenet"])
    with pytest.raises(InvalidNetwork, match="gives"):
        tiny_codec.decode(replace(code, fingerprint="0" * 32))


def test_a_valid_draft_is_not_touched_and_another_is_repaired(
    light: dict[str, Network],
) -> None:
    network = light["squeezenet"]
    assert accept_or_repair(network.vertices).network is not None
    assert accept_or_repair(network.vertices).edits == ()
    broken = [v for i, v in enumerate(network.vertices) if i != 5]
    assert valid(broken) is None
    assert accept_or_repair(broken).edits


def test_vertices_have_vectors(tiny_codec: ProgramCodec, light: dict[str, Network]) -> None:
    network = light["squeezenet"]
    vectors = tiny_codec.vertex_vectors(network)
    assert vectors.shape == (len(network), 16)
    assert np.isfinite(vectors).all()
    assert vectors.std(0).max() > 0


def test_an_unknown_codec_is_answered_with_the_known(tiny_codec_folder: Path) -> None:
    assert codec_names(tiny_codec_folder, "networks") == ["tiny"]
    with pytest.raises(DataError, match="known are: tiny"):
        load_codec("none", tiny_codec_folder)

"""Training a codec of whole networks: it learns, goes on after a stop, ships whole."""

from pathlib import Path

import pytest
import torch

from pipeline import Network, load_codec
from pipeline.compress.trainer import TrainParams
from pipeline.compress.zoo import ZooParams, save_zoo_codec, train_zoo

MODEL = {"width": 16, "heads": 2, "encoder_layers": 1, "decoder_layers": 1, "latent": 4}


def params(epochs: int) -> ZooParams:
    training = TrainParams(epochs=epochs, batch=4, learning_rate=0.01, divergence_weight=0.01)
    return ZooParams(model=MODEL, edited=0, rows=12, longest=600, training=training)


@pytest.fixture(scope="module")
def networks(light: dict[str, Network]) -> list[Network]:
    return [light["squeezenet"], light["bvlc_alexnet"]]


def test_a_codec_learns_and_comes_back_from_its_files(
    networks: list[Network], tmp_path: Path
) -> None:
    codec = train_zoo(params(6), networks, ["a", "b"], networks, tmp_path / "checkpoints")
    first, last = codec.trained.curve[0], codec.trained.curve[-1]
    assert last["train_reconstruction"] < first["train_reconstruction"] * 0.8
    save_zoo_codec(tmp_path, "small", codec, networks)
    loaded = load_codec("small", tmp_path)
    state = loaded.model.state_dict()
    for name, value in codec.model.state_dict().items():
        assert torch.equal(state[name], value), name
    assert repr(loaded.vocabulary.entries) == repr(codec.vocabulary.entries)
    assert loaded.card["trained_on"]["networks"] == 2
    assert (loaded.model.grid > 0).all()
    assert loaded.decode(loaded.encode(networks[0])) == networks[0]


def test_an_interrupted_training_goes_on_to_the_same_end(
    networks: list[Network], tmp_path: Path, monkeypatch
) -> None:
    from pipeline.compress import trainer

    whole = train_zoo(params(3), networks, ["a", "b"], networks, tmp_path / "whole")
    point = trainer._Loop._test

    def stopped(loop):
        if loop.current_epoch == 1:
            raise KeyboardInterrupt
        return point(loop)

    monkeypatch.setattr(trainer._Loop, "_test", stopped)
    with pytest.raises((KeyboardInterrupt, SystemExit)):
        train_zoo(params(3), networks, ["a", "b"], networks, tmp_path / "again")
    monkeypatch.setattr(trainer._Loop, "_test", point)
    again = train_zoo(params(3), networks, ["a", "b"], networks, tmp_path / "again")
    for name, value in whole.model.state_dict().items():
        assert torch.equal(again.model.state_dict()[name], value), name

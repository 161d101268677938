"""Real networks, and a codec trained for a few seconds, that many tests share."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from hypothesis import settings

if TYPE_CHECKING:
    from pipeline import Network
    from pipeline.decode.program_codec import ProgramCodec

NAMES = ("bvlc_alexnet", "squeezenet", "shufflenet", "densenet121")
TRAINED_ON = ("bvlc_alexnet", "squeezenet", "shufflenet")

settings.register_profile("unhurried", deadline=None)  # no verdict hangs on the clock
settings.load_profile("unhurried")


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--layers", type=int, default=8, help="Random layers of each operator.")


@pytest.fixture(scope="session", autouse=True)
def cache_home(tmp_path_factory: pytest.TempPathFactory) -> None:
    """What is remembered of files that were read goes to no cache of the user's."""
    os.environ["XDG_CACHE_HOME"] = str(tmp_path_factory.mktemp("cache"))


@pytest.fixture(scope="session")
def light_folder() -> Path:
    """Where the onnx wheel keeps its real models."""
    from pipeline.harvest.sources.onnx_wheel import FOLDER

    return FOLDER


@pytest.fixture(scope="session")
def light(light_folder: Path) -> dict[str, Network]:
    """Real networks by name."""
    from pipeline import read_onnx

    return {name: read_onnx(light_folder / f"light_{name}.onnx") for name in NAMES}


@pytest.fixture(scope="session")
def tiny_codec_folder(
    light: dict[str, Network], tmp_path_factory: pytest.TempPathFactory
) -> Path:
    """A folder that holds one codec of the zoo, ``tiny``, that never saw DenseNet121."""
    import torch

    from pipeline.compress.trainer import TrainParams
    from pipeline.compress.zoo import ZooParams, save_zoo_codec, train_zoo

    training = TrainParams(epochs=3, batch=4, learning_rate=0.003, divergence_weight=0.02)
    model = {"width": 32, "heads": 2, "encoder_layers": 1, "decoder_layers": 1, "latent": 8}
    params = ZooParams(model=model, edited=0, rows=24, longest=600, training=training)
    networks = [light[name] for name in TRAINED_ON]
    folder = tmp_path_factory.mktemp("codec")
    threads = torch.get_num_threads()
    torch.set_num_threads(1)  # the model is small: threads only wait for one another
    held_out = [light["densenet121"]]
    codec = train_zoo(params, networks, TRAINED_ON, held_out, folder / "checkpoints")
    torch.set_num_threads(threads)
    save_zoo_codec(folder / "tiny", "tiny", codec, networks)
    return folder / "tiny"


@pytest.fixture(scope="session")
def tiny_codec(tiny_codec_folder: Path) -> ProgramCodec:
    """The codec itself, as loaded from its files."""
    from pipeline import load_codec

    return load_codec("tiny", tiny_codec_folder)

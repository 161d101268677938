"""The ENAS stage: from the file to a codec on disk that encodes, decodes and is measured."""

import json
from pathlib import Path

import pytest
import torch

from pipeline.compress import cells as enas
from pipeline.compress.enas6 import CellModel, Enas6Params, train_enas6
from pipeline.compress.store import load_model, read_card
from pipeline.compress.trainer import TrainParams
from pipeline.decode.codec import load_codec
from pipeline.errors import DataError
from pipeline.evaluate import enas6_prediction
from pipeline.evaluate.enas6 import evaluate_enas6

SMALL = {"width": 8, "depth": 1}
KINDS = [
    ("ae", SMALL, 6),
    ("vae", SMALL, 6),
    ("seq2seq", SMALL, 6),
    ("vae_quality", SMALL | {"quality": 3, "quality_width": 8}, 9),
    ("dvae", {"hidden": 12, "dimensions": 7}, 7),
    ("dvae_emb", {"hidden": 12, "dimensions": 7}, 7),
]


def write_set(path: Path, rows: int) -> Path:
    """A file like the ENAS set, of networks drawn at random."""
    cells = enas.draw_cells(rows, torch.Generator().manual_seed(0))
    lines = []
    for operations, links in zip(cells.operations.tolist(), cells.links.tolist(), strict=True):
        bits = iter(links)
        layers = [
            [o, *(next(bits) for _ in range(max(i - 1, 0)))]
            for i, o in enumerate(operations, 1)
        ]
        lines.append(f"{json.dumps(layers)}, {0.7 + 0.001 * sum(links)}")
    path.write_text("\n".join(lines) + "\n")
    return path


@pytest.fixture(scope="module")
def data(tmp_path_factory) -> Path:
    return write_set(tmp_path_factory.mktemp("set") / "enas.txt", enas.BURN_IN + 300)


def small(kind: str, model: dict, **more) -> Enas6Params:
    training = TrainParams(epochs=1, batch=100)
    return Enas6Params(kind=kind, model=model, training=training, **more)


@pytest.mark.parametrize(("kind", "model", "dimensions"), KINDS)
def test_every_kind_is_trained_saved_and_used(tmp_path, data, kind, model, dimensions):
    card = train_enas6("small", small(kind, model), data, tmp_path, tmp_path / "work")
    assert card["rows_an_epoch"] == 270
    assert card["uses_accuracies"] == (kind == "vae_quality")
    codec = CellModel(load_model(tmp_path / "small"))
    z = codec.encode(enas.draw_cells(10, torch.Generator().manual_seed(1)))
    assert z.shape == (10, dimensions)
    assert sum(codec.widths.values()) == dimensions
    for generator in (None, torch.Generator()):
        assert len(codec.decode(z, generator)) == 10
    assert len(read_card(tmp_path / "small")["curve"]) == 1


def test_the_same_seed_trains_the_same_codec(tmp_path, data):
    for run in ("a", "b"):
        train_enas6("small", small("vae", SMALL), data, tmp_path / run, tmp_path / run)
    files = [(tmp_path / run / "small.safetensors").read_bytes() for run in ("a", "b")]
    assert files[0] == files[1]


def test_a_codec_trained_on_the_space_says_so(tmp_path, data):
    params = small("ae", SMALL, rows="space")
    card = train_enas6("small", params, data, tmp_path, tmp_path / "work")
    assert card["trained_on"] == "networks drawn from the whole space"


def test_unknown_kinds_and_keys_are_refused(tmp_path, data):
    with pytest.raises(ValueError, match="gan"):
        small("gan", {})
    with pytest.raises(DataError, match="widht"):
        train_enas6("small", small("ae", {"widht": 8}), data, tmp_path, tmp_path)
    with pytest.raises(ValueError, match="epoch"):
        Enas6Params.model_validate({"kind": "ae", "training": {"epoch": 1}})


def test_all_that_results_must_hold_is_measured(tmp_path, data, monkeypatch):
    monkeypatch.setattr(enas6_prediction, "INDUCING", 20)
    train_enas6("small", small("vae", SMALL), data, tmp_path, tmp_path / "work")
    found = evaluate_enas6(load_codec("small", tmp_path), data, epochs=1)
    promised = (
        "accuracy_strict accuracy_dvae_protocol validity validity_repaired uniqueness novelty "
        "rmse pearson_r latent train_graphs_per_second curve seed parameters versions machine "
        "wall_seconds"
    )
    assert set(promised.split()) <= set(found)
    assert found["validity"] == found["validity_repaired"] == 1.0
    assert found["prediction"]["seeds"] == 10
    assert json.loads(json.dumps(found)) == found

"""Training the zoo's codecs: every kind, the rows that are drawn, and the files that ship."""

from __future__ import annotations

import json

import pytest
import torch
from pydantic import ValidationError
from safetensors.numpy import load_file

from pipeline.compress.attributes import Vocabulary
from pipeline.compress.fields import Group, count, exact
from pipeline.compress.store import load_model, read_card
from pipeline.compress.trainer import TrainParams
from pipeline.compress.vertices import groups, to_items
from pipeline.compress.zoo import (
    ZooParams,
    distinct_rows,
    draw_rows,
    save_zoo_codec,
    train_zoo,
)

SMALL = Vocabulary.of([])


@pytest.mark.parametrize("kind", ["ae", "vae", "seq2seq"])
def test_every_kind_trains_and_ships(light, tmp_path, kind):
    training = TrainParams(epochs=1, batch=64, divergence_weight=0.001 * (kind == "vae"))
    params = ZooParams(kind=kind, width=8, frequencies=2, rows=128, training=training)
    networks = [light["bvlc_alexnet"], light["squeezenet"]]
    codec = train_zoo(params, networks, [light["shufflenet"]], tmp_path / "checkpoints")
    save_zoo_codec(tmp_path / "codec", "small", codec, networks)
    card = read_card(tmp_path / "codec/small")
    assert (card["kind"], card["domain"], card["trained_on"]["networks"]) == (kind, "zoo", 2)
    assert len(card["curve"]) == 1
    items = to_items(light["squeezenet"], codec.vocabulary)
    again = load_model(tmp_path / "codec/small")
    latents = again.encode(items)
    widths = {group.name: group.dimensions for group in groups()}
    assert {g: z.shape[1] for g, z in latents.items()} == widths
    for group, z in codec.model.encode(items).items():
        assert torch.equal(z, latents[group])
    assert {p.name for p in (tmp_path / "codec").iterdir()} == {
        "small.json",
        "small.safetensors",
        "small.projection.safetensors",
    }


def test_the_projection_ships_as_it_was_fitted(tiny_codec, tiny_codec_folder):
    arrays = load_file(tiny_codec_folder / "tiny.projection.safetensors")
    assert arrays["directions"].shape == (len(tiny_codec.projection.patterns), 64)
    assert (arrays["directions"] == tiny_codec.projection.directions).all()


def test_a_few_epochs_restore_most_rows(tiny_codec, light):
    rows = distinct_rows([light["squeezenet"]], tiny_codec.vocabulary)
    with torch.inference_mode():
        back = tiny_codec.model.decode(tiny_codec.model.encode(rows))
    assert exact(rows, back).float().mean() > 0.6


def test_the_card_holds_no_path_of_this_machine(tiny_codec_folder):
    text = (tiny_codec_folder / "tiny.json").read_text()
    assert str(tiny_codec_folder.parent) not in text
    assert json.loads(text)["curve"][-1]


def test_distinct_rows_are_the_networks_own_padded_to_one_length(light):
    network = light["squeezenet"]
    rows = distinct_rows([network, network], SMALL)
    items = to_items(network, SMALL)
    sizes = {name: len(values.unique(dim=0)) for name, values in items.items()}
    assert count(rows) == max(sizes.values())
    for name, values in rows.items():
        assert torch.equal(values.unique(dim=0), items[name].unique(dim=0))


def test_drawn_rows_are_known_ones_and_any_others(light):
    rows = distinct_rows([light["squeezenet"]], SMALL)
    drawn = draw_rows(rows, 400, 0.25, torch.Generator().manual_seed(0))
    known = {tuple(row) for row in rows["structure"].tolist()}
    found = [tuple(row) in known for row in drawn["structure"].tolist()]
    assert all(found[:100])
    assert sum(found[100:]) < 30
    for group in groups():
        assert_within(group, drawn[group.name])
    again = draw_rows(rows, 400, 0.25, torch.Generator().manual_seed(0))
    assert all(torch.equal(drawn[name], again[name]) for name in drawn)


def assert_within(group: Group, rows: torch.Tensor) -> None:
    assert rows.shape == (400, len(group.cardinalities))
    assert (rows >= 0).all()
    assert (rows < torch.tensor(group.cardinalities)).all()


@pytest.mark.parametrize(
    "wrong",
    [{"kind": "gan"}, {"widht": 3}, {"real": 1.5}, {"rows": 0}, {"training": {"x": 1}}],
)
def test_parameters_are_checked(wrong):
    with pytest.raises(ValidationError):
        ZooParams.model_validate({"kind": "ae"} | wrong)

"""Codecs on disk: the same model comes back, whatever is damaged is refused by name."""

import json

import pytest
import torch

from pipeline.compress import cells as enas
from pipeline.compress.ae import AEConfig, AutoEncoder
from pipeline.compress.store import KINDS, build_model, load_model, read_card, save_codec
from pipeline.errors import DataError


@pytest.fixture
def saved(tmp_path):
    model = AutoEncoder(AEConfig(groups=enas.GROUPS, width=8, depth=1)).eval()
    save_codec(tmp_path, "small", model, {"seed": 3})
    return model, tmp_path / "small"


def test_the_same_model_comes_back(saved):
    model, path = saved
    items = enas.to_items(enas.draw_cells(20, torch.Generator().manual_seed(0)))
    again = load_model(path)
    assert not again.training
    assert again.config == model.config
    for group, z in model.encode(items).items():
        assert torch.equal(again.encode(items)[group], z)


def test_the_card_says_what_it_is(saved):
    card = read_card(saved[1])
    assert (card["kind"], card["name"], card["seed"]) == ("ae", "small", 3)
    assert card["parameters"] == sum(p.numel() for p in saved[0].parameters())
    assert sorted(p.name for p in saved[1].parent.iterdir()) == [
        "small.json",
        "small.safetensors",
    ]


def test_loading_leaves_the_global_random_state_alone(saved):
    torch.manual_seed(1)
    expected = torch.rand(1)
    torch.manual_seed(1)
    load_model(saved[1])
    assert torch.equal(torch.rand(1), expected)


def test_an_unknown_kind_is_answered_with_the_known_ones(saved):
    with pytest.raises(DataError, match=", ".join(KINDS)):
        build_model("gan", {})


def test_a_configuration_with_unknown_keys_is_refused():
    with pytest.raises(DataError, match="widht"):
        build_model("ae", {"groups": [], "widht": 3})


def test_a_missing_codec_is_refused_by_name(tmp_path):
    with pytest.raises(DataError, match=r"none\.json"):
        load_model(tmp_path / "none")


@pytest.mark.parametrize(
    "damage",
    [
        {"kind": "gan"},
        {"kind": "os:system"},
        {"format": 99},
        {"config": {}},
        {"weights_sha256": "0"},
    ],
)
def test_a_damaged_card_is_refused_by_name(saved, damage):
    file = saved[1].with_name("small.json")
    file.write_text(json.dumps(json.loads(file.read_text()) | damage))
    with pytest.raises(DataError, match=r"small\.(json|safetensors)"):
        load_model(saved[1])


@pytest.mark.parametrize("content", ["", "[]", "{", "\x00"])
def test_what_is_no_card_is_refused_by_name(saved, content):
    saved[1].with_name("small.json").write_text(content)
    with pytest.raises(DataError, match=r"small\.json"):
        load_model(saved[1])


def test_truncated_weights_are_refused_by_name(saved):
    file = saved[1].with_name("small.safetensors")
    file.write_bytes(file.read_bytes()[:-10])
    with pytest.raises(DataError, match=r"small\.safetensors"):
        load_model(saved[1])

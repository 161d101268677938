"""A codec: with its patch always the same network, and whatever is damaged is refused."""

from __future__ import annotations

import json
import pickle
import shutil
import zlib
from dataclasses import replace

import numpy as np
import pytest

from pipeline.compress.store import load_model, read_card
from pipeline.decode.codec import (
    MAX_PATCH,
    SHIPPED,
    Code,
    apply_patch,
    codec_names,
    domain_of,
    load_codec,
    make_patch,
)
from pipeline.errors import DataError, InvalidNetwork
from pipeline.graph.network import Vertex

NAMES = ("bvlc_alexnet", "squeezenet", "shufflenet", "densenet121")


@pytest.fixture(scope="module")
def code(tiny_codec, light) -> Code:
    return tiny_codec.encode(light["squeezenet"])


@pytest.mark.parametrize("name", NAMES)
def test_with_its_patch_every_network_comes_back(tiny_codec, light, name):
    code = tiny_codec.encode(light[name])
    n = len(light[name])
    shapes = [a.shape for a in (code.structure, code.operation, code.attributes, code.graph)]
    assert shapes == [(n, 4), (n, 2), (n, 8), (64,)]
    assert {a.dtype for a in (*code.latents.values(), code.graph)} == {np.dtype("float32")}
    assert code.fingerprint == light[name].fingerprint
    assert tiny_codec.decode(code) == light[name]


@pytest.mark.parametrize("noise", [0.0, 0.01, 1.0, 30.0])
def test_vectors_damaged_before_the_patch_still_come_back(tiny_codec, light, code, noise):
    random = np.random.default_rng(0)
    latents = {
        group: (v + noise * random.standard_normal(v.shape)).astype(np.float32)
        for group, v in code.latents.items()
    }
    vertices = light["squeezenet"].vertices
    patch = make_patch(tiny_codec.draft(latents), vertices)
    damaged = replace(code, **latents, patch=patch)
    assert tiny_codec.decode(damaged) == light["squeezenet"]
    assert bool(patch) or noise <= 0.01


@pytest.mark.parametrize("value", [np.nan, np.inf, 1e30])
def test_vectors_of_any_values_give_a_draft(tiny_codec, light, code, value):
    latents = {group: np.full_like(v, value) for group, v in code.latents.items()}
    patch = make_patch(tiny_codec.draft(latents), light["squeezenet"].vertices)
    assert tiny_codec.decode(replace(code, **latents, patch=patch)) == light["squeezenet"]


def test_without_the_patch_the_vectors_alone_give_a_network(tiny_codec, light, code):
    alone = tiny_codec.decode(code, patch=False)
    assert alone.vertices[0].operator == "Input"
    if not code.patch:
        assert alone == light["squeezenet"]
    assert tiny_codec.decode_vectors(code).network == alone


def test_an_empty_patch_says_that_the_vectors_are_enough(light):
    vertices = light["squeezenet"].vertices
    assert make_patch(vertices, vertices) == b""
    one = Vertex("Clip", (("max", 1),))
    other = Vertex("Clip", (("max", 1.0),))
    patch = make_patch([one], [other])
    assert repr(apply_patch([one], patch)) == repr([other])


def test_a_code_comes_back_from_its_file(code, tmp_path):
    code.save(tmp_path / "net.code")
    again = Code.load(tmp_path / "net.code")
    assert (again.codec, again.fingerprint, again.patch) == (
        code.codec,
        code.fingerprint,
        code.patch,
    )
    for group, vectors in (*code.latents.items(), ("graph", code.graph)):
        assert np.array_equal(getattr(again, group), vectors)
    assert [p.name for p in tmp_path.iterdir()] == ["net.code"]


def test_encoding_again_gives_the_same_file(tiny_codec, light, tmp_path):
    for number in range(8):
        tiny_codec.encode(light["bvlc_alexnet"]).save(tmp_path / str(number))
    assert len({path.read_bytes() for path in tmp_path.iterdir()}) == 1


@pytest.mark.parametrize("cut", [0, 1, 8, 100, -1])
def test_a_cut_code_is_refused_by_name(code, tmp_path, cut):
    file = tmp_path / "net.code"
    code.save(file)
    file.write_bytes(file.read_bytes()[:cut])
    with pytest.raises(DataError, match=r"net\.code"):
        Code.load(file)


@pytest.mark.parametrize("content", [b"hello", b"\xff" * 64, pickle.dumps({"a": 1})])
def test_what_is_no_code_is_refused_by_name(tmp_path, content):
    (tmp_path / "net.code").write_bytes(content)
    with pytest.raises(DataError, match=r"net\.code"):
        Code.load(tmp_path / "net.code")


def test_a_missing_code_is_refused_by_name(tmp_path):
    with pytest.raises(DataError, match=r"none\.code"):
        Code.load(tmp_path / "none.code")


@pytest.mark.parametrize(
    "damage",
    [
        {"operation": np.zeros((3, 2), np.float32)},
        {"structure": np.zeros(4, np.float32)},
        {
            "structure": np.zeros((0, 4), np.float32),
            "operation": np.zeros((0, 2), np.float32),
            "attributes": np.zeros((0, 8), np.float32),
        },
        {"structure": np.zeros((70, 9), np.float32)},
        {"attributes": np.zeros((70, 8), np.int64)},
    ],
)
def test_vectors_of_wrong_shapes_are_refused_by_name(code, tmp_path, damage):
    replace(code, **damage).save(tmp_path / "net.code")
    with pytest.raises(DataError, match=r"net\.code"):
        Code.load(tmp_path / "net.code")


def packed(plain: object) -> bytes:
    return zlib.compress(json.dumps(plain).encode())


@pytest.mark.parametrize(
    "patch",
    [
        b"\x00garbage",
        zlib.compress(b"{")[:-2],
        packed([]),
        packed({"100000": ["Relu", {}, [[0, 0, 0]]]}),
        packed({"-100000": ["Relu", {}, [[0, 0, 0]]]}),
        packed({"-1": ["Relu", {}, [[0, 0, 0]]]}),
        packed({"x": ["Relu", {}, []]}),
        packed({"1": ["Relu", {"a": None}, [[0, 0, 0]]]}),
        packed({"1": ["Relu"]}),
        packed({"1": ["Relu", {}, [["a"]]]}),
        packed({"1": ["Relu", {}, [[69, 0, 0]]]}),
        packed({"0": ["Relu", {}, []]}),
        zlib.compress(b" " * (MAX_PATCH + 10)),
    ],
    ids=range(13),
)
def test_a_patch_that_does_not_fit_is_refused(tiny_codec, code, patch):
    with pytest.raises(InvalidNetwork):
        tiny_codec.decode(replace(code, patch=patch))


def test_an_unknown_codec_is_answered_with_the_known_ones(tiny_codec_folder):
    assert codec_names(tiny_codec_folder, domain="zoo") == ["tiny"]
    with pytest.raises(DataError, match="known are: tiny"):
        load_codec("tinny", tiny_codec_folder)


def test_a_codec_of_cells_takes_no_networks():
    assert domain_of(SHIPPED, "enas6-ae") == "enas6"
    with pytest.raises(DataError, match="enas6-ae"):
        load_codec("enas6-ae")


@pytest.mark.parametrize(
    "file", ["tiny.json", "tiny.safetensors", "tiny.projection.safetensors"]
)
@pytest.mark.parametrize("how", ["cut", "emptied", "pickled"])
def test_a_damaged_codec_is_refused_by_name(tiny_codec_folder, tmp_path, file, how):
    folder = shutil.copytree(tiny_codec_folder, tmp_path / "codec")
    content = (folder / file).read_bytes()
    made = {"cut": content[:-20], "emptied": b"", "pickled": pickle.dumps(Trap())}[how]
    (folder / file).write_bytes(made)
    with pytest.raises(DataError, match=file.replace(".", r"\.")):
        load_codec("tiny", folder)
    assert not Trap.sprung


@pytest.mark.parametrize("file", ["tiny.safetensors", "tiny.projection.safetensors"])
def test_a_missing_part_is_refused_by_name(tiny_codec_folder, tmp_path, file):
    folder = shutil.copytree(tiny_codec_folder, tmp_path / "codec")
    (folder / file).unlink()
    with pytest.raises(DataError, match=file.replace(".", r"\.")):
        load_codec("tiny", folder)


@pytest.mark.parametrize("key", ["vocabulary", "patterns", "config", "kind"])
def test_a_card_without_a_part_is_refused(tiny_codec_folder, tmp_path, key):
    folder = shutil.copytree(tiny_codec_folder, tmp_path / "codec")
    card = json.loads((folder / "tiny.json").read_text())
    del card[key]
    (folder / "tiny.json").write_text(json.dumps(card))
    with pytest.raises(DataError, match="tiny"):
        load_codec("tiny", folder)


class Trap:
    """Unpickling one would be seen."""

    sprung = False

    def __reduce__(self):
        return (spring, ())


def spring() -> None:
    Trap.sprung = True


def test_the_trap_works():
    pickle.loads(pickle.dumps(Trap()))
    assert Trap.sprung
    Trap.sprung = False


@pytest.mark.parametrize("name", codec_names())
def test_every_shipped_codec_loads(name):
    assert load_model(SHIPPED / name).kind == read_card(SHIPPED / name)["kind"]


def test_a_code_of_another_codec_of_the_name_is_refused(tiny_codec, code, light):
    other = replace(tiny_codec, digest="0" * 32)
    for patch in (True, False):
        with pytest.raises(DataError, match="of another codec"):
            other.decode(code, patch)
    assert other.decode(replace(code, digest="")) == light["squeezenet"]


def test_the_digest_is_of_all_that_vectors_mean(tiny_codec, tiny_codec_folder, tmp_path):
    for path in tiny_codec_folder.iterdir():
        shutil.copy(path, tmp_path)
    assert load_codec("tiny", tmp_path).digest == tiny_codec.digest
    card = json.loads((tmp_path / "tiny.json").read_text())
    card["vocabulary"]["favourites"].pop()
    (tmp_path / "tiny.json").write_text(json.dumps(card))
    assert load_codec("tiny", tmp_path).digest != tiny_codec.digest

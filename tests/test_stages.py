"""The stages' entries: where paths of params.yaml start from, which codec a name means."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
import yaml
from onnx import TensorProto, helper, save

from pipeline.decode.codec import load_codec
from pipeline.errors import DataError
from pipeline.harvest.shelf import Shelf
from pipeline.places import places
from pipeline.stages import (
    chosen_codec,
    codec_of,
    find_codec,
    harvest,
    label,
    normalise,
    register,
    validate,
)
from pipeline.tables.read import read_table


def project(folder: Path, **sources: object) -> Path:
    """A project's root with the sources of the dataset that it builds."""
    folder.mkdir()
    plain = {"dataset": "own", "harvest": {"own": {"sources": sources}}}
    (folder / "params.yaml").write_text(yaml.safe_dump(plain))
    return folder


def save_model(path: Path) -> None:
    x, y = (helper.make_tensor_value_info(n, TensorProto.FLOAT, [1, 4]) for n in "xy")
    graph = helper.make_graph([helper.make_node("Relu", ["x"], ["y"])], "net", [x], [y])
    path.parent.mkdir()
    save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 20)]), path)


@pytest.mark.parametrize("given", ["absolute", "relative"])
def test_relative_addresses_of_files_start_from_the_root(tmp_path, monkeypatch, given):
    root = project(tmp_path / "project", files={"addresses": ["models/*.onnx"]})
    save_model(root / "models" / "relu.onnx")
    monkeypatch.chdir(tmp_path)
    report = harvest(root if given == "absolute" else Path("project"))
    assert report["added"] == {"files": 1}
    (record,) = Shelf(places(root).shelf).files()
    assert record.address == "models/relu.onnx"
    assert Path.cwd() == tmp_path


def test_the_relative_path_of_the_enas_set_starts_from_the_root(tmp_path, monkeypatch):
    root = project(tmp_path / "project", enas6={"path": "sets/enas6.txt"})
    (root / "sets").mkdir()
    (root / "sets" / "enas6.txt").write_text("another set\n")
    monkeypatch.chdir(tmp_path)
    with pytest.raises(DataError, match=r"sets/enas6\.txt: not the ENAS set"):
        harvest(root)


@pytest.fixture
def two_of_a_name(tmp_path: Path, tiny_codec_folder: Path) -> Path:
    """A project whose pipeline has trained a zoo-vae of its own: here, the tiny one."""
    own = places(tmp_path).codecs / "zoo-vae"
    own.mkdir(parents=True)
    for path in tiny_codec_folder.glob("tiny.*"):
        shutil.copy(path, own / path.name.replace("tiny", "zoo-vae"))
    return tmp_path


def test_users_get_the_shipped_codec_and_stages_the_pipelines_own(two_of_a_name):
    shipped, own = load_codec("zoo-vae"), find_codec(two_of_a_name, "zoo-vae")
    assert shipped.digest != own.digest
    assert chosen_codec(two_of_a_name, "zoo-vae").digest == shipped.digest
    assert chosen_codec(
        two_of_a_name, str(places(two_of_a_name).codecs / "zoo-vae")
    ).digest == (own.digest)


def test_a_code_finds_the_codec_that_made_it(two_of_a_name, light):
    for codec in (load_codec("zoo-vae"), find_codec(two_of_a_name, "zoo-vae")):
        code = codec.encode(light["squeezenet"])
        assert codec_of(two_of_a_name, code).digest == codec.digest


def test_labels_are_those_of_the_networks_in_the_tables(tmp_path):
    root = Path(__file__).parents[1]
    plain = {"labels": {"sources": ["torchvision_weights", "timm_results"]}}
    (tmp_path / "params.yaml").write_text(yaml.safe_dump(plain))
    shutil.copytree(root / "datasets/zoo/tables", tmp_path / "datasets/zoo/tables")
    found = label(tmp_path)
    assert found["by_source"] == {"torchvision": {"labels": 194, "networks": 68}}
    assert list(found["absent"]) == ["timm_results"]
    assert len(read_table(places(tmp_path).labels, "labels")) == 194


def test_networks_without_a_split_are_validated(tmp_path):
    root = project(tmp_path / "project", files={"addresses": ["models/*.onnx"]})
    settings = yaml.safe_load((root / "params.yaml").read_text())
    settings |= {"normalise": {"processes": 1}, "validate": {"run": 1}}
    (root / "params.yaml").write_text(yaml.safe_dump(settings))
    save_model(root / "models" / "relu.onnx")
    harvest(root)
    normalise(root)
    assert validate(root)["exact"] == 1.0


def test_a_dataset_is_built_and_registered_in_a_folder_of_its_own(tmp_path):
    root = project(tmp_path / "project", files={"addresses": ["models/*.onnx"]})
    about = {"title": "One", "description": "d", "licence": "MIT", "how_made": "h"}
    settings = yaml.safe_load((root / "params.yaml").read_text())
    settings |= {
        "normalise": {"processes": 1},
        "default_codec": "none",
        "datasets": {"own": about | {"known_limits": ["One network only"]}},
    }
    (root / "params.yaml").write_text(yaml.safe_dump(settings))
    save_model(root / "models" / "relu.onnx")
    harvest(root)
    normalise(root)
    assert register(root, any_size=True)["dataset"] == "own"
    assert [path.name for path in (root / "datasets").iterdir()] == ["own"]
    assert (root / "datasets/own/manifest.json").exists()

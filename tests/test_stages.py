"""The stages' entries: where paths of params.yaml start from."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml
from onnx import TensorProto, helper, save

from pipeline.errors import DataError
from pipeline.harvest.shelf import Shelf
from pipeline.stages import SHELF, harvest


def project(folder: Path, **sources: object) -> Path:
    """A project's root with the sources of its default profile."""
    folder.mkdir()
    plain = {"harvest": {"default": {"sources": sources}}}
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
    (record,) = Shelf(root / SHELF).files()
    assert record.address == "models/relu.onnx"
    assert Path.cwd() == tmp_path


def test_the_relative_path_of_the_enas_set_starts_from_the_root(tmp_path, monkeypatch):
    root = project(tmp_path / "project", enas6={"path": "sets/enas6.txt"})
    (root / "sets").mkdir()
    (root / "sets" / "enas6.txt").write_text("another set\n")
    monkeypatch.chdir(tmp_path)
    with pytest.raises(DataError, match=r"sets/enas6\.txt: not the ENAS set"):
        harvest(root)

"""A network written anew, as ONNX and as source."""

from __future__ import annotations

import importlib.util

import numpy as np
import pytest
import torch

from pipeline import read_onnx, read_weights
from pipeline.errors import DataError, ModelError
from pipeline.evaluate.convert import convert_network, write_network
from pipeline.operators.write_onnx import to_skeleton


@pytest.fixture
def model(light, tmp_path):
    write_network(light["squeezenet"], tmp_path / "a.onnx", seed=3)
    return tmp_path / "a.onnx"


def test_onnx_with_the_files_weights(model, light, tmp_path):
    found = convert_network(
        read_onnx(model), str(model), tmp_path / "b.onnx", with_weights=True
    )
    assert found["fingerprint"] == light["squeezenet"].fingerprint
    network = read_onnx(tmp_path / "b.onnx")
    before, after = read_weights(model, network), read_weights(tmp_path / "b.onnx", network)
    assert before.keys() == after.keys()
    assert all(np.array_equal(before[name], after[name]) for name in before)


def test_onnx_without_them_has_random_ones_of_the_seed(model, light, tmp_path):
    convert_network(read_onnx(model), str(model), tmp_path / "b.onnx", with_weights=False)
    write_network(light["squeezenet"], tmp_path / "c.onnx", seed=0)
    assert (tmp_path / "b.onnx").read_bytes() == (tmp_path / "c.onnx").read_bytes()
    assert (tmp_path / "b.onnx").read_bytes() != model.read_bytes()


def test_source_is_a_module_that_runs(model, tmp_path):
    convert_network(read_onnx(model), str(model), tmp_path / "net.py", with_weights=False)
    spec = importlib.util.spec_from_file_location("net", tmp_path / "net.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    made = module.Network()
    with torch.no_grad():
        assert made.eval()(torch.zeros(1, 3, 224, 224)).shape[:2] == (1, 1000)


@pytest.mark.parametrize("name", ["a.txt", "a", "a.onnx.gz"])
def test_another_ending_is_refused_and_nothing_written(model, tmp_path, name):
    with pytest.raises(DataError, match=name):
        convert_network(
            read_onnx(model), str(model), tmp_path / "out" / name, with_weights=False
        )
    assert not (tmp_path / "out").exists()


def test_weights_of_a_skeleton_are_refused(light, tmp_path):
    (tmp_path / "s.onnx").write_bytes(to_skeleton(light["squeezenet"]).SerializeToString())
    with pytest.raises(ModelError) as raised:
        convert_network(
            read_onnx(tmp_path / "s.onnx"),
            str(tmp_path / "s.onnx"),
            tmp_path / "b.onnx",
            with_weights=True,
        )
    assert raised.value.reason == "no_weights"
    assert not (tmp_path / "b.onnx").exists()

"""One model there and back: what is the same, what is lost, and how far numbers differ."""

from __future__ import annotations

import io
import json

import numpy as np
import pytest
from onnx import parser, save

from pipeline import read_onnx, write_onnx
from pipeline.errors import ModelError
from pipeline.evaluate.roundtrip import compare_numbers, difference, round_trip
from pipeline.operators.write_onnx import to_skeleton

SQUEEZENET = "light_squeezenet.onnx"
ALONE = "another network came back from the vector alone"


def test_without_a_codec_a_real_model_comes_back(light_folder):
    found = round_trip(str(light_folder / SQUEEZENET), "squeezenet")
    assert (found.model, found.vertices, found.unsupported) == ("squeezenet", 70, ())
    assert (found.verdict, found.exact, found.runs, found.why) == (True, True, True, ())
    assert (found.residual_bits, found.exact_with_residual) == (None, None)
    assert found.max_rel_difference is not None
    assert found.max_rel_difference < 1e-5


CONTRACT = [
    "model", "verdict", "vertices", "edges", "unsupported", "exact", "residual_bits",
    "exact_with_residual", "runs", "max_abs_difference", "max_rel_difference", "not_compared",
]  # fmt: skip


def test_through_a_codec_the_residual_says_what_was_lost(light_folder, tiny_codec):
    found = round_trip(light_folder / SQUEEZENET, "squeezenet", tiny_codec)
    assert found.exact_with_residual is True
    assert found.exact is (found.residual_bits == 0)
    assert found.verdict is (found.exact and found.runs)
    plain = json.loads(json.dumps(found.to_dict()))
    assert list(plain)[: len(CONTRACT)] == CONTRACT
    assert set(plain) - set(CONTRACT) == (set() if found.verdict else {"why"})


def test_numbers_of_another_network_are_not_compared(light_folder, light, tiny_codec):
    class Lossy:
        """A codec whose vectors alone give another network."""

        def __getattr__(self, name):
            return getattr(tiny_codec, name)

        def decode(self, code, residual=True):
            return tiny_codec.decode(code) if residual else light["shufflenet"]

    found = round_trip(light_folder / SQUEEZENET, "squeezenet", Lossy())
    assert (found.exact, found.exact_with_residual, found.runs) == (False, True, True)
    assert (found.verdict, found.why) == (False, (ALONE,))
    assert (found.max_abs_difference, found.max_rel_difference) == (None, None)
    assert "another network" in found.to_dict()["not_compared"]


def test_what_went_well_is_not_explained(light_folder):
    plain = round_trip(light_folder / SQUEEZENET, "squeezenet").to_dict()
    assert "why" not in plain
    assert plain["not_compared"] is None
    assert plain["unsupported"] == ()


def test_a_skeleton_has_no_numbers_to_compare(light):
    network = light["squeezenet"]
    file = io.BytesIO(to_skeleton(network).SerializeToString())
    assert compare_numbers(file, network).absolute is None
    found = round_trip(file, "skeleton")
    assert found.verdict
    assert "without weights" in found.not_compared


def test_a_network_without_a_file_has_none_either(light):
    found = round_trip(None, "zoo:squeezenet", network=light["squeezenet"])
    assert (found.verdict, found.max_abs_difference) == (True, None)
    assert "no file" in found.not_compared


def test_numbers_are_compared_with_the_files_own_weights(light, tmp_path):
    network = light["squeezenet"]
    write_onnx(network, tmp_path / "a.onnx", seed=5)
    numbers = compare_numbers(tmp_path / "a.onnx", network)
    assert numbers.not_compared == numbers.wrong == ""
    assert 0 <= numbers.relative < 1e-5


def test_a_difference_beyond_the_tolerance_is_no(light_folder):
    found = round_trip(light_folder / SQUEEZENET, "squeezenet", tolerance=-1.0)
    assert found.exact
    assert not found.verdict
    assert "torch differs from ONNX Runtime" in found.why[0]


def test_what_cannot_agree_is_wrong_and_what_has_no_number_is_not_compared():
    one, two = np.ones((1, 2)), np.ones((1, 3))
    assert "gives" in difference([one], [two]).wrong
    assert "torch" in difference([one * np.nan], [one]).wrong
    assert "not finite" in difference([one], [one * np.inf]).not_compared
    assert difference([one, one], [one, one * 2]).relative == 0.5


def test_all_outputs_count_and_the_batch_is_the_files(tmp_path):
    text = (
        '<ir_version: 8, opset_import: ["": 20]> g (float[4,3] x) => (float[4,3] y, '
        "float[4,3] z) { y = Relu(x) z = Tanh(y) }"
    )
    save(parser.parse_model(text), tmp_path / "four.onnx")
    found = round_trip(tmp_path / "four.onnx", "four")
    assert (found.verdict, found.not_compared) == (True, None)
    assert found.max_abs_difference < 1e-6


def test_a_file_that_onnx_runtime_refuses_says_so(tmp_path):
    text = (
        '<ir_version: 8, opset_import: ["": 20]> g (float[1,3] x) => (float[1,3] y, '
        "float[7] z) { y = Relu(x) z = Tanh(x) }"
    )
    model = parser.parse_model(text)
    model.ir_version = 99
    save(model, tmp_path / "new.onnx")
    found = round_trip(tmp_path / "new.onnx", "new")
    assert found.not_compared.startswith("ONNX Runtime fails on the file: ")


def test_a_refused_file_is_named(tmp_path):
    (tmp_path / "bad.onnx").write_bytes(b"nothing")
    with pytest.raises(ModelError, match=r"bad\.onnx"):
        round_trip(tmp_path / "bad.onnx", "bad")


def test_the_file_itself_is_not_changed(light_folder):
    before = (light_folder / SQUEEZENET).read_bytes()
    with (light_folder / SQUEEZENET).open("rb") as file:
        assert round_trip(file, "open file").exact
    assert (light_folder / SQUEEZENET).read_bytes() == before
    assert read_onnx(light_folder / SQUEEZENET)

"""One model there and back: what is the same, what is lost, and how far numbers differ."""

from __future__ import annotations

import io
import json
from dataclasses import replace

import pytest

from pipeline import read_onnx, write_onnx
from pipeline.errors import ModelError
from pipeline.evaluate.roundtrip import compare_numbers, explain_losses, round_trip
from pipeline.graph.network import Operand
from pipeline.operators.write_onnx import to_skeleton

SQUEEZENET = "light_squeezenet.onnx"


def test_without_a_codec_a_real_model_comes_back(light_folder):
    found = round_trip(str(light_folder / SQUEEZENET), "squeezenet")
    assert (found.model, found.vertices, found.unsupported) == ("squeezenet", 70, ())
    assert (found.exact, found.runs, found.why_not) == (True, True, "")
    assert (found.patch_bytes, found.exact_with_patch) == (None, None)
    assert found.max_rel_difference is not None
    assert found.max_rel_difference < 1e-5


def test_through_a_codec_the_patch_says_what_was_lost(light_folder, tiny_codec):
    found = round_trip(light_folder / SQUEEZENET, "squeezenet", tiny_codec)
    assert found.exact_with_patch is True
    assert found.exact is (found.patch_bytes == 0) is (not found.lost)
    plain = json.loads(json.dumps(found.to_plain()))
    contract = {
        "model", "vertices", "edges", "unsupported", "exact", "patch_bytes",
        "exact_with_patch", "runs", "max_abs_difference", "max_rel_difference",
    }  # fmt: skip
    assert contract <= plain.keys()


def test_numbers_of_another_network_are_not_compared(light_folder, light, tiny_codec):
    class Lossy:
        """A codec whose vectors alone give another network."""

        def __getattr__(self, name):
            return getattr(tiny_codec, name)

        def decode(self, code, patch=True):
            return tiny_codec.decode(code) if patch else light["shufflenet"]

    found = round_trip(light_folder / SQUEEZENET, "squeezenet", Lossy())
    assert (found.exact, found.exact_with_patch, found.runs) == (False, True, True)
    assert (found.max_abs_difference, found.max_rel_difference) == (None, None)
    assert "another network" in found.to_plain()["not_compared"]


def test_what_went_well_is_not_explained(light_folder):
    plain = round_trip(light_folder / SQUEEZENET, "squeezenet").to_plain()
    assert not {"why_not", "not_compared", "lost"} & plain.keys()
    assert plain["unsupported"] == ()


def test_a_skeleton_has_no_numbers_to_compare(light):
    network = light["squeezenet"]
    file = io.BytesIO(to_skeleton(network).SerializeToString())
    assert compare_numbers(file, network) == (None, None)
    assert round_trip(file, "skeleton").exact


def test_numbers_are_compared_with_the_files_own_weights(light, tmp_path):
    network = light["squeezenet"]
    write_onnx(network, tmp_path / "a.onnx", seed=5)
    absolute, relative = compare_numbers(tmp_path / "a.onnx", network)
    assert absolute is not None
    assert relative is not None
    assert 0 <= relative < 1e-5


def test_what_was_lost_is_said_in_words(light):
    vertices = list(light["squeezenet"].vertices)
    draft = list(vertices)
    conv = next(i for i, v in enumerate(vertices) if v.operator == "Conv")
    relu = next(i for i, v in enumerate(vertices) if v.operator == "Relu")
    grouped = tuple((k, 2 if k == "group" else v) for k, v in draft[conv].attributes)
    draft[conv] = replace(draft[conv], attributes=grouped)
    draft[relu] = replace(draft[relu], operator="Tanh")
    draft[-1] = replace(draft[-1], operands=(Operand(0),))
    lost = explain_losses(light["squeezenet"], draft)
    assert any(
        line.startswith(f"vertex {conv} (Conv): group was 1, became 2") for line in lost
    )
    assert f"vertex {relu}: Relu came back as Tanh" in lost
    assert lost[-1].endswith("takes other operands")
    assert explain_losses(light["squeezenet"], vertices) == ()


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

"""One protocol: the same commands for codecs of both domains."""

from __future__ import annotations

from pathlib import Path

import pytest
from command_line import assert_refused, documents, run

from pipeline import read_onnx, write_onnx
from pipeline.compress.classifiers import to_network
from pipeline.harvest.enas6 import parse_row
from pipeline.models import find_model

LINE = "[[1], [4, 0], [5, 0, 0], [0, 1, 1, 1], [2, 1, 1, 1, 1], [3, 0, 0, 0, 0, 1]], 0.73"
CODECS = ("enas6-vae", "zoo-vae")


@pytest.fixture(scope="module")
def cell(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An ONNX file of the ENAS set's first network: both domains hold it."""
    path = tmp_path_factory.mktemp("cell") / "cell.onnx"
    write_onnx(to_network(parse_row(LINE), 36), path)
    return path


@pytest.mark.parametrize("codec", CODECS)
def test_encode_and_decode_give_the_very_network_back(cell, tmp_path, codec):
    code, back = tmp_path / "a.code", tmp_path / "back.onnx"
    (made,) = documents(run("encode", cell, "--codec", codec, "-o", code, "--json"))
    assert made["codec"] == codec
    (found,) = documents(run("decode", code, "-o", back, "--json"))
    assert found["same_as_encoded"] is True
    assert read_onnx(back) == read_onnx(cell)


@pytest.mark.parametrize("codec", CODECS)
def test_roundtrip_goes_through_the_vector(cell, codec):
    (found,) = documents(run("roundtrip", cell, "--codec", codec, "--json"))
    assert (found["exact"], found["exact_with_residual"], found["runs"]) == (True, True, True)


@pytest.mark.parametrize("codec", CODECS)
def test_sample_and_interpolate_walk_the_space(cell, tmp_path, codec):
    drawn = documents(run("sample", "-n", 2, "--codec", codec, "-o", tmp_path, "--json"))
    assert len(drawn) == 2
    for row in drawn:  # one of more weights than a file holds is not written
        assert (tmp_path / f"{row['name']}.onnx").exists() == ("why" not in row)
    written = next(row for row in drawn if "why" not in row)
    network = find_model(str(tmp_path / f"{written['name']}.onnx"), tmp_path).network
    assert network.fingerprint == written["fingerprint"]
    ends = run("interpolate", cell, cell, "--steps", 1, "--codec", codec, "--json")
    assert len(documents(ends)) == 2


def test_a_network_outside_the_domain_is_one_line_and_status_1(light_folder, tmp_path):
    model = light_folder / "light_squeezenet.onnx"
    refused = run("encode", model, "--codec", "enas6-vae", "-o", tmp_path / "a.code")
    assert_refused(refused, "codec enas6-vae: no network of the ENAS space")


def test_stages_of_whole_networks_refuse_a_codec_of_cells():
    for command in (("embed", "enas6-vae"), ("evaluate", "zoo", "--codec", "enas6-vae")):
        assert_refused(run(*command), "no codec 'enas6-vae' of the domain 'networks'")
    refused = run("evaluate", "enas6", "--codec", "zoo-vae", "--data", "x")
    assert_refused(refused, "no codec 'zoo-vae' of the domain 'enas6'")

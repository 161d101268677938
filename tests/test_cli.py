"""The command line: exit status 0, 1 for a refused input with one line, 2 for wrong usage."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path

import click
import numpy as np
import pytest
from command_line import assert_refused, documents, run
from onnx import numpy_helper, parser, save

from pipeline import cli, read_onnx, write_onnx
from pipeline.decode.shipped import SHIPPED
from pipeline.operators.read_onnx import read_skeleton_network
from pipeline.places import places
from pipeline.weightless.skeleton import DATA_INPUTS

ROOT = Path(__file__).parents[1]

SMALL = """
<ir_version: 9, opset_import: ["" : 20]>
net (float[1, 3, 8, 8] x, float[4, 3, 3, 3] w) => (float[1, 4] y) {
    a = Conv <pads = [1, 1, 1, 1]> (x, w)
    b = Relu (a)
    c = GlobalAveragePool (b)
    y = Flatten (c)
}
"""


@pytest.fixture
def model(tmp_path: Path) -> Path:
    """A file with weights."""
    skeleton = parser.parse_model(SMALL)
    skeleton.metadata_props.add(key=DATA_INPUTS, value="x")
    write_onnx(read_skeleton_network(skeleton), tmp_path / "small.onnx")
    return tmp_path / "small.onnx"


@pytest.fixture
def open_dims(tmp_path: Path) -> Path:
    """A file with weights that leaves the height and width of its images open."""
    text = SMALL.replace("float[1, 3, 8, 8] x", "float[N, 3, H, W] x")
    model = parser.parse_model(text)
    weights = np.random.default_rng(0).standard_normal((4, 3, 3, 3)).astype(np.float32)
    del model.graph.input[1]
    model.graph.initializer.append(numpy_helper.from_array(weights, "w"))
    save(model, tmp_path / "open.onnx")
    return tmp_path / "open.onnx"


@pytest.fixture
def trained(tiny_codec_folder, tmp_path, monkeypatch) -> str:
    """The project whose pipeline trained the codec ``tiny``."""
    place = tmp_path / "project/datasets/zoo/build/codecs"
    place.mkdir(parents=True)
    (place / "tiny").symlink_to(tiny_codec_folder)
    monkeypatch.setenv("NN2VEC_ROOT", str(tmp_path / "project"))
    return "tiny"


def commands(group: click.Group, *before: str) -> list[tuple[str, ...]]:
    found: list[tuple[str, ...]] = []
    for name, command in group.commands.items():
        found.append((*before, name))
        if isinstance(command, click.Group):
            found += commands(command, *before, name)
    return found


@pytest.mark.parametrize("words", [(), *commands(cli.main)], ids=" ".join)
def test_every_command_has_help(words):
    result = run(*words, "--help")
    assert result.exit_code == 0
    assert result.stdout.startswith("Usage: ")
    assert len(result.stdout.split("\n\n")[1].strip()) > 10


def test_inspect_says_what_a_model_is(model):
    (found,) = documents(run("inspect", model, "--json"))
    again = read_onnx(model)
    assert found["fingerprint"] == again.fingerprint
    assert (found["vertices"], found["edges"], found["unsupported"]) == (6, 5, [])
    assert found["parameters"] == 4 * 3 * 3 * 3
    assert "fingerprint" in run("inspect", model).stdout


def test_convert_writes_onnx_and_source(model, tmp_path):
    (found,) = documents(run("convert", model, tmp_path / "a.onnx", "--weights", "--json"))
    assert found["weights"] == "carried"
    assert read_onnx(tmp_path / "a.onnx").fingerprint == found["fingerprint"]
    (found,) = documents(run("convert", model, tmp_path / "a.py", "--json"))
    assert found["weights"] == "random"
    compile((tmp_path / "a.py").read_text(), "a.py", "exec")


def test_source_code_takes_no_weights(model, tmp_path):
    assert run("convert", model, tmp_path / "a.py", "--weights").exit_code == 2
    assert not (tmp_path / "a.py").exists()


def test_files_with_open_dims_take_an_input_shape(open_dims, trained, tmp_path):
    more = {
        "convert": [tmp_path / "a.onnx", "--weights"],
        "encode": ["--codec", trained, "-o", tmp_path / "a.code"],
    }
    for command in ("inspect", "convert", "encode"):
        words = [command, open_dims, *more.get(command, [])]
        chosen = "leaves dims open; read at 3,224,224 (--input-shape, input_shape= decide)"
        assert run(*words).stderr == f"nn2vec: {open_dims}: {chosen}\n"
        documents(run(*words, "--input-shape", "3,8,8", "--json"))
    assert read_onnx(tmp_path / "a.onnx") == read_onnx(open_dims, (3, 8, 8))
    (found,) = documents(run("roundtrip", open_dims, "--input-shape", "3,8,8", "--json"))
    assert found["max_rel_difference"] < 1e-5


def test_roundtrip_without_a_codec(model):
    first, second = documents(run("roundtrip", model, model, "--json"))
    assert first == second
    assert (first["verdict"], first["exact"], first["runs"]) == (True, True, True)
    assert first["residual_bits"] is None
    assert first["max_rel_difference"] < 1e-5


def test_roundtrip_with_a_codec(model, trained):
    result = run("roundtrip", model, "--codec", trained, "--json")
    (found,) = map(json.loads, result.stdout.splitlines())
    assert found["exact_with_residual"] is True
    assert found["exact"] or found["residual_bits"] > 0
    assert result.exit_code == (0 if found["verdict"] else 1)
    assert result.stderr == ""


def test_a_verdict_that_is_no_is_status_1(model):
    result = run("roundtrip", model, "--tolerance", "-1", "--json")
    (found,) = map(json.loads, result.stdout.splitlines())
    assert (found["exact"], found["verdict"], result.exit_code) == (True, False, 1)
    assert "torch differs" in found["why"][0]


def test_a_bad_file_does_not_stop_a_roundtrip_of_several(model, tmp_path):
    (tmp_path / "bad.onnx").write_bytes(b"nothing")
    result = run("roundtrip", model, tmp_path / "bad.onnx", model, "--json")
    first, bad, last = map(json.loads, result.stdout.splitlines())
    assert first == last
    assert set(bad) == {"model", "verdict", "error"}
    assert "bad.onnx" in bad["error"]
    assert result.exit_code == 1
    assert result.stderr == "nn2vec: 1 of 3 models refused\n"


def test_encode_and_decode(model, trained, tmp_path):
    code = tmp_path / "small.code"
    (made,) = documents(run("encode", model, "--codec", trained, "-o", code, "--json"))
    (found,) = documents(run("decode", code, "-o", tmp_path / "back.onnx", "--json"))
    assert found["same_as_encoded"] is True
    again = read_onnx(tmp_path / "back.onnx")
    assert again.fingerprint == made["fingerprint"] == read_onnx(model).fingerprint
    documents(run("decode", code, "--no-residual", "-o", tmp_path / "alone.onnx", "--json"))


def test_codecs_lists_what_ships():
    assert {"enas6-ae"} <= {found["codec"] for found in documents(run("codecs", "--json"))}


@pytest.mark.parametrize("name", ["none.onnx", "garbage.onnx"])
@pytest.mark.parametrize("command", ["inspect", "convert", "roundtrip", "encode"])
def test_a_refused_model_is_one_line_and_status_1(tmp_path, trained, command, name):
    (tmp_path / "garbage.onnx").write_bytes(b"\x07hello\xff" * 50)
    more = {
        "convert": [tmp_path / "out.onnx"],
        "encode": ["--codec", trained, "-o", tmp_path / "out"],
    }.get(command, [])
    assert_refused(run(command, tmp_path / name, *more), name)
    assert not (tmp_path / "out").exists()
    assert not (tmp_path / "out.onnx").exists()


def test_what_is_no_code_is_one_line_and_status_1(tmp_path, model):
    assert_refused(run("decode", model, "-o", tmp_path / "a.onnx"), model.name)
    assert_refused(
        run("decode", tmp_path / "none", "-o", tmp_path / "a.onnx"), "none: missing"
    )


def test_an_unknown_codec_or_ending_is_one_line_and_status_1(model, trained, tmp_path):
    assert_refused(run("roundtrip", model, "--codec", "none"), "none")
    assert_refused(run("convert", model, tmp_path / "a.txt"), "a.txt")


@pytest.mark.parametrize(
    "words",
    [
        ("sql", "select 1", "--dataset", "none"),
        ("datasets", "show", "none"),
        ("datasets", "verify", "none"),
        ("datasets", "queries", "none"),
        ("normalise",),
        ("embed", "none"),
        ("validate",),
        ("harvest", "--profile", "none"),
    ],
    ids=" ".join,
)
def test_what_is_absent_is_one_line_and_status_1(words, tmp_path, monkeypatch):
    monkeypatch.setenv("NN2VEC_ROOT", str(tmp_path))
    assert_refused(run(*words), "")


def test_a_dataset_that_is_not_registered_is_refused_alike(tmp_path, monkeypatch):
    monkeypatch.setenv("NN2VEC_ROOT", str(tmp_path))
    said = {
        run(*words).stderr
        for words in (
            ("datasets", "show", "none"),
            ("datasets", "verify", "none"),
            ("datasets", "queries", "none"),
            ("sql", "select 1", "--dataset", "none"),
            ("report", "--dataset", "none"),
        )
    }
    why = "no dataset is named 'none'; there are: none"
    assert said == {f"nn2vec: {tmp_path / 'datasets'}: {why}\n"}
    assert not (tmp_path / "datasets").exists()


def test_a_project_with_nothing_to_show_gets_no_page(tmp_path):
    assert_refused(run("--root", tmp_path, "report"), "run: nn2vec harvest")
    assert list(tmp_path.iterdir()) == []


def test_where_there_is_no_dataset_the_list_says_so(tmp_path):
    result = run("--root", tmp_path, "datasets", "list", "--json")
    assert (result.exit_code, result.stdout) == (0, "")
    assert f"no dataset in {tmp_path / 'datasets'}" in result.stderr


def test_the_root_is_a_folder_that_is_there(tmp_path):
    assert run("--root", tmp_path / "none", "datasets", "list").exit_code == 2


def test_a_file_of_sql_that_is_not_there_is_no_query():
    assert_refused(run("sql", "nope.sql"), "nope.sql: no such file")


@pytest.mark.parametrize("words", [("sql",), ("sql", ""), ("sql", " \n")])
def test_an_empty_query_is_wrong_usage(words):
    assert run(*words).exit_code == 2


def test_a_folder_where_a_file_should_be_is_one_line(model, trained, tmp_path):
    assert_refused(run("encode", model, "--codec", trained, "-o", tmp_path), str(tmp_path))
    assert_refused(run("encode", model, "--codec", "/nowhere", "-o", "a"), "/nowhere")


def test_ctrl_c_is_said_and_status_130(monkeypatch):
    def interrupted(*_: object) -> None:
        try:
            raise KeyboardInterrupt
        except KeyboardInterrupt:
            sys.exit(1)  # as Lightning does

    monkeypatch.setattr("pipeline.stages.train", interrupted)
    result = run("train", "zoo-vae")
    assert (result.exit_code, result.stderr) == (
        130, "nn2vec: interrupted; run it again to go on\n"
    )  # fmt: skip


def test_the_shell_completes_codecs_and_datasets(monkeypatch):
    for words, expected in (("nn2vec roundtrip --codec enas6-s", "enas6-seq2seq"),
                            (f"nn2vec --root {ROOT} datasets show z", "zoo")):  # fmt: skip
        monkeypatch.setenv("_NN2VEC_COMPLETE", "bash_complete")
        monkeypatch.setenv("COMP_WORDS", words)
        monkeypatch.setenv("COMP_CWORD", str(len(words.split()) - 1))
        done = subprocess.run(
            [sys.executable, "-c", "from pipeline.cli import main; main(prog_name='nn2vec')"],
            capture_output=True, text=True, check=False,
        )  # fmt: skip
        assert f"plain,{expected}" in done.stdout.splitlines()


def test_listing_codecs_loads_no_torch():
    code = (
        "import sys; from pipeline.cli import main\n"
        "main(['codecs', '--json'], standalone_mode=False)\n"
        "assert 'torch' not in sys.modules, 'torch was loaded'"
    )
    subprocess.run([sys.executable, "-c", code], capture_output=True, check=True)


@pytest.mark.parametrize(
    "words",
    [
        ("nonsense",),
        ("inspect",),
        ("inspect", "a.onnx", "--nonsense"),
        ("inspect", "a.onnx", "--input-shape", "3,x"),
        ("inspect", "a.onnx", "--input-shape", "3,-1,8"),
        ("encode", "a.onnx"),
        ("harvest", "--shard", "2/2"),
        ("harvest", "--shard", "x"),
        ("evaluate", "zoo"),
        ("evaluate", "roundtrip", "--network", "alexnet"),
        ("evaluate", "roundtrip", "--network", "alexnet", "-o", "a", "--data", "b"),
        ("evaluate", "zoo", "--codec", "zoo-vae", "--network", "alexnet"),
        ("evaluate", "enas6", "--codec", "enas6-ae", "--profile", "default"),
        ("decode", "a.code", "-o", "a.onnx", "--residual"),
    ],
    ids=" ".join,
)
def test_wrong_usage_is_status_2(words):
    result = run(*words)
    assert result.exit_code == 2, result.output
    assert "Error" in result.stderr


def test_importing_the_command_line_loads_nothing_heavy():
    heavy = "torch pyarrow pandas onnx onnxruntime lightning duckdb airflow"
    code = (
        f"import sys, pipeline.cli; print(sorted(set('{heavy}'.split()) & set(sys.modules)))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == "[]"


def test_codecs_that_the_pipeline_trained_are_listed_by_their_folder(tmp_path):
    own = places(tmp_path).codecs / "zoo-vae"
    own.mkdir(parents=True)
    for path in SHIPPED.glob("zoo-vae.*"):
        shutil.copy(path, own)
    listed = documents(run("--root", tmp_path, "codecs", "--json"))
    found = [row["codec"] for row in listed]
    assert {"zoo-vae", "enas6-dvae", "enas6-dvae-emb", str(own)} <= set(found)

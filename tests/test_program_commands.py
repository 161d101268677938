"""``nn2vec show`` and ``nn2vec diff``."""

from __future__ import annotations

import json
from pathlib import Path

from click.testing import CliRunner, Result

from pipeline.cli import main

ROOT = str(Path(__file__).parents[1])


def run(*arguments: str) -> Result:
    return CliRunner().invoke(main, ["--root", ROOT, *arguments])


def test_show_from_a_file(light_folder: Path) -> None:
    done = run("show", str(light_folder / "light_squeezenet.onnx"))
    assert done.exit_code == 0
    assert "Conv 1x1" in done.stdout


def test_show_as_json() -> None:
    plain = json.loads(run("show", "zoo:resnet18", "--shapes", "--json").stdout)
    assert plain["model"] == "zoo:resnet18"
    assert plain["program"][0]["instructions"] == ["Input 3x224x224"]
    assert plain["program"][0]["output_shape"] == [3, 224, 224]


def test_show_the_design() -> None:
    assert "BatchNorm" in run("show", "zoo:resnet18").stdout
    assert "BatchNorm" not in run("show", "zoo:resnet18", "--design").stdout


def test_show_draws_a_picture(tmp_path: Path) -> None:
    picture = tmp_path / "net.svg"
    done = run("show", "zoo:resnet18", "-o", str(picture))
    assert (done.exit_code, done.stdout) == (0, "")
    assert "zoo:resnet18" in picture.read_text(encoding="utf-8")
    wrong = run("show", "zoo:resnet18", "-o", str(tmp_path / "net.png"))
    assert (wrong.exit_code, "OUT.svg" in wrong.output) == (2, True)


def test_diff_is_a_verdict() -> None:
    same = run("diff", "zoo:resnet18", "zoo:resnet18")
    assert (same.exit_code, same.stdout.count("\n")) == (0, 1)
    other = run("diff", "zoo:resnet18", "zoo:resnet34")
    assert (other.exit_code, "run 2: once -> 3 times" in other.stdout) == (1, True)


def test_diff_of_designs_and_as_json() -> None:
    spelled = run("diff", "zoo:resnet18", "zoo:resnet34", "--json")
    plain = json.loads(spelled.stdout)
    assert spelled.exit_code == 1
    assert [c["kind"] for c in plain["changes"]].count("depth") == 4
    assert run("diff", "zoo:resnet18", "zoo:resnet18", "--design").exit_code == 0


def test_what_is_not_there_is_one_clear_line() -> None:
    for done in (run("show", "zoo:nothing"), run("diff", "zoo:resnet26", "nothing.onnx")):
        assert done.exit_code == 1
        assert done.stderr.startswith("nn2vec: ")
        assert "Traceback" not in done.stderr

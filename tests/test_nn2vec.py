"""``import nn2vec``: the face that users see."""

from __future__ import annotations

import re
import subprocess
import sys
import tomllib
from importlib.resources import files
from pathlib import Path

import pytest

import nn2vec
import pipeline
from pipeline.command import EXTRAS
from pipeline.models import find_model

ROOT = Path(__file__).parents[1]


def test_every_name_is_there_and_is_the_pipelines() -> None:
    assert (
        set(nn2vec.__all__) - {"__version__"} == set(pipeline.__all__) == set(pipeline.HOMES)
    )
    for name in pipeline.__all__:
        assert getattr(nn2vec, name) is getattr(pipeline, name)
    assert set(nn2vec.__all__) <= set(dir(nn2vec))
    with pytest.raises(AttributeError, match="none"):
        nn2vec.none  # noqa: B018


def test_it_is_typed_and_has_a_version() -> None:
    assert (files("nn2vec") / "py.typed").is_file()
    assert (files("pipeline") / "py.typed").is_file()
    assert nn2vec.__version__[0].isdigit()


def test_importing_it_loads_nothing_heavy() -> None:
    code = (
        "import sys, nn2vec; heavy = {'torch', 'pyarrow', 'onnx', 'numpy', 'duckdb'}; "
        "found = heavy & set(sys.modules); assert not found, found"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


def test_a_torch_module_and_a_librarys_name_are_the_same_network() -> None:
    import torchvision

    module = torchvision.models.resnet18(weights=None)
    network = nn2vec.from_torch(module, (3, 224, 224))
    assert network == find_model("torchvision:resnet18", ROOT).network
    assert network == nn2vec.load_dataset("zoo", ROOT / "datasets").network("resnet18")


def test_an_unknown_name_of_a_library_is_refused() -> None:
    with pytest.raises(nn2vec.ModelError, match="torchvision:resnet19"):
        find_model("torchvision:resnet19", ROOT)


def test_what_is_not_installed_is_one_line_that_names_its_extra() -> None:
    code = (
        "import sys; sys.modules['torch'] = None; from pipeline.cli import main; "
        "main(['roundtrip', sys.argv[1]], prog_name='nn2vec')"
    )
    file = files("onnx") / "backend/test/data/light/light_squeezenet.onnx"
    done = subprocess.run(
        [sys.executable, "-c", code, str(file)], capture_output=True, text=True, check=False
    )
    assert done.returncode == 1
    assert done.stderr == "nn2vec: this needs torch: pip install 'nn2vec[torch]'\n"


def test_every_extra_that_is_named_is_declared() -> None:
    declared = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    assert set(EXTRAS.values()) < set(declared["optional-dependencies"])
    ranges = [d for d in declared["dependencies"] if not re.search(r"[<>]=?", d)]
    assert ranges == []

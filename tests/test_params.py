"""params.yaml: every section of the shipped file loads, and what is unknown is refused."""

from __future__ import annotations

import re
from pathlib import Path

import click
import pytest
import yaml

from pipeline.cli import main
from pipeline.errors import DataError
from pipeline.params import load_harvest, load_section, read_plain
from pipeline.places import dataset_of

ROOT = Path(__file__).parent.parent
PLAIN = read_plain(ROOT)


def models() -> dict[tuple[str, ...], type]:
    """Section of params.yaml -> its model."""

    from pipeline.compress.enas6 import Enas6Params
    from pipeline.compress.zoo import ZooParams
    from pipeline.evaluate.retrain_params import RetrainParams
    from pipeline.evaluate.validate import ValidateParams
    from pipeline.evaluate.zoo import ZooEvaluation
    from pipeline.harvest.params import HarvestParams
    from pipeline.registry.card import About
    from pipeline.tables.labels import LabelParams
    from pipeline.tables.normalise import NormaliseParams

    found: dict[tuple[str, ...], type] = {
        ("normalise",): NormaliseParams,
        ("labels",): LabelParams,
        ("evaluate", "default"): ZooEvaluation,
        ("evaluate", "full"): ZooEvaluation,
        ("validate",): ValidateParams,
    }
    found |= {("harvest", name): HarvestParams for name in PLAIN["harvest"]}
    found |= {("codecs", name): ZooParams for name in PLAIN["codecs"]}
    found |= {("enas6", name): Enas6Params for name in PLAIN["enas6"]}
    found |= {("datasets", name): About for name in PLAIN["datasets"]}
    return found | {
        ("retrain", profile, network): RetrainParams
        for profile, networks in PLAIN["retrain"].items()
        for network in networks
    }


def changed(tmp_path: Path, path: tuple[str, ...], key: str, value: object) -> Path:
    """A project whose params.yaml has one more key in the section ``path``."""
    plain = yaml.safe_load((ROOT / "params.yaml").read_text())
    section = plain
    for name in path:
        section = section[name]
    section[key] = value
    (tmp_path / "params.yaml").write_text(yaml.safe_dump(plain))
    return tmp_path


def test_every_section_loads():
    for path, model in models().items():
        load_section(ROOT, model, *path)


def test_no_section_is_without_a_model():
    assert {path[0] for path in models()} | {"dataset", "default_codec"} == set(PLAIN)


def test_an_unknown_key_is_named_with_its_file_in_every_section(tmp_path):
    for path, model in models().items():
        root = changed(tmp_path, path, "nonsense", 1)
        with pytest.raises(DataError, match=rf"params\.yaml: .*{path[-1]}\.nonsense"):
            load_section(root, model, *path)


def test_a_wrong_value_is_named(tmp_path):
    path = ("normalise",)
    root = changed(tmp_path, path, "processes", "many")
    with pytest.raises(DataError, match=r"normalise\.processes"):
        load_section(root, models()[path], *path)


def test_a_missing_section_is_answered_with_the_known_ones():
    with pytest.raises(DataError, match=r"no harvest\.huge.*starter, zoo"):
        load_harvest(ROOT, "huge")


@pytest.mark.parametrize("content", ["a: [", "\t", None])
def test_a_file_that_cannot_be_read_is_named(tmp_path, content):
    if content is not None:
        (tmp_path / "params.yaml").write_text(content)
    with pytest.raises(DataError, match=r"params\.yaml"):
        load_harvest(tmp_path, "default")


def test_the_dataset_that_a_run_builds_can_be_harvested_and_registered():
    assert dataset_of(ROOT) in PLAIN["harvest"].keys() & PLAIN["datasets"].keys()


@pytest.mark.parametrize("named", ["../elsewhere", "", 3])
def test_a_dataset_that_is_no_name_is_refused(tmp_path, named):
    (tmp_path / "params.yaml").write_text(yaml.safe_dump({"dataset": named}))
    with pytest.raises(DataError, match=r"params\.yaml: dataset: .* no name"):
        dataset_of(tmp_path)


def test_the_default_codec_is_one_that_is_trained():
    assert PLAIN["default_codec"] in PLAIN["codecs"]


def test_dvc_runs_commands_that_exist_on_params_that_exist():
    stages = yaml.safe_load((ROOT / "dvc.yaml").read_text())["stages"]
    for name, stage in stages.items():
        inner = stage.get("do", stage)
        command, *words = inner["cmd"].removeprefix("${run} ").split()
        found = main.commands[command]
        assert isinstance(found, click.Command), name
        options = {o for p in found.params for o in p.opts}
        assert {w for w in words if w.startswith("--")} <= options, name
        for item in stage.get("foreach", [""]):
            for param in inner.get("params", []):
                section = PLAIN
                for key in re.sub(r"\$\{item\}", item, param).split("."):
                    section = section[key]

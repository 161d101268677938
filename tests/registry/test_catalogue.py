import copy
import json
import shutil
import subprocess

import pytest
from small_dataset import register_small_zoo
from small_zoo import ZOO

from pipeline.errors import DataError
from pipeline.registry.catalogue import diff, list_datasets, show, verify
from pipeline.registry.tags import git_revision, tag_command, tag_version


def test_datasets_are_listed_and_shown(datasets):
    assert [(m.name, m.version) for m in list_datasets(datasets)] == [("zoo", "1.0.0")]
    assert show(datasets, "zoo").name == "zoo"
    with pytest.raises(DataError, match=r"'zooo'; there are: zoo"):
        show(datasets, "zooo")


def test_verify_names_every_damaged_missing_and_foreign_file(datasets):
    dataset = datasets / "zoo"
    shard = next(dataset.glob("tables/nodes-*.parquet"))
    shard.write_bytes(shard.read_bytes() + b" ")
    (dataset / "card.md").unlink()
    problems = verify(dataset)
    assert len(problems) == 2
    assert "card.md: missing" in problems[0]
    assert shard.name in problems[1]


def test_verify_finds_tables_of_another_version(tmp_path):
    register_small_zoo(tmp_path, ["odd"])
    shutil.copytree(tmp_path / "datasets/zoo/tables", tmp_path / "older")
    register_small_zoo(tmp_path)
    shutil.rmtree(tmp_path / "datasets/zoo/tables")
    (tmp_path / "older").rename(tmp_path / "datasets/zoo/tables")
    assert any("not part of version 1.1.0" in p for p in verify(tmp_path / "datasets/zoo"))


def changes(plain, path=()):
    """Every leaf of a manifest, with another value of its type."""
    if isinstance(plain, dict):
        for key, value in plain.items():
            yield from changes(value, (*path, key))
    elif isinstance(plain, list):
        for index, value in enumerate(plain):
            yield from changes(value, (*path, index))
    elif isinstance(plain, str | int | float):
        yield path, plain + ("x" if isinstance(plain, str) else 1)


@pytest.mark.parametrize("name", ["manifest.json", "tables/manifest.json"])
def test_no_change_of_a_manifest_passes(datasets, name):
    path = datasets / "zoo" / name
    whole = json.loads(path.read_bytes())
    cases = list(changes(whole))
    assert len(cases) > 40
    for place, value in cases:
        plain = copy.deepcopy(whole)
        inner = plain
        for key in place[:-1]:
            inner = inner[key]
        inner[place[-1]] = value
        path.write_text(json.dumps(plain))
        try:
            assert verify(datasets / "zoo"), place
        except DataError as e:
            assert name in str(e)  # noqa: PT017 - one or the other
    path.write_text(json.dumps(whole))
    assert verify(datasets / "zoo") == []


def test_two_datasets_are_compared_by_fingerprint(tmp_path):
    register_small_zoo(tmp_path, ["plain8", "odd"])
    (tmp_path / "datasets/zoo").rename(tmp_path / "datasets/old")
    register_small_zoo(tmp_path, ["plain8", "skip8", "plain16"])
    difference = diff(tmp_path / "datasets", "old", "zoo")
    assert sorted(difference.added.values()) == ["plain16", "skip8"]
    assert difference.removed == {ZOO["odd"][1].fingerprint: "odd"}
    assert difference.rows["networks"] == (2, 3)
    assert difference.sources == {"found": (1, 0), "hand": (1, 3)}


def run(folder, *command):
    subprocess.run(command, cwd=folder, check=True, capture_output=True)


def commit(folder, message):
    run(folder, "git", "add", "-A")
    run(folder, "git", "-c", "user.name=t", "-c", "user.email=t@t", "commit", "-qm", message)


@pytest.fixture
def repository(tmp_path, monkeypatch):
    """A Git and DVC repository with the zoo in DVC, tagged 1.0.0, then changed and pushed."""
    for who in ("AUTHOR", "COMMITTER"):
        monkeypatch.setenv(f"GIT_{who}_NAME", "t")
        monkeypatch.setenv(f"GIT_{who}_EMAIL", "t@t")
    monkeypatch.setenv("DVC_NO_ANALYTICS", "1")
    from dvc.repo import Repo

    folder = tmp_path / "repository"
    folder.mkdir()
    (folder / ".gitignore").write_text("/work\n")
    run(folder, "git", "init", "-q", "-b", "main")
    repo = Repo.init(str(folder))
    with repo.config.edit() as config:
        config["core"]["remote"] = "store"
        config["remote"]["store"] = {"url": str(tmp_path / "remote")}
    register_small_zoo(folder, ["plain8", "odd"])
    repo = Repo(str(folder))
    repo.add(str(folder / "datasets/zoo/tables"))
    commit(folder, "first")
    assert tag_version(folder, "zoo", "1.0.0") == "zoo@v1.0.0"
    register_small_zoo(folder)
    repo.add(str(folder / "datasets/zoo/tables"))
    repo.push(all_commits=True)
    commit(folder, "second")
    repo.close()
    return folder


def test_versions_are_tagged_compared_and_fetched_from_another_repository(
    repository, tmp_path
):
    datasets = repository / "datasets"
    assert show(datasets, "zoo@v1.0.0").version == "1.0.0"
    difference = diff(datasets, "zoo@v1.0.0", "zoo")
    assert (difference.before, difference.after) == ("zoo 1.0.0", "zoo 1.1.0")
    assert sorted(difference.added.values()) == ["plain16", "resnet18", "skip8"]
    with pytest.raises(DataError, match=r"no version zoo@v9"):
        show(datasets, "zoo@v9")
    with pytest.raises(DataError, match="no tag"):
        tag_version(repository, "zoo", "1.0.0")
    from dvc.repo import Repo

    target = tmp_path / "elsewhere"
    Repo.get(str(repository), "datasets/zoo", out=str(target / "zoo"), rev="zoo@v1.0.0")
    assert verify(target / "zoo") == []


def test_the_revision_is_that_of_the_repository(repository, tmp_path):
    assert len(git_revision(repository) or "") == 40
    assert show(repository / "datasets", "zoo").git_revision is not None
    assert git_revision(tmp_path) is None
    assert tag_command("zoo", "1.1.0") == "gto register zoo --version v1.1.0"

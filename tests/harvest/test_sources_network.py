"""Files over the network: only ranges, tried again when it helps, never two versions mixed."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from pathlib import Path

import numpy as np
import pytest
from failing_server import Site, serve
from onnx import TensorProto, helper, numpy_helper

from pipeline.errors import ModelError
from pipeline.harvest.params import Files, HuggingFace
from pipeline.harvest.sources import files, huggingface
from pipeline.weightless.http import HttpFile
from pipeline.weightless.web import Patience, retry_after

PATH = "/big.onnx"


def big_model() -> bytes:
    weight = np.random.default_rng(0).random((512, 2048), dtype=np.float32)  # 4 MiB
    value = helper.make_tensor_value_info
    nodes = [
        helper.make_node("MatMul", ["x", "w"], ["h"]),
        helper.make_node("Relu", ["h"], ["y"]),
    ]
    graph = helper.make_graph(
        nodes,
        "net",
        [value("x", TensorProto.FLOAT, [1, 512])],
        [value("y", TensorProto.FLOAT, [1, 2048])],
        [numpy_helper.from_array(weight, "w")],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 20)])
    return model.SerializeToString()


CONTENT = big_model()


@pytest.fixture
def site() -> Iterator[Site]:
    with serve(Site(files={PATH: CONTENT})) as running:
        yield running


class Pauses(list[float]):
    """Stands in for sleeping, and remembers for how long."""

    def patience(self, tries: int = 4, pauses: float = 100.0) -> Patience:
        return Patience(0.5, tries, pauses, 1.0, self.append)


def operators(fetched: files.Fetched) -> list[str]:
    return [node.op_type for node in fetched.skeleton.graph.node]


def test_only_the_graph_is_fetched(site: Site) -> None:
    fetched = files.fetch_url(site.address + PATH)
    assert operators(fetched) == ["MatMul", "Relu"]
    assert fetched.bytes == len(CONTENT)
    assert fetched.file_digest == "etag:v1"
    assert site.body_bytes < len(CONTENT) / 20


@pytest.mark.parametrize("failure", [503, 500, 408, "truncate", "hang", "drop"])
def test_what_passes_is_tried_again(site: Site, failure: object) -> None:
    pauses = Pauses()
    site.failures[PATH] = [failure, failure]
    fetched = files.fetch_url(site.address + PATH, patience=pauses.patience())
    assert operators(fetched) == ["MatMul", "Relu"]
    assert pauses == [1.0, 2.0]


def test_retry_after_is_honoured(site: Site) -> None:
    pauses = Pauses()
    site.failures[PATH] = [(429, "7")]
    files.fetch_url(site.address + PATH, patience=pauses.patience())
    assert pauses == [7.0]


def test_retry_after_may_be_a_date_or_nonsense() -> None:
    soon = format_datetime(datetime.now(UTC) + timedelta(seconds=60))
    assert 55 < (retry_after({"Retry-After": soon}) or 0) <= 60
    assert retry_after({"Retry-After": "soon"}) is None
    assert retry_after({}) is None


def test_patience_ends(site: Site) -> None:
    pauses = Pauses()
    site.failures[PATH] = [503] * 10
    with pytest.raises(ModelError) as caught:
        files.fetch_url(site.address + PATH, patience=pauses.patience(tries=3))
    assert caught.value.reason == "unreachable"
    assert "503" in caught.value.detail
    assert len(pauses) == 2


def test_nobody_waits_an_hour(site: Site) -> None:
    pauses = Pauses()
    site.failures[PATH] = [(429, "3600")]
    with pytest.raises(ModelError, match="unreachable"):
        files.fetch_url(site.address + PATH, patience=pauses.patience())
    assert pauses == []


@pytest.mark.parametrize(("status", "reason"), [(404, "missing"), (403, "forbidden")])
def test_what_does_not_pass_is_not_tried_again(site: Site, status: int, reason: str) -> None:
    site.failures[PATH] = [status]
    with pytest.raises(ModelError) as caught:
        files.fetch_url(site.address + PATH)
    assert caught.value.reason == reason
    assert len(site.requests) == 1


def test_a_file_that_changes_under_the_reader_is_refused(site: Site) -> None:
    with HttpFile(site.address + PATH) as file:
        site.etags[PATH] = "v2"
        file.seek(len(CONTENT) - 100)
        with pytest.raises(ModelError, match="changed"):
            file.read(10)


def test_a_file_that_changed_is_read_again_from_the_start(site: Site) -> None:
    changes = iter(("v2",))
    original = HttpFile.readinto

    def change_first(self: HttpFile, buffer: object) -> int:
        if (etag := next(changes, "")) and self.tell() == 0:
            site.etags[PATH] = etag
        return original(self, buffer)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(HttpFile, "readinto", change_first)
        fetched = files.fetch_url(site.address + PATH)
    assert fetched.file_digest == "etag:v2"


def test_the_listing_tells_a_changed_file(site: Site) -> None:
    section = Files(addresses=(site.address + PATH,), licence="MIT")
    (before,) = files.list_candidates(section)
    site.etags[PATH] = "v2"
    (after,) = files.list_candidates(section)
    assert before.version == "v1"
    assert after.version == "v2"


def test_a_glob_of_local_files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "nets").mkdir()
    for name in ("b", "a"):
        (tmp_path / "nets" / f"{name}.onnx").write_bytes(CONTENT)
    monkeypatch.chdir(tmp_path)
    section = Files(addresses=("nets/*.onnx",))
    candidates = list(files.list_candidates(section))
    assert [candidate.address for candidate in candidates] == ["nets/a.onnx", "nets/b.onnx"]
    fetched = files.fetch(candidates[0], section)
    assert fetched.file_digest.startswith("sha256:")
    assert fetched.bytes == len(CONTENT)


def test_a_file_that_is_no_model_is_refused(tmp_path: Path) -> None:
    (tmp_path / "net.onnx").write_bytes(CONTENT[: len(CONTENT) // 2])
    section = Files(addresses=(str(tmp_path / "net.onnx"),))
    (candidate,) = files.list_candidates(section)
    with pytest.raises(ModelError):
        files.fetch(candidate, section)


def hub(site: Site) -> HuggingFace:
    siblings = [{"rfilename": "README.md"}, {"rfilename": "model.onnx"}]
    repository = {
        "id": "zoo/resnet18",
        "modelId": "zoo/resnet18",
        "sha": "f" * 40,
        "tags": ["onnx", "license:apache-2.0"],
        "siblings": siblings,
    }
    digest = "a" * 64
    detailed = [
        siblings[0],
        {
            **siblings[1],
            "size": 9,
            "blobId": "b" * 40,
            "lfs": {"size": 9, "sha256": digest, "pointerSize": 1},
        },
    ]
    site.api["/api/models"] = [repository]
    site.api["/api/models/zoo/resnet18"] = {**repository, "siblings": detailed}
    site.files["/zoo/resnet18/resolve/main/model.onnx"] = CONTENT
    site.etags["/zoo/resnet18/resolve/main/model.onnx"] = digest
    return HuggingFace(endpoint=site.address)


@pytest.mark.parametrize("way", ["repositories", "organisations"])
def test_a_repository_of_the_hub(site: Site, way: str) -> None:
    wanted = {"repositories": ("zoo/resnet18",), "organisations": ("zoo",)}[way]
    section = hub(site).model_copy(update={way: wanted})
    (candidate,) = huggingface.list_candidates(section)
    assert candidate.address == "hf://zoo/resnet18/model.onnx"
    assert (candidate.name, candidate.family) == ("resnet18", "resnet")
    assert candidate.licence == "apache-2.0"
    fetched = huggingface.fetch(candidate, section)
    assert operators(fetched) == ["MatMul", "Relu"]
    assert fetched.file_digest == "sha256:" + "a" * 64


def test_the_hub_may_be_busy(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    section = hub(site).model_copy(update={"repositories": ("zoo/resnet18",)})
    site.failures["/api/models/zoo/resnet18"] = [(429, "0"), 503]
    monkeypatch.setattr(
        huggingface, "Patience", lambda seconds, tries: Patience(seconds, tries, 100.0, 0.01)
    )
    assert len(list(huggingface.list_candidates(section))) == 1


def test_a_repository_that_is_not_there(site: Site) -> None:
    section = HuggingFace(endpoint=site.address, repositories=("zoo/absent",))
    with pytest.raises(ModelError, match="404"):
        list(huggingface.list_candidates(section))

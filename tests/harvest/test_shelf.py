"""The shelf: content-addressed, order-independent, checked on reading."""

from __future__ import annotations

from pathlib import Path

import onnx
import pytest
from onnx import TensorProto, helper

from pipeline.errors import DataError, ModelError
from pipeline.harvest.candidate import Candidate, Fetched
from pipeline.harvest.records import FileRecord
from pipeline.harvest.shelf import Shelf

NOON, LATER = "2026-01-01T12:00:00+00:00", "2026-02-02T12:00:00+00:00"


def model(operator: str = "Relu") -> onnx.ModelProto:
    value = helper.make_tensor_value_info
    graph = helper.make_graph(
        [helper.make_node(operator, ["x"], ["y"])],
        "net",
        [value("x", TensorProto.FLOAT, [1, 3])],
        [value("y", TensorProto.FLOAT, [1, 3])],
    )
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 20)])


def candidate(name: str = "a", version: str = "1") -> Candidate:
    return Candidate("files", f"https://host/{name}.onnx", name, "relu", "MIT", version)


def fetched(operator: str = "Relu", digest: str = "sha256:0") -> Fetched:
    return Fetched(model(operator), digest, 1000)


def tree(root: Path) -> dict[str, bytes]:
    return {
        str(p.relative_to(root)): p.read_bytes()
        for p in sorted(root.rglob("*"))
        if p.is_file()
    }


def test_what_is_added_comes_back(tmp_path: Path) -> None:
    shelf = Shelf(tmp_path)
    record = shelf.add(candidate(), fetched(), NOON)
    assert shelf.files() == [record]
    assert shelf.skeleton(record.skeleton_digest) == model()
    assert (record.opset, record.bytes, record.licence) == (20, 1000, "MIT")


def test_adding_again_changes_no_byte_and_keeps_the_first_date(tmp_path: Path) -> None:
    shelf = Shelf(tmp_path)
    shelf.add(candidate(), fetched(), NOON)
    before = tree(tmp_path)
    shelf.add(candidate(), fetched(), LATER)
    assert tree(tmp_path) == before


def test_two_files_of_one_network_share_a_skeleton(tmp_path: Path) -> None:
    shelf = Shelf(tmp_path)
    for name in "ab":
        shelf.add(candidate(name), fetched(digest=f"sha256:{name}"), NOON)
    assert len(shelf.files()) == 2
    assert len(shelf.digests()) == 1


def test_the_order_of_adding_does_not_matter(tmp_path: Path) -> None:
    items = [(candidate("a"), fetched("Relu")), (candidate("b"), fetched("Tanh"))]
    for folder, order in (("one", items), ("two", items[::-1])):
        for what in order:
            Shelf(tmp_path / folder).add(*what, NOON)
    assert tree(tmp_path / "one") == tree(tmp_path / "two")


def test_growing_makes_files_and_changes_none(tmp_path: Path) -> None:
    shelf = Shelf(tmp_path)
    shelf.add(candidate("a"), fetched(), NOON)
    before = tree(tmp_path)
    shelf.add(candidate("b"), fetched("Tanh", "sha256:1"), LATER)
    after = tree(tmp_path)
    assert before.items() <= after.items()
    assert len(after) == len(before) + 2


def test_a_refusal_is_remembered_until_the_model_is_had(tmp_path: Path) -> None:
    shelf = Shelf(tmp_path)
    shelf.refuse(candidate(), ModelError("timeout", "took too long"), NOON)
    (refusal,) = shelf.refusals()
    assert (refusal.stage, refusal.reason) == ("harvest", "timeout")
    shelf.add(candidate(), fetched(), LATER)
    assert shelf.refusals() == []


def test_a_changed_skeleton_is_noticed(tmp_path: Path) -> None:
    shelf = Shelf(tmp_path)
    digest = shelf.add(candidate(), fetched(), NOON).skeleton_digest
    shelf.skeleton_path(digest).write_bytes(b"something else")
    with pytest.raises(DataError, match="does not match"):
        shelf.skeleton_bytes(digest)


@pytest.mark.parametrize("digest", ["../../etc/passwd", "A" * 64, "", "0" * 63])
def test_a_digest_that_is_none_is_no_path(tmp_path: Path, digest: str) -> None:
    with pytest.raises(DataError):
        Shelf(tmp_path).skeleton_path(digest)


@pytest.mark.parametrize("content", [b"", b"[]", b"{}", b'{"source": 1}', b"\xff"])
def test_a_damaged_record_is_named(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "files" / "ab" / "ab.json"
    path.parent.mkdir(parents=True)
    path.write_bytes(content)
    with pytest.raises(DataError, match=r"ab\.json"):
        Shelf(tmp_path).files()


def test_a_record_is_the_same_bytes_each_time(tmp_path: Path) -> None:
    record = Shelf(tmp_path).add(candidate(), fetched(), NOON)
    (path,) = (tmp_path / "files").glob("??/*.json")
    assert FileRecord.read(path) == record
    assert path.read_bytes() == record.to_json()

"""Harvesting: resumes, shards, refuses by reason, and survives being killed at any point."""

from __future__ import annotations

import json
import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from failing_server import Site, serve
from odd_server import serve_odd
from onnx import TensorProto, helper
from pydantic import ValidationError

from pipeline.harvest import harvest as harvesting
from pipeline.harvest.harvest import HarvestReport, harvest
from pipeline.harvest.params import HarvestParams
from pipeline.harvest.shelf import Shelf

NOON, LATER = "2026-01-01T12:00:00+00:00", "2026-02-02T12:00:00+00:00"
COUNT = 24

SCRIPT = """
import json, sys
from pipeline.harvest.harvest import harvest
from pipeline.harvest.params import HarvestParams
from pipeline.harvest.shelf import Shelf
harvest(Shelf(sys.argv[1]), HarvestParams.model_validate(json.loads(sys.argv[2])),
        harvested_at=sys.argv[3])
"""


def content(width: int) -> bytes:
    value = helper.make_tensor_value_info
    graph = helper.make_graph(
        [helper.make_node("Relu", ["x"], ["y"])],
        "net",
        [value("x", TensorProto.FLOAT, [1, width])],
        [value("y", TensorProto.FLOAT, [1, width])],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 20)])
    return model.SerializeToString()


@pytest.fixture
def models(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "models"
    folder.mkdir()
    for number in range(COUNT):
        (folder / f"net{number:02d}.onnx").write_bytes(content(number + 1))
    monkeypatch.chdir(tmp_path)
    return folder


def settings(**changes: object) -> dict[str, object]:
    return {"sources": {"files": {"addresses": ["models/*.onnx"]}}, **changes}


def run(folder: Path, shard: tuple[int, int] = (0, 1), **changes: object) -> HarvestReport:
    params = HarvestParams.model_validate(settings(**changes))
    return harvest(Shelf(folder), params, shard, NOON)


def tree(root: Path) -> dict[str, bytes]:
    return {
        str(p.relative_to(root)): p.read_bytes()
        for p in sorted(root.rglob("*"))
        if p.is_file()
    }


def test_a_second_run_fetches_nothing(models: Path, tmp_path: Path) -> None:
    first = run(tmp_path / "shelf")
    before = tree(tmp_path / "shelf")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(harvesting, "_fetch", None)  # nothing may be asked of it
        second = run(tmp_path / "shelf")
    assert first.added == second.held == {"files": COUNT}
    assert second.added == {}
    assert tree(tmp_path / "shelf") == before


def test_one_new_model_costs_one_model(models: Path, tmp_path: Path) -> None:
    run(tmp_path / "shelf")
    (models / "new.onnx").write_bytes(content(1000))
    report = run(tmp_path / "shelf")
    assert (report.added, report.held) == ({"files": 1}, {"files": COUNT})


def test_a_changed_model_is_fetched_again(models: Path, tmp_path: Path) -> None:
    run(tmp_path / "shelf")
    (models / "net00.onnx").write_bytes(content(2000))
    assert run(tmp_path / "shelf").added == {"files": 1}
    assert len(Shelf(tmp_path / "shelf").files()) == COUNT + 1


@pytest.mark.parametrize("order", [(0, 1, 2), (2, 0, 1)])
def test_shards_together_are_the_whole(
    models: Path, tmp_path: Path, order: tuple[int, ...]
) -> None:
    run(tmp_path / "whole")
    added = [run(tmp_path / "parts", (shard, 3)).added.get("files", 0) for shard in order]
    assert sum(added) == COUNT
    assert all(added)
    assert tree(tmp_path / "parts") == tree(tmp_path / "whole")


def test_the_number_of_processes_does_not_show(models: Path, tmp_path: Path) -> None:
    run(tmp_path / "one")
    run(tmp_path / "two", processes=2)
    assert tree(tmp_path / "one") == tree(tmp_path / "two")


def test_what_is_refused_is_remembered_by_reason(models: Path, tmp_path: Path) -> None:
    (models / "bad.onnx").write_bytes(b"no model at all")
    first = run(tmp_path / "shelf")
    (reason,) = first.refused["files"]
    (refusal,) = Shelf(tmp_path / "shelf").refusals()
    assert (refusal.name, refusal.reason, refusal.stage) == ("bad", reason, "harvest")
    assert run(tmp_path / "shelf").refused == {}
    assert run(tmp_path / "shelf", retry=[reason]).refused == first.refused


def test_network_trouble_is_tried_again_next_time(tmp_path: Path) -> None:
    address = "/net.onnx"
    with serve(Site(files={address: content(5)}, failures={address: [400]})) as site:
        params = HarvestParams.model_validate(
            {"sources": {"files": {"addresses": [site.address + address]}}}
        )
        shelf = Shelf(tmp_path / "shelf")
        assert harvest(shelf, params).refused == {"files": {"unreachable": 1}}
        assert harvest(shelf, params).added == {"files": 1}
    assert shelf.refusals() == []


def test_a_source_that_does_not_answer_stops_no_other(models: Path, tmp_path: Path) -> None:
    sources = {
        "files": {"addresses": ["models/*.onnx"]},
        "huggingface": {"endpoint": "http://127.0.0.1:9", "repositories": ["a/b"], "tries": 1},
    }
    report = run(tmp_path / "shelf", sources=sources)
    assert report.added == {"files": COUNT}
    assert list(report.unreachable) == ["huggingface"]


@pytest.mark.parametrize(
    "header", ["Retry-After: \xb2", "Location: http://[", "Content-Range: bytes \xb2-9/10"]
)
def test_one_odd_address_costs_itself_alone(models: Path, tmp_path: Path, header: str) -> None:
    status = {"Retry": "503 Busy", "Locat": "302 Found"}.get(header[:5], "206 Partial Content")
    answer = f"HTTP/1.1 {status}\r\n{header}\r\nContent-Length: 0\r\n\r\n".encode("latin1")
    with serve_odd(lambda _: [answer]) as odd:
        addresses = [odd.address, "models/*.onnx"]
        sources = {"files": {"addresses": addresses, "tries": 1, "seconds": 5}}
        report = run(tmp_path / "shelf", sources=sources)
        assert report.refused == {"files": {"unreachable": 1}}
        assert report.added == {"files": COUNT}
        assert [r.address for r in Shelf(tmp_path / "shelf").refusals()] == [odd.address]


def test_a_source_that_answers_nonsense_stops_no_other(
    models: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def list_one(name: str, section: object) -> list[object]:
        if name == "huggingface":
            raise TypeError("https://hub/?token=hunter2 is no list")
        return original(name, section)

    original = harvesting._list_one
    monkeypatch.setattr(harvesting, "_list_one", list_one)
    sources = {"huggingface": {}, "files": {"addresses": ["models/*.onnx"]}}
    report = run(tmp_path / "shelf", sources=sources)
    assert report.added == {"files": COUNT}
    assert "TypeError: https://hub/?token=*** is no list" in report.unreachable["huggingface"]


@pytest.mark.parametrize(
    "wrong",
    [
        {"sources": {"nowhere": {}}},
        {"sources": {"files": {"adresses": []}}},
        {"sources": {}, "threads": 2},
        {"sources": {"timm_zoo": {"limit": -1}}},
    ],
)
def test_unknown_parameters_are_refused(wrong: dict[str, object]) -> None:
    with pytest.raises(ValidationError):
        HarvestParams.model_validate(wrong)


def test_a_limit_takes_the_first(models: Path, tmp_path: Path) -> None:
    sources = {"files": {"addresses": ["models/*.onnx"], "limit": 3}}
    assert run(tmp_path / "shelf", sources=sources).added == {"files": 3}


def start(folder: Path, when: str) -> subprocess.Popen[bytes]:
    return subprocess.Popen(
        [sys.executable, "-c", SCRIPT, str(folder), json.dumps(settings()), when],
        stderr=subprocess.DEVNULL,
    )


def test_killed_at_any_point_it_ends_as_if_it_were_not(models: Path, tmp_path: Path) -> None:
    run(tmp_path / "whole")
    draw = random.Random(0)
    shelf, records = Shelf(tmp_path / "killed"), 0
    for _ in range(8):
        process = start(shelf.root, NOON)
        deadline = time.monotonic() + 20
        target = records + draw.randint(0, 4)
        while len(shelf.digests()) < target and time.monotonic() < deadline:
            time.sleep(0.001)
        time.sleep(draw.random() * 0.01)
        process.send_signal(signal.SIGKILL)
        process.wait()
        held = shelf.files()  # no record is damaged, and every one has its skeleton
        assert {record.skeleton_digest for record in held} <= shelf.digests()
        assert len(held) >= records
        records = len(held)
    assert start(shelf.root, NOON).wait() == 0
    leftovers = {name for name in tree(shelf.root) if "/.tmp-" in name}
    finished = {k: v for k, v in tree(shelf.root).items() if k not in leftovers}
    assert finished == tree(tmp_path / "whole")


def test_what_a_killed_writer_left_is_swept_away(models: Path, tmp_path: Path) -> None:
    old, young = (tmp_path / "shelf" / "ab" / f".tmp-{name}" for name in ("old", "young"))
    old.parent.mkdir(parents=True)
    for path in (old, young):
        path.write_bytes(b"half a skele")
    two_hours_ago = time.time() - 7200
    os.utime(old, (two_hours_ago, two_hours_ago))
    run(tmp_path / "shelf")
    assert not old.exists()
    assert young.exists()  # another harvest may be writing it at this moment


def test_no_worker_outlives_its_harvest(models: Path, tmp_path: Path) -> None:
    process = start(tmp_path / "shelf", LATER)
    children = Path(f"/proc/{process.pid}/task/{process.pid}/children")
    deadline = time.monotonic() + 20
    while not (workers := children.read_text().split()) and time.monotonic() < deadline:
        time.sleep(0.01)
    process.kill()
    process.wait()
    assert workers
    deadline = time.monotonic() + 5
    while any(_alive(pid) for pid in workers) and time.monotonic() < deadline:
        time.sleep(0.01)
    assert not any(_alive(pid) for pid in workers)


def _alive(pid: str) -> bool:
    """Whether a process runs; one that has ended and is not yet collected does not."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False

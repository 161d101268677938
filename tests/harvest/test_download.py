"""Files known by their digest: fetched once over HTTP, copied where given, checked always."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pytest
from servers import Served, serve_folder

from pipeline.errors import DataError, ModelError
from pipeline.harvest.download import Download, Downloads

CONTENT = b"model,top1\nresnet18,69.76\n" * 9000  # more than one range


@pytest.fixture
def served(tmp_path: Path):
    folder = tmp_path / "served"
    folder.mkdir()
    (folder / "table.csv").write_bytes(CONTENT)
    with serve_folder(folder) as server:
        yield server


def download(server: Served, content: bytes = CONTENT, file: str = "table.csv") -> Download:
    digest = hashlib.sha256(content).hexdigest()
    return Download("the table", "kept.csv", f"{server.address}/{file}", digest)


def test_a_file_is_fetched_once_and_kept(served, tmp_path) -> None:
    downloads = Downloads(tmp_path / "kept")
    assert downloads.read(download(served)) == CONTENT
    asked = served.requests
    assert asked > 0
    assert downloads.read(download(served)) == CONTENT
    assert served.requests == asked
    assert (tmp_path / "kept/kept.csv").read_bytes() == CONTENT


def test_other_content_is_refused_and_not_kept(served, tmp_path) -> None:
    with pytest.raises(DataError, match=r"table\.csv: not the table \(sha256 .* expected"):
        Downloads(tmp_path / "kept").read(download(served, b"another"))
    assert not (tmp_path / "kept").exists()


def test_what_is_not_there_is_a_model_error(served, tmp_path) -> None:
    with pytest.raises(ModelError) as caught:
        Downloads(tmp_path / "kept").read(download(served, file="none.csv"))
    assert caught.value.reason == "missing"


def test_a_copy_is_known_by_its_digest_whatever_its_name(served, tmp_path) -> None:
    copies = tmp_path / "copies"
    (copies / "folder").mkdir(parents=True)
    (copies / "a.txt").write_bytes(b"another file")
    (copies / "b.txt").write_bytes(CONTENT)
    assert Downloads(tmp_path / "kept", copies).read(download(served)) == CONTENT
    assert served.requests == 0
    assert Downloads(tmp_path / "kept").find(download(served)) == CONTENT


def test_offline_nothing_is_fetched(served, tmp_path) -> None:
    with pytest.raises(ModelError, match="the table is not here") as caught:
        Downloads(tmp_path / "kept", online=False).read(download(served))
    assert caught.value.reason == "absent"
    assert served.requests == 0


def test_a_kept_file_that_was_damaged_is_named(served, tmp_path) -> None:
    downloads = Downloads(tmp_path)
    (tmp_path / "kept.csv").write_bytes(CONTENT[:-1])
    with pytest.raises(DataError, match=r"kept\.csv: not the table"):
        downloads.find(download(served))

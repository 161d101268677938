from __future__ import annotations

import io
import os
import tracemalloc
from pathlib import Path

import pytest
from servers import serve_folder

from pipeline.errors import ModelError
from pipeline.weightless.ranges import PAGE, PagedFile, open_ranges

CONTENT = os.urandom(1 << 20)


class Counting(io.BytesIO):
    fetched = 0

    def read(self, size: int | None = -1, /) -> bytes:
        part = super().read(size)
        self.fetched += len(part)
        return part


def refusal(source, **options) -> str:
    with pytest.raises(ModelError) as caught, open_ranges(source, options) as data:
        data[len(data) // 2]
    assert caught.value.source
    return caught.value.reason


@pytest.mark.parametrize("form", ["path", "text", "file", "local", "object", "http", "memory"])
def test_every_kind_of_source_gives_the_same_bytes(form: str, tmp_path: Path) -> None:
    import fsspec

    path = tmp_path / "data"
    path.write_bytes(CONTENT)
    fsspec.filesystem("memory").pipe("/nn2vec-ranges", CONTENT)
    with serve_folder(tmp_path) as served:
        source = {
            "path": path,
            "text": str(path),
            "file": path.as_uri(),
            "local": f"local://{path}",
            "object": io.BytesIO(CONTENT),
            "http": f"{served.address}/data",
            "memory": "memory://nn2vec-ranges",
        }[form]
        with open_ranges(source) as data:
            assert len(data) == len(CONTENT)
            assert data[5] == CONTENT[5]
            assert data[len(CONTENT) - 1] == CONTENT[-1]
            for start, stop in [(0, 10), (8190, 8195), (70_000, 900_000), (9, 9)]:
                assert data[start:stop] == CONTENT[start:stop]


def test_a_jump_fetches_one_page_and_a_sequence_ever_more() -> None:
    file = Counting(CONTENT)
    data = PagedFile(file, len(CONTENT))
    for at in range(100_000, 900_000, 100_000):
        data[at]
    assert file.fetched == 8 * PAGE
    file.fetched = 0
    data = PagedFile(file, len(CONTENT))
    assert bytes(data[i] for i in range(300_000)) == CONTENT[:300_000]
    assert file.fetched < 2 * 300_000


def test_a_file_object_is_left_where_it_stood() -> None:
    file = io.BytesIO(CONTENT)
    file.seek(77)
    with open_ranges(file) as data:
        assert data[0] == CONTENT[0]
    assert file.tell() == 77


def test_what_cannot_be_opened(tmp_path: Path) -> None:
    (tmp_path / "empty").touch()
    os.mkfifo(tmp_path / "pipe")
    assert refusal(tmp_path / "absent") == "missing"
    assert refusal(tmp_path / "empty" / "below") == "missing"
    assert refusal(tmp_path / "empty") == "empty"
    assert refusal(io.BytesIO()) == "empty"
    assert refusal(tmp_path) == "not_a_file"
    assert refusal(tmp_path / "pipe") == "not_a_file"
    assert refusal("/dev/zero") == "not_a_file"
    assert refusal("nonsense://x") == "unknown_address"
    assert refusal("a\0b") == "unreadable"


def test_what_a_server_refuses(tmp_path: Path) -> None:
    (tmp_path / "broken").write_bytes(CONTENT)
    with serve_folder(tmp_path, statuses={"broken": 503}) as served:
        assert refusal(f"{served.address}/absent") == "missing"
        assert refusal(f"{served.address}/broken") == "unreachable"
    assert refusal("http://127.0.0.1:1/nobody_listens") == "unreachable"


def test_a_server_without_ranges_is_not_downloaded(tmp_path: Path) -> None:
    (tmp_path / "large").write_bytes(bytes(32 << 20))
    with serve_folder(tmp_path, ranges=False) as served:
        tracemalloc.start()
        assert refusal(f"{served.address}/large") == "no_ranges"
        assert tracemalloc.get_traced_memory()[1] < 8 << 20
        tracemalloc.stop()


def test_a_file_that_shrank_is_truncated() -> None:
    with pytest.raises(ModelError) as caught:
        PagedFile(io.BytesIO(b"short"), 1 << 20)[500_000]
    assert caught.value.reason == "truncated"

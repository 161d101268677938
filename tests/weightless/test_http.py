"""Whatever a server answers: a file or a ModelError, in so many bytes and seconds."""

from __future__ import annotations

import gzip
import itertools
from collections.abc import Iterable

import pytest
from odd_server import serve_odd

from pipeline.errors import ModelError
from pipeline.weightless.http import FIRST, HttpFile, probe, read_url
from pipeline.weightless.web import Patience, retry_after

QUICK = Patience(seconds=5.0, tries=2, sleep=lambda _: None)
HASTY = Patience(seconds=0.3, tries=1, sleep=lambda _: None)
REASONS = {"unreachable", "no_ranges", "forbidden", "missing", "empty", "changed", "truncated"}
DIGITS = "9" * 5000
BODY = b"0123456789"


def answer(status: str = "206 Partial Content", body: bytes = BODY, **headers: str) -> bytes:
    """An HTTP answer; underscores in a header's name stand for hyphens, "" leaves it out."""
    given = {"Content_Length": str(len(body)), "Content_Range": "bytes 0-9/10", **headers}
    lines = [f"{n.replace('_', '-')}: {v}" for n, v in given.items() if v or n in headers]
    return "\r\n".join([f"HTTP/1.1 {status}", *lines, "", ""]).encode("latin1") + body


ODD_ANSWERS: dict[str, bytes] = {
    **{f"Retry-After: {v[:20]}": answer("503 Busy", Retry_After=v) for v in (
        "\xb2", DIGITS, "soon", "-1", "1e400", "Thu, 01 Jan 2026 00:00:00 -0000",
        "Thu, 99 Jan 99999 00:00:00 GMT", "")},
    **{f"Location: {v[:20]}": answer("302 Found", Location=v) for v in (
        "", "http://[", "http://[::1", "//", "http://", "\xff\xfe", "ftp://127.0.0.1/x",
        "file:///etc/passwd", "http://127.0.0.1:99999/", "http://127.0.0.1:x/", "/net.onnx",
        "http://a\x00b/", "http://" + "a" * 70_000, "https://127.0.0.1:1/", "javascript:1")},
    **{f"Content-Range: {v[:20]}": answer(Content_Range=v) for v in (
        "bytes \xb2-9/10", f"bytes 0-{DIGITS}/{DIGITS}", "bytes 0-9/*", "bytes 9-0/10", "x",
        "", "bytes 5-9/10", "bytes 0-9/5", f"bytes 0-{FIRST + 5}/{FIRST + 6}", "bytes 0-9/0")},
    **{f"Content-Length: {v[:20]}": answer(Content_Length=v) for v in (
        "\xb2", DIGITS, "-1", "ten", "10, 11", "3", "3000")},
    **{f"of a whole, {v[:20]}": answer("200 OK", Content_Length=v, Content_Range="") for v in (
        "\xb2", DIGITS, "-1", "ten", "3000")},
    **{f"status {v[:20]}": answer(v) for v in (
        "abc", "", "99999 What", "204 None", "206", "304 Same", "416 Range", "511 Login",
        "\xff\xff")},
    "nothing": b"", "noise": b"\x00\xff" * 500, "half a line": b"HTTP/1.1 20",
    "another version": b"HTTP/9.9 200 OK\r\n\r\n" + BODY,
    "a long header": b"HTTP/1.1 200 OK\r\nX: " + b"x" * 200_000,
    "many headers": b"HTTP/1.1 200 OK\r\n" + b"X: x\r\n" * 50_000 + b"\r\n",
    "a header without a colon": b"HTTP/1.1 200 OK\r\nnonsense\r\n\r\n",
    "a chunk of no size": answer(Transfer_Encoding="chunked", Content_Length=""),
    "gzip": answer("200 OK", gzip.compress(bytes(1 << 20)), Content_Encoding="gzip"),
    "an unknown coding": answer("200 OK", Content_Encoding="\xff"),
}  # fmt: skip


def outcome(act, address: str, patience: Patience) -> object:
    """What came of it: a ModelError too; any other exception fails the test."""
    try:
        return act(address, patience)
    except ModelError as error:
        return error


@pytest.mark.parametrize("case", ODD_ANSWERS)
@pytest.mark.parametrize("act", [read_url, probe])
def test_an_odd_answer_is_a_file_or_this_addresss_error(case: str, act) -> None:
    with serve_odd(lambda _: [ODD_ANSWERS[case]]) as odd:
        found = outcome(act, odd.address, QUICK)
    if isinstance(found, ModelError):
        assert found.source == odd.address
        assert found.reason in REASONS
        assert len(found.detail) < 400
    else:
        assert found in (BODY, b"", "", BODY[:3])


HEAD = b"HTTP/1.1 200 OK\r\n\r\n"
PARTIAL = b"HTTP/1.1 206 OK\r\nContent-Range: bytes 0-9/10\r\n"
MEGABYTE = bytes(1 << 20)
ENDLESS: dict[str, tuple[bytes, bytes]] = {
    "a body": (HEAD, MEGABYTE),
    "a range": (PARTIAL + b"\r\n", MEGABYTE),
    "a range in chunks": (PARTIAL + b"Transfer-Encoding: chunked\r\n\r\n",
                          b"100000\r\n" + MEGABYTE + b"\r\n"),
    "a redirect": (b"HTTP/1.1 302 Found\r\nLocation: /net.onnx\r\n\r\n", MEGABYTE),
    "a refusal": (b"HTTP/1.1 404 Gone\r\n\r\n", MEGABYTE),
    "a delay": (b"HTTP/1.1 503 Busy\r\nRetry-After: 0\r\n\r\n", MEGABYTE),
    "headers": (b"HTTP/1.1 200 OK\r\n", b"X: x\r\n" * 10_000),
    "one header": (b"HTTP/1.1 200 OK\r\nX: ", MEGABYTE.replace(b"\0", b"x")),
    "continues": (b"", b"HTTP/1.1 100 Continue\r\n\r\n" * 10_000),
}  # fmt: skip


@pytest.mark.parametrize("case", ENDLESS)
def test_what_does_not_end_is_bounded_by_bytes(case: str) -> None:
    first, more = ENDLESS[case]
    patience = Patience(seconds=3.0, tries=1, sleep=lambda _: None)
    with serve_odd(lambda _: itertools.chain([first], itertools.repeat(more))) as odd:
        found = outcome(read_url, odd.address, patience)
        # at most what was asked for, and what is on its way; lines go on until time is up
        assert odd.sent < (90 << 20 if case in ("a body", "continues") else 24 << 20)
    if isinstance(found, ModelError):
        assert found.reason in REASONS
    else:
        assert found == bytes(10)  # the range; what follows it is not read


@pytest.mark.parametrize("act", [read_url, probe])
@pytest.mark.parametrize("head", [b"", b"HTTP/1.1 200 OK\r\nX: ", HEAD, PARTIAL + b"\r\n"])
def test_what_comes_byte_by_byte_is_bounded_by_seconds(act, head: bytes) -> None:
    def trickle(_: bytes) -> Iterable[bytes]:
        return itertools.chain([head], itertools.repeat(b"x"))

    with serve_odd(trickle, pause=0.02) as odd:
        found = outcome(act, odd.address, HASTY)
        assert odd.sent < 1000  # a second of it is fifty bytes
    if isinstance(found, ModelError):
        assert found.reason == "unreachable"
    else:  # a HEAD has no body, and ten bytes come in time
        assert found == ("" if act is probe else b"x" * 10)
        assert head in (HEAD, PARTIAL + b"\r\n")


def test_the_time_of_a_whole_file_is_bounded() -> None:
    spent = Patience(seconds=5.0, tries=1, file_seconds=-1.0)
    with serve_odd(lambda _: [answer()]) as odd, pytest.raises(ModelError, match="in all"):
        HttpFile(odd.address, patience=spent)


def test_credentials_go_to_their_host_alone() -> None:
    headers = {"Authorization": "Bearer abc", "X-Other": "kept"}
    with serve_odd(lambda _: [answer()]) as other:
        away = answer("302 Found", Location=other.address)
        with serve_odd(lambda _: [away]) as first:
            assert HttpFile(first.address, headers, QUICK).read() == BODY
    assert b"Bearer abc" in first.requests[0]
    assert b"Bearer" not in other.requests[0]
    assert b"X-Other: kept" in other.requests[0]


def test_redirects_lead_only_where_they_may() -> None:
    with serve_odd(lambda _: [answer()]) as other:
        away = answer("307 Moved", Location=other.address)
        with serve_odd(lambda _: [away]) as first:
            assert HttpFile(first.address, patience=QUICK, hosts=("127.*",)).size == 10
            with pytest.raises(ModelError, match=r"not among the hosts.*\[forbidden\]"):
                HttpFile(first.address, patience=QUICK, hosts=("*.example.org",))
    assert len(other.requests) == 1


def test_a_size_that_changes_is_no_longer_the_file() -> None:
    sizes = iter((100_000, 99_999))

    def grow(_: bytes) -> list[bytes]:
        whole = next(sizes)
        last = FIRST - 1 if whole == 100_000 else whole - 1
        first = 0 if whole == 100_000 else FIRST
        text = f"bytes {first}-{last}/{whole}"
        return [answer(body=bytes(last + 1 - first), Content_Range=text)]

    with serve_odd(grow) as odd, HttpFile(odd.address, patience=QUICK) as file:
        file.seek(FIRST)
        with pytest.raises(ModelError, match="changed"):
            file.read(100_000 - FIRST)


def test_an_error_quotes_no_signed_address() -> None:
    signed = "http://127.0.0.1:1/net.onnx?X-Amz-Signature=abc&part=1"
    away = answer("302 Found", Location=signed)
    with serve_odd(lambda _: [away]) as odd, pytest.raises(ModelError) as caught:
        HttpFile(odd.address, patience=QUICK)
    assert "abc" not in str(caught.value)
    assert "X-Amz-Signature=***&part=1" in str(caught.value)


@pytest.mark.parametrize("value", ["\xb2", "soon", "-1", "9" * 5000, "Thu, 99 Jan 2026"])
def test_no_pause_is_made_of_nonsense(value: str) -> None:
    assert retry_after({"Retry-After": value}) is None


def test_a_date_without_a_zone_is_utc() -> None:
    assert retry_after({"Retry-After": "Thu, 01 Jan 2026 00:00:00 -0000"}) == 0.0

from __future__ import annotations

import pytest

from pipeline.errors import ModelError
from pipeline.weightless.wire import WireReader, encode_varint, key, signed, tagged


def reason(data: bytes, max_fields: int = 100) -> str:
    with pytest.raises(ModelError) as caught:
        list(WireReader(data, max_fields).fields(0, len(data)))
    return caught.value.reason


@pytest.mark.parametrize("value", [0, 1, 127, 128, 300, 2**31, 2**63, 2**64 - 1])
def test_varints_come_back(value: int) -> None:
    encoded = encode_varint(value)
    assert WireReader(encoded).varint(0, len(encoded)) == (value, len(encoded))


def test_negative_integers_are_two_complement() -> None:
    assert signed(2**64 - 1) == -1
    assert signed(2**63 - 1) == 2**63 - 1


def test_fields_of_every_wire_type() -> None:
    data = b"\x08\x96\x01" + tagged(300, b"abc") + b"\x1d1234" + b"\x2187654321"
    found = list(WireReader(data).fields(0, len(data)))
    assert [f[0] for f in found] == [key(1, 0), key(300), key(3, 5), key(4, 1)]
    assert found[0][4] == 150
    assert data[found[1][2] : found[1][3]] == b"abc"
    assert [data[f[2] : f[3]] for f in found[2:]] == [b"1234", b"87654321"]


@pytest.mark.parametrize("data", [b"\x08", b"\x0a\x05abc", b"\x08\x80", b"\x1d123", b"\x80"])
def test_what_ends_early_is_truncated(data: bytes) -> None:
    assert reason(data) == "truncated"


@pytest.mark.parametrize(
    "data", [b"\x08" + b"\xff" * 11, b"\x0b", b"\x0c", b"\x0f", b"\x00\x01"]
)
def test_what_is_no_wire_format_is_malformed(data: bytes) -> None:
    assert reason(data) == "malformed"


def test_a_field_may_not_overrun_its_message() -> None:
    data = b"\x0a\x03abc"
    with pytest.raises(ModelError) as caught:
        list(WireReader(data).fields(0, 4))
    assert caught.value.reason == "malformed"


def test_the_number_of_fields_is_bounded() -> None:
    assert reason(b"\x08\x01" * 101) == "too_many_fields"


def test_integers_packed_or_not() -> None:
    data = b"\x08\x05" + tagged(1, b"\x01" + encode_varint(2**64 - 2))
    reader = WireReader(data)
    found = [reader.integers(f) for f in reader.fields(0, len(data))]
    assert found == [[5], [1, -2]]


def test_names_must_be_utf8_and_of_sane_length() -> None:
    with pytest.raises(ModelError, match="UTF-8"):
        WireReader(b"\xff\xfe").text(0, 2)
    with pytest.raises(ModelError, match="too_large"):
        WireReader(b"a" * 70_000).text(0, 70_000)

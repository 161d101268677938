"""The file of a code: whole or refused."""

from pathlib import Path

import numpy as np
import pytest

from pipeline.decode.code import Code
from pipeline.errors import DataError


@pytest.fixture
def code() -> Code:
    vector = np.linspace(-2, 2, 256, dtype=np.float16)
    return Code("tiny", "ab" * 16, "cd" * 16, vector, b"\x05\xff", bits=15, exact_bits=900)


def test_a_code_comes_back_from_its_file(code: Code, tmp_path: Path) -> None:
    code.save(tmp_path / "a.code")
    found = Code.load(tmp_path / "a.code")
    assert (found.vector == code.vector).all()
    assert (found.codec, found.digest, found.fingerprint) == ("tiny", "ab" * 16, "cd" * 16)
    assert (found.residual, found.bits, found.exact_bits) == (b"\x05\xff", 15, 900)


def test_its_bytes_are_the_same_each_time(code: Code) -> None:
    assert code.to_bytes() == code.to_bytes()


def test_repr_is_short(code: Code) -> None:
    assert repr(code) == "Code(tiny, cdcdcdcdcdcd, 256 numbers, 15 bits)"


def test_every_flipped_bit_is_refused(code: Code, tmp_path: Path) -> None:
    content = code.to_bytes()
    path = tmp_path / "flipped.code"
    for place in range(0, len(content) * 8, 7):
        flipped = bytearray(content)
        flipped[place // 8] ^= 1 << place % 8
        path.write_bytes(flipped)
        with pytest.raises(DataError, match=r"flipped\.code"):
            Code.load(path)


@pytest.mark.parametrize("content", [b"", b"\x00" * 100, b"not a code"])
def test_other_files_are_refused_by_name(content: bytes, tmp_path: Path) -> None:
    path = tmp_path / "other.code"
    path.write_bytes(content)
    with pytest.raises(DataError, match=r"other\.code"):
        Code.load(path)


def test_a_missing_file_is_said(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="missing"):
        Code.load(tmp_path / "none.code")

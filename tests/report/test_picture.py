"""One network in one picture: what stands in it, and what it is written as."""

from __future__ import annotations

from pathlib import Path

import pytest
from small_zoo import RELU, ZOO, conv, network_of_layers

from pipeline.errors import DataError
from pipeline.report.picture import LINES, Subject, draw_picture, write_picture

KNOWN = [
    {"fingerprint": net.fingerprint, "family": family, "name": name, "smooth": [i, i * i, 1.0]}
    for i, (name, (family, net)) in enumerate(ZOO.items())
]
NEAREST = [row | {"similarity": 1 / (1 + i)} for i, row in enumerate(KNOWN[:3])]
SUBJECT = Subject("mine.onnx", ZOO["skip8"][1], (3.0, 9.0, 1.0))


def test_a_picture_says_program_neighbours_and_families(tmp_path: Path) -> None:
    write_picture(tmp_path / "a.svg", SUBJECT, NEAREST, KNOWN)
    drawn = (tmp_path / "a.svg").read_text()
    for said in ("mine.onnx: 12 vertices", "Conv 3x3", "plain8 (plain)", "0.50", "odd",
                 "5 networks"):  # fmt: skip
        assert said in drawn, said


def test_a_picture_is_png_or_svg_and_nothing_else(tmp_path: Path) -> None:
    write_picture(tmp_path / "a.png", SUBJECT, NEAREST, KNOWN)
    assert (tmp_path / "a.png").read_bytes().startswith(b"\x89PNG")
    with pytest.raises(DataError, match=r"a\.gif: name it \.png or \.svg"):
        write_picture(tmp_path / "a.gif", SUBJECT, NEAREST, KNOWN)


def test_of_a_long_program_it_is_said_how_many_lines_are_left_out() -> None:
    layers = [layer for width in range(8, 8 + 2 * LINES) for layer in (conv(width), RELU)]
    spec = draw_picture(Subject("long", network_of_layers(*layers), (0, 0, 0)), NEAREST, KNOWN)
    lines = [row["text"] for row in spec["hconcat"][0]["data"]["values"]]
    assert len(lines) == LINES
    # Input, a line a layer, Output
    assert lines[-1] == f"… {2 * LINES + 2 - (LINES - 1)} lines more"

"""The picture of a program: well formed, whole, bounded, and only text where it quotes."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from xml.etree import ElementTree

import pytest
from hypothesis import given, settings
from random_programs import networks

from pipeline import Network
from pipeline.graph.network import Operand, Vertex
from pipeline.program.arrows import MOST_LANES, arrows
from pipeline.program.fold import fold
from pipeline.program.picture import MOST_ROWS, draw
from pipeline.program.show import rows

DOCUMENTED = Path(__file__).parents[2] / "docs/images/resnet50.svg"
SVG = "{http://www.w3.org/2000/svg}"
HOSTILE = '</title></svg><script>alert(1)</script> & "\x00\x1b\ud800'


def said(picture: str) -> list[str]:
    """The phrases of a picture, whole, in order."""
    chips = ElementTree.fromstring(picture).iter(f"{SVG}g")
    return [
        title.text or "" for chip in chips if (title := chip.find(f"{SVG}title")) is not None
    ]


@pytest.mark.parametrize("name", ["resnet50", "efficientnet_b0", "densenet121"])
def test_every_instruction_appears_once(zoo: Callable[[str], Network], name: str) -> None:
    network = zoo(name)
    found = rows(fold(network))
    expected = [words for row in found for words in row.phrases or (row.header,)]
    assert said(draw(network, name)) == expected


def test_the_picture_of_the_documentation_is_current(zoo: Callable[[str], Network]) -> None:
    assert draw(zoo("resnet50"), "zoo:resnet50") == DOCUMENTED.read_text(encoding="utf-8")


@given(networks)
@settings(max_examples=40)
def test_any_network_has_a_picture_that_is_well_formed(network: Network) -> None:
    picture = draw(network, HOSTILE)
    root = ElementTree.fromstring(picture)
    assert root.tag == f"{SVG}svg"
    assert {e.tag.removeprefix(SVG) for e in root.iter()} <= {
        "svg", "title", "style", "text", "tspan", "g", "rect", "path",
    }  # fmt: skip
    assert picture == draw(network, HOSTILE)


def test_what_a_network_says_is_only_text(zoo: Callable[[str], Network]) -> None:
    network = zoo("resnet18")
    vertices = list(network.vertices)
    vertices[3] = replace(vertices[3], attributes=(("name", HOSTILE),))
    picture = draw(Network(tuple(vertices)), HOSTILE)
    assert "<script" not in picture
    assert any("<script>alert(1)</script>" in words for words in said(picture))


def test_skips_enter_a_block_by_its_header(zoo: Callable[[str], Network]) -> None:
    network = zoo("resnet18")
    shown = rows(fold(network))
    beside = [a for a in arrows(network, shown) if a.lane is not None]
    header = next(i for i, row in enumerate(shown) if row.opens)
    add = next(i for i, row in enumerate(shown) if row.phrases[:1] == ("Add ^ -6",))
    assert next((a.source, a.target) for a in beside) == (header, add)


def test_a_long_program_is_cut_and_stays_small() -> None:
    """8,000 vertices of which no two neighbours are alike, each read again far below."""
    vertices = [Vertex("Input", (("dtype", "float32"), ("shape", (4, 8, 8))))]
    for index in range(1, 8001):
        operator = ("Relu", "Sigmoid", "Tanh", "Add")[(index * index // 7) % 4]
        far = (
            [Operand(max(0, index - 90 - index % 37), position=1)] if operator == "Add" else []
        )
        vertices.append(Vertex(operator, (), (Operand(index - 1), *far)))
    vertices.append(Vertex("Output", (), (Operand(8000),)))
    network = Network(tuple(vertices))
    assert len(rows(fold(network))) > MOST_ROWS
    picture = draw(network, "long")
    root = ElementTree.fromstring(picture)
    lines = [e for e in root.iter() if e.get("class") == "line"]
    assert MOST_ROWS - 2 < len(lines) <= MOST_ROWS
    assert len(picture) < 1_500_000
    assert int(root.get("width", "")) < 2000
    assert max(a.lane or 0 for a in arrows(network, rows(fold(network)))) < MOST_LANES

"""What a round trip changed, in words and drawn."""

from __future__ import annotations

from xml.etree import ElementTree

from small_zoo import BN, HEAD, RELU, conv, network_of_layers

from pipeline.report.before_after import compare_networks
from pipeline.report.drawing import count_differences, draw_network

SKIPS = ((3, 6),)
BEFORE = network_of_layers(conv(8), BN, RELU, conv(8), BN, ("Add", {}), *HEAD, skips=SKIPS)
AFTER = network_of_layers(conv(8), BN, RELU, conv(16), BN, ("Add", {}), *HEAD, skips=((1, 6),))
SVG = "{http://www.w3.org/2000/svg}"


def parse(svg: str) -> ElementTree.Element:
    return ElementTree.fromstring(
        svg.replace("<svg ", '<svg xmlns="http://www.w3.org/2000/svg" ')
    )


def texts(parent: ElementTree.Element, wrong: bool) -> list[str]:
    groups = [g for g in parent.iter(f"{SVG}g") if (g.get("class") == "wrong") == wrong]
    return ["".join(t.itertext()).strip() for g in groups for t in g.iter(f"{SVG}text")]


def test_what_differs_is_marked_and_named() -> None:
    before, after = (parse(draw_network(*pair, "a network"))
                     for pair in ((BEFORE, AFTER), (AFTER, BEFORE)))  # fmt: skip
    assert texts(before, wrong=True) == ["Conv out_channels 8", "Add other inputs"]
    assert texts(after, wrong=True) == ["Conv out_channels 16", "Add other inputs"]
    assert len(texts(before, wrong=False)) == len(BEFORE) - 2
    arcs = [p for p in before.iter(f"{SVG}path") if "C" in p.get("d", "")]
    assert [p.get("class") for p in arcs] == ["wrong"]


def test_the_same_network_has_no_mark() -> None:
    assert count_differences(BEFORE, BEFORE) == 0
    said, _ = compare_networks("net", "zoo-ae", BEFORE, BEFORE, edits=0)
    assert said.text == f"net through zoo-ae: the same network, all {len(BEFORE)} vertices."
    assert "wrong" not in draw_network(BEFORE, BEFORE, "a network")


def test_a_lossy_trip_is_said_in_numbers() -> None:
    said, _ = compare_networks("net", "zoo-ae", BEFORE, AFTER, edits=1)
    assert said.text == f"net through zoo-ae: 2 of {len(BEFORE)} vertices differ; 1 repair."


def test_hostile_attributes_and_labels_are_escaped() -> None:
    hostile = '"><script>alert(1)</script>'
    network = network_of_layers(("Resize", {"mode": hostile}), *HEAD)
    drawn = parse(draw_network(network, BEFORE, hostile))
    assert drawn.get("aria-label") == hostile
    assert not list(drawn.iter(f"{SVG}script"))

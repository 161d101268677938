"""One network before and after its vectors, layer beside layer."""

from __future__ import annotations

from typing import Any

from pipeline.graph.network import Network
from pipeline.report.drawing import count_differences, draw_network
from pipeline.report.inputs import Inputs, codec_folder
from pipeline.report.numbers import plural
from pipeline.report.parts import Drawing, Missing, Row, Section, Text
from pipeline.tables.read_networks import read_networks

TITLE = "Before and after"
LEAD = (
    "A network, and what its vectors alone give back: no residual, repaired where needed. "
    "Lines are tensors, arcs are skip connections; what differs is marked."
)
FIRST, MOST_VERTICES = "resnet18", 160


def describe_round_trip(inputs: Inputs) -> Section:
    """ResNet18, and the drawable network that lost most, through the default codec."""
    codec = inputs.default_codec
    folder = codec_folder(inputs.root, codec) if codec else None
    chosen = _choose(inputs)
    if inputs.folder is None or codec is None or folder is None or not chosen:
        missing = Missing("A network before and after", f"nn2vec embed {codec or 'CODEC'}")
        return Section("before-after", TITLE, LEAD, (missing,))
    from pipeline.decode.codec import accept_or_repair, load_codec

    loaded = load_codec(codec, folder)
    parts: list[Any] = []
    for fingerprint, network in read_networks(inputs.folder, chosen):
        repaired = accept_or_repair(loaded.draft(loaded.encode(network).vector))
        name = chosen[fingerprint]
        parts += compare_networks(name, codec, network, repaired.network, len(repaired.edits))
    return Section("before-after", TITLE, LEAD, tuple(parts))


def compare_networks(
    name: str, codec: str, before: Network, after: Network, edits: int
) -> tuple[Any, ...]:
    """What changed in a sentence, and both networks drawn."""
    wrong = count_differences(before, after)
    if before == after:
        said = f"{name} through {codec}: the same network, all {len(before)} vertices."
    else:
        said = (
            f"{name} through {codec}: {wrong} of {len(before)} vertices differ; "
            f"{plural(edits, 'repair')}."
        )
    pair = (
        Drawing(f"{name}, before", draw_network(before, after, f"{name} before")),
        Drawing(f"{name}, after", draw_network(after, before, f"{name} after")),
    )
    return Text(said), Row(pair)


def _choose(inputs: Inputs) -> dict[str, str]:
    """Fingerprint -> name of the networks to draw: ResNet18, and the largest residual."""
    if "networks" not in inputs.tables or "residuals" not in inputs.tables:
        return {}
    small = {
        n["fingerprint"]: n["name"]
        for n in inputs.tables["networks"].to_pylist()
        if n["vertices"] <= MOST_VERTICES
    }
    rows = inputs.tables["residuals"].select(["codec", "fingerprint", "bits"]).to_pylist()
    rows = [
        r for r in rows if r["codec"] == inputs.default_codec and r["fingerprint"] in small
    ]
    first = [r["fingerprint"] for r in rows if small[r["fingerprint"]] == FIRST][:1]
    lossy = sorted((r for r in rows if r["bits"]), key=lambda r: -r["bits"])
    chosen = [*first, *(r["fingerprint"] for r in lossy[:1])]
    return {f: small[f] for f in chosen or [r["fingerprint"] for r in rows[:1]]}

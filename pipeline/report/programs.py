"""Two well-known networks as their programs, whose blocks open and close."""

from __future__ import annotations

from pipeline.program.picture import draw
from pipeline.report.inputs import Inputs
from pipeline.report.parts import Drawing, Missing, Section
from pipeline.tables.read_networks import read_networks

NAME, TITLE = "programs", "Networks as programs"
LEAD = (
    "What people read, codecs compress and edits change: a line is a layer and what directly "
    "follows it, a box a block with how often it is said. Violet arrows are operands from "
    "elsewhere. Click on a block's name to close it and to open it again."
)
SHOWN = ("resnet50", "efficientnet_b0")


def describe_programs(inputs: Inputs) -> Section:
    """Pictures of the networks shown; of the dataset's first network where it has none."""
    rows = inputs.tables["networks"].to_pylist() if "networks" in inputs.tables else []
    if inputs.folder is None or not rows:
        missing = Missing("A network as a program", "nn2vec harvest && nn2vec normalise")
        return Section(NAME, TITLE, LEAD, (missing,))
    names = {r["fingerprint"]: r["name"] for r in rows if r["name"] in SHOWN}
    names = names or {r["fingerprint"]: r["name"] for r in rows[:1]}
    networks = sorted(read_networks(inputs.folder, names), key=lambda n: names[n[0]])
    drawings = (Drawing(names[f], draw(network, names[f])) for f, network in networks)
    return Section(NAME, TITLE, LEAD, tuple(drawings))

"""One network and what is known about it -> its row in the table networks."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Any

from pipeline.graph.network import INPUT, OUTPUT, Network, Shape
from pipeline.operators.macs import layer_macs
from pipeline.operators.registry import registered
from pipeline.operators.shapes import Layer
from pipeline.operators.sharing import trained_parameters


def describe(
    network: Network, layers: Sequence[Layer], *, name: str = "", family: str = ""
) -> dict[str, Any]:
    """The row of ``networks``, all that follows from the network computed. ``layers``: every
    vertex with its tensors; ``name`` and ``family`` are those of a file."""
    paper = {o.name for o in registered().values() if o.paper} | {INPUT, OUTPUT}
    return network_facts(
        network,
        [layer.outputs[0].shape for layer in layers],
        name=name,
        family=family,
        design=network.design,
        parameters=count_trained(layers),
        macs=sum(layer_macs(layer) for layer in layers),
        paper_operators_only=all(v.operator in paper for v in network.vertices),
    )


def count_trained(layers: Sequence[Layer]) -> int:
    """Trainable numbers of a network; of tensors that layers share, once."""
    return sum(trained_parameters(layers))


def network_facts(
    network: Network,
    shapes: Sequence[Shape],
    *,
    name: str,
    family: str,
    design: str,
    parameters: int,
    macs: int,
    paper_operators_only: bool,
) -> dict[str, Any]:
    """The row of ``networks``. ``shapes``: of each vertex's first output, in vertex order."""
    out_degrees = Counter(edge.source for edge in network.edges)
    depths: list[int] = []
    for vertex in network.vertices:
        depths.append(max((depths[o.source] + 1 for o in vertex.operands), default=0))
    return {
        "fingerprint": network.fingerprint,
        "name": name,
        "family": family,
        "design": design,
        "vertices": len(network),
        "edges": out_degrees.total(),
        "instructions": len(network.program),
        "max_out_degree": max(out_degrees.values()),
        "max_in_degree": max(len(vertex.operands) for vertex in network.vertices),
        "depth": depths[-1],
        "parameters": parameters,
        "macs": macs,
        "input_shape": list(shapes[0]),
        "output_shape": list(shapes[-1]),
        "paper_operators_only": paper_operators_only,
    }

"""Weights that several layers share: which they are is part of the architecture.

``W.shared: 0`` stands in every vertex whose ``W`` is the one tensor number 0, counted in the
order in which vertices first use one. A number names a tensor together with its shape and
element type, so vertices that disagree there share nothing, and no graph is invalid for it.

Only matrices and kernels count, tensors with two axes or more that are longer than 1:
exporters merge vectors that merely hold equal values (every untrained scale is one), so that
vectors are shared says nothing.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from math import prod

from pipeline.graph.network import Network, Shape
from pipeline.operators.shapes import Layer

SHARED = ".shared"
NOT_TRAINED = ("running_mean", "running_var")


def label_shared(
    network: Network, weights: Sequence[Mapping[str, str]], shapes: Mapping[str, Shape]
) -> Network:
    """A network with its shared weights said. ``weights``: for each vertex formal name -> the
    name of the tensor in the file it was read from; ``shapes``: of those tensors."""
    uses = Counter(name for vertex in weights for name in vertex.values())
    shared = {name for name, count in uses.items() if count > 1 and is_matrix(shapes[name])}
    if not shared:
        return network
    labels: dict[str, int] = {}
    vertices = list(network.vertices)
    for index, named in enumerate(weights):
        said = {
            formal + SHARED: labels.setdefault(name, len(labels))
            for formal, name in named.items()
            if name in shared
        }
        attributes = tuple(sorted((*vertices[index].attributes, *said.items())))
        vertices[index] = replace(vertices[index], attributes=attributes)
    return Network(tuple(vertices))


def is_matrix(shape: Shape) -> bool:
    """Whether tensors of a shape are shared on purpose, and not for holding equal values."""
    return sum(size > 1 for size in shape) >= 2


def shared_parameters(layers: Iterable[Layer]) -> dict[str, str]:
    """Name of a parameter -> the name under which its tensor was first used, for those that
    were used before."""
    first: dict[tuple[object, ...], str] = {}
    again: dict[str, str] = {}
    for layer in layers:
        for formal, tensor in layer.parameters.items():
            label = layer.vertex.get(formal + SHARED)
            if label is None:
                continue
            name = layer.parameter_name(formal)
            owner = first.setdefault((label, tensor), name)
            if owner != name:
                again[name] = owner
    return again


def trained_parameters(layers: Sequence[Layer]) -> list[int]:
    """Trainable numbers of each vertex; of tensors that vertices share, at the first one."""
    again = shared_parameters(layers)
    return [
        sum(
            prod(tensor.shape)
            for formal, tensor in layer.parameters.items()
            if layer.parameter_name(formal) not in again
            and not layer.parameter_name(formal).endswith(NOT_TRAINED)
        )
        for layer in layers
    ]

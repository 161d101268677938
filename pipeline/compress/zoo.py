"""Training the zoo's codecs: the same models as on the ENAS set, on rows of vertices.

Every latent dimension carries one block of fields, and every combination of a block's fields
is drawn in training, beside the rows of the training networks: what the model restores does
not depend on which rows the training set happens to hold.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from itertools import chain
from pathlib import Path
from typing import Any, Literal

import torch
from pydantic import BaseModel, ConfigDict, Field
from torch import Tensor

from pipeline.atomic import write_atomically
from pipeline.compress.attributes import Vocabulary
from pipeline.compress.fields import Group, Items, take
from pipeline.compress.projection import Projection
from pipeline.compress.store import build_model, save_codec
from pipeline.compress.trainer import Trained, TrainParams, train
from pipeline.compress.vertices import groups, to_items
from pipeline.errors import ModelError
from pipeline.graph.network import Network, Vertex
from pipeline.operators.example_models import model_of
from pipeline.operators.read_onnx import read_skeleton_network
from pipeline.operators.registry import registered


class ZooParams(BaseModel):
    """A zoo codec's section of params.yaml. ``rows``: fresh rows drawn each epoch, the share
    ``real`` of them from the training networks."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    kind: Literal["ae", "vae", "seq2seq"]
    width: int = Field(default=64, ge=1)
    depth: int = Field(default=1, ge=1)
    frequencies: int = Field(default=12, ge=1)
    rows: int = Field(default=65_536, ge=1)
    real: float = Field(default=0.25, ge=0, le=1)
    training: TrainParams = TrainParams()


@dataclass(frozen=True)
class TrainedCodec:
    """A trained model with what its rows mean."""

    model: torch.nn.Module
    vocabulary: Vocabulary
    projection: Projection
    trained: Trained


def train_zoo(
    params: ZooParams,
    training: Sequence[Network],
    held_out: Sequence[Network],
    directory: Path,
    live: Path | None = None,
    description: str = "train",
) -> TrainedCodec:
    """Networks -> a codec; checkpoints in ``directory``; ``held_out`` is only measured."""
    known = (v for network in training for v in network.vertices)
    vocabulary = Vocabulary.of(chain(known, example_vertices()))
    rows = distinct_rows(training, vocabulary)
    test_rows = distinct_rows(held_out, vocabulary)
    torch.manual_seed(params.training.seed)
    config: dict[str, Any] = {
        "groups": [asdict(group) for group in groups()],
        "width": params.width,
        "depth": params.depth,
        "frequencies": params.frequencies,
        "place_value": True,
    }
    model = build_model(params.kind, config)

    def draw(_: int, generator: torch.Generator) -> Items:
        return draw_rows(rows, params.rows, params.real, generator)

    first = draw(0, torch.Generator().manual_seed(params.training.seed))
    trained = train(
        model, first, test_rows, params.training, directory,
        draw=draw, live=live, description=description,
    )  # fmt: skip
    return TrainedCodec(model, vocabulary, Projection.fit(training), trained)


def example_vertices() -> Iterator[Vertex]:
    """Every registered operator's examples as vertices: attribute rows that any network may
    have, whether or not one of the training networks does."""
    for operator in registered().values():
        for example in operator.examples:
            try:
                network = read_skeleton_network(model_of(operator.name, example))
            except ModelError:  # an example without a data input on the path
                continue
            yield from (v for v in network.vertices if v.operator == operator.name)


def save_zoo_codec(
    directory: Path, name: str, codec: TrainedCodec, networks: Sequence[Network]
) -> None:
    """Ship a codec: NAME.json, NAME.safetensors and NAME.projection.safetensors."""
    from safetensors.numpy import save

    fingerprints = sorted(network.fingerprint for network in networks)
    card = {
        "domain": "zoo",
        "vocabulary": codec.vocabulary.to_plain(),
        "patterns": codec.projection.patterns,
        "trained_on": {
            "networks": len(fingerprints),
            "sha256": hashlib.sha256("\n".join(fingerprints).encode()).hexdigest(),
        },
        "seconds": round(codec.trained.seconds, 1),
        "curve": codec.trained.curve,
    }
    p = codec.projection
    arrays = {"weights": p.weights, "mean": p.mean, "directions": p.directions}
    write_atomically(directory / f"{name}.projection.safetensors", save(arrays))
    save_codec(directory, name, codec.model, card)


def distinct_rows(networks: Sequence[Network], vocabulary: Vocabulary) -> Items:
    """The different rows of many networks, group by group, each group padded to the longest
    by repeating from its start."""
    parts = [to_items(network, vocabulary) for network in networks]
    distinct = {g.name: torch.cat([p[g.name] for p in parts]).unique(dim=0) for g in groups()}
    longest = max(map(len, distinct.values()))
    return {name: rows[torch.arange(longest) % len(rows)] for name, rows in distinct.items()}


def draw_rows(rows: Items, count: int, real: float, generator: torch.Generator) -> Items:
    """``count`` rows: the share ``real`` of them from ``rows``, the others field by field."""
    known = int(count * real)
    chosen = torch.randint(len(next(iter(rows.values()))), (known,), generator=generator)
    drawn = take(rows, chosen)
    return {
        group.name: torch.cat([drawn[group.name], _draw(group, count - known, generator)])
        for group in groups()
    }


def _draw(group: Group, count: int, generator: torch.Generator) -> Tensor:
    columns = [torch.randint(c, (count, 1), generator=generator) for c in group.cardinalities]
    return torch.cat(columns, 1)

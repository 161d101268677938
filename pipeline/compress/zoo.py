"""Training the codecs of whole networks, on the programs of the zoo and on edited ones."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import torch
from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    NonNegativeFloat,
    NonNegativeInt,
    PositiveInt,
)

from pipeline.compress import tokens
from pipeline.compress.augment import Example, example_of, make_examples, parents_of, spell_out
from pipeline.compress.context import fit_context, fit_grid
from pipeline.compress.programs import (
    cost,
    draw_rows,
    edit_distances,
    objective,
    padded,
    to_rows,
    token_parts,
)
from pipeline.compress.store import build_model, save_codec
from pipeline.compress.trainer import Trained, TrainParams, train
from pipeline.compress.vocabulary import Vocabulary
from pipeline.design.design import design_or_itself
from pipeline.graph.network import Network


class ZooParams(BaseModel):
    """A zoo codec's section of params.yaml.

    ``edited``: networks made by random edits, of which each epoch draws anew; ``real``: the
    share of an epoch's ``rows`` that are networks of the data set. ``longest``: tokens of a
    training program. ``distance_weight``: of how far distances between vectors are from edit
    distances between networks (one minus their correlation), against the nats of a network.
    ``measured``: held-out networks on which the curve is measured. ``precision``: "auto" is
    bfloat16 where the device computes in it, float32 elsewhere.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    kind: Literal["transformer"] = "transformer"
    model: dict[str, Any] = {}
    training: TrainParams = TrainParams(epochs=75, batch=32, learning_rate=1.5e-3)
    edited: NonNegativeInt = 10_000
    rows: PositiveInt = 1_600
    real: float = Field(default=0.4, gt=0, le=1)
    longest: PositiveInt = 448
    distance_weight: NonNegativeFloat = 20.0
    measured: PositiveInt = 160
    precision: Literal["auto", "bfloat16", "float32"] = "auto"
    processes: PositiveInt = 2


@dataclass(frozen=True)
class TrainedCodec:
    """A trained model with what its tokens mean."""

    model: Any
    vocabulary: Vocabulary
    trained: Trained


def train_zoo(
    params: ZooParams,
    training: Sequence[Network],
    groups: Sequence[str],
    held_out: Sequence[Network],
    directory: Path,
    *,
    live: Path | None = None,
    description: str = "train",
) -> TrainedCodec:
    """Training networks, the group of each, and held-out ones for the curve -> a codec.

    ``directory`` holds the edited networks and the checkpoint: an interrupted run goes on.
    """
    designs = [design_or_itself(network) for network in training]
    pairs = list(zip(training, designs, strict=True))
    vocabulary = Vocabulary.of([n.program.lines for pair in pairs for n in pair])
    seed = params.training.seed
    real = [example_of(*pair, vocabulary) for pair in pairs]
    parents = parents_of(training, groups)
    edited: list[Example] = []
    if params.edited:
        where = directory / f"edited-{_digest(training)[:16]}"
        made = make_examples(parents, vocabulary, params.edited, seed, where, params.processes)
        edited = spell_out(made, vocabulary, seed)
    rows = to_rows([*real, *edited], [*range(len(real)), *[-1] * len(edited)], params.longest)
    chosen = _sample(held_out, params.measured, seed)
    test = [example_of(n, design_or_itself(n), vocabulary) for n in chosen]
    config = {
        "sizes": [vocabulary.sizes[field] for field in tokens.Field],
        "parts": token_parts(vocabulary),
        **params.model,
    }
    torch.manual_seed(seed)
    model: Any = build_model(params.kind, config)
    near = [i for i, e in enumerate(real) if len(e.design) <= params.longest]
    distances = torch.from_numpy(edit_distances([training[i] for i in near]))
    known = padded([real[i].design for i in near], params.longest)
    draw = draw_rows(rows, torch.tensor(parents.weights), params.real)
    trained = train(
        model,
        draw(params.rows, torch.Generator().manual_seed(seed)),
        _by_cost(to_rows(test, [-1] * len(test), params.longest)),
        params.training,
        directory,
        objective=objective(model, known, distances, params.distance_weight, params.precision),
        draw=draw,
        cost=cost,
        live=live,
        description=description,
    )
    fit_context(model, vocabulary, training)
    fit_grid(model, vocabulary, designs)
    return TrainedCodec(model, vocabulary, trained)


def save_zoo_codec(
    directory: Path, name: str, codec: TrainedCodec, networks: Sequence[Network]
) -> None:
    """Ship a codec: NAME.json and NAME.safetensors."""
    card = {
        "domain": "networks",
        "vocabulary": codec.vocabulary.to_json(),
        "trained_on": {"networks": len(networks), "sha256": _digest(networks)},
        "seconds": round(codec.trained.seconds, 1),
        "curve": codec.trained.curve,
    }
    save_codec(directory, name, codec.model, card)


def _digest(networks: Sequence[Network]) -> str:
    fingerprints = sorted(network.fingerprint for network in networks)
    return hashlib.sha256("\n".join(fingerprints).encode()).hexdigest()


def _sample(networks: Sequence[Network], count: int, seed: int) -> list[Network]:
    order = torch.randperm(len(networks), generator=torch.Generator().manual_seed(seed))
    return [networks[i] for i in order[:count].tolist()]


def _by_cost(rows: dict[str, torch.Tensor]) -> dict[str, torch.Tensor]:
    order = cost(rows).argsort(stable=True)
    return {name: values[order] for name, values in rows.items()}

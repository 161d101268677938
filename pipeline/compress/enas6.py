"""Training a codec on the ENAS set, and the one face that its models have."""

import math
import os
import platform
import shutil
import time
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal

import torch
from pydantic import BaseModel, ConfigDict, Field
from torch import Tensor

from pipeline.compress import cells as enas
from pipeline.compress.cells import Cells, Graphs
from pipeline.compress.store import build_model, save_codec
from pipeline.compress.trainer import Curve, Objective, Rows, Trained, TrainParams, train
from pipeline.compress.vae_quality import ACCURACY

CHUNK = 4096


class Enas6Params(BaseModel):
    """What to train: the kind of model, its configuration, the rows, the training.

    ``rows``: "train", the 17,118 training networks; "space", as many drawn anew each epoch
    from the whole space (test networks may be among them: to be reported apart).
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    kind: Literal["ae", "vae", "vae_quality", "seq2seq", "dvae", "dvae_emb"]
    rows: Literal["train", "space"] = "train"
    model: dict[str, Any] = {}
    training: TrainParams = Field(default_factory=TrainParams)


@dataclass(frozen=True)
class CellModel:
    """A trained model of any kind as networks <-> one vector a network."""

    model: Any  # an nn.Module of one of the store's kinds

    @property
    def by_groups(self) -> bool:
        """Whether the model takes items of categorical groups (else it takes cells)."""
        return hasattr(self.model.config, "groups")

    @torch.no_grad()
    def encode(self, cells: Cells) -> Tensor:
        """(n, d): the mean vectors; groups side by side."""
        return torch.cat([self._encode(cells[p]) for p in _chunks(len(cells))])

    def _encode(self, cells: Cells) -> Tensor:
        if not self.by_groups:
            return self.model.encode(cells)
        return torch.cat(list(self.model.encode(enas.to_items(cells)).values()), 1)

    @torch.no_grad()
    def decode(self, z: Tensor, generator: torch.Generator | None = None) -> Graphs:
        """(n, d) -> graphs: the likeliest, or with a generator a sample of each."""
        parts = [self._decode(z[p], generator) for p in _chunks(len(z))]
        types, edges = zip(*((part.types, part.edges) for part in parts), strict=True)
        return Graphs(torch.cat(types), torch.cat(edges))

    def _decode(self, z: Tensor, generator: torch.Generator | None) -> Graphs:
        if not self.by_groups:
            made = self.model.decode(z, generator=generator)
        else:
            parts = dict(zip(self.widths, z.split(list(self.widths.values()), 1), strict=True))
            made = enas.from_items(self.model.decode(parts, generator=generator))
        return enas.to_graphs(made) if isinstance(made, Cells) else made

    @property
    def widths(self) -> dict[str, int]:
        """Dimensions of each group of the latent vector, in order."""
        config = self.model.config
        if not self.by_groups:
            return {"graph": self.encode(enas.draw_cells(1, torch.Generator())).shape[1]}
        widths = {g.name: g.dimensions for g in config.groups}
        return widths | ({"quality": config.quality} if hasattr(config, "quality") else {})

    @property
    def noise(self) -> float:
        """What training scales the posterior's deviation by: 1 but for D-VAE's kinds."""
        return float(getattr(self.model.config, "noise", 1.0))

    @torch.no_grad()
    def divergence(self, cells: Cells) -> float:
        """KL divergence in nats a network (0 for a deterministic model)."""
        losses = objective(self.model)
        total = sum(float(losses(to_rows(cells[p]))[1]) for p in _chunks(len(cells)))
        return total / len(cells)


def _chunks(n: int) -> list[slice]:
    return [slice(i, i + CHUNK) for i in range(0, n, CHUNK)]


def to_rows(cells: Cells, accuracy: Tensor | None = None) -> Rows:
    """Cells and standardised accuracies as the trainer's rows."""
    return enas.to_items(cells) | {
        ACCURACY: torch.zeros(len(cells)) if accuracy is None else accuracy
    }


def objective(model: Any) -> Objective:
    """rows -> the model's losses, whatever it takes them as."""
    if not hasattr(model.config, "groups"):
        return lambda rows: model.losses(enas.from_items(rows))
    if hasattr(model.config, "quality"):
        return model.losses
    names = [g.name for g in model.config.groups]
    return lambda rows: model.losses({name: rows[name] for name in names})


def train_enas6(
    name: str,
    params: Enas6Params,
    data_path: Path | str,
    out_dir: Path | str,
    work_dir: Path | str,
) -> dict[str, Any]:
    """Train a codec on the ENAS set at ``data_path`` and save it as ``name`` in ``out_dir``.

    Gives its card (without the curve). ``work_dir`` holds the checkpoint: training goes on
    from there if one stands. Raises DataError for a configuration that the kind refuses, or a
    damaged file.
    """
    began = time.perf_counter()
    (train_cells, accuracy), (test_cells, test_accuracy) = enas.split(
        *enas.read_cells(data_path)
    )
    torch.manual_seed(params.training.seed)
    dvae = params.kind in ("dvae", "dvae_emb")
    groups = {} if dvae else {"groups": [asdict(g) for g in enas.GROUPS]}
    model = build_model(params.kind, groups | params.model)
    middle, deviation = accuracy.mean(), accuracy.std()
    trained = train(
        model,
        to_rows(train_cells, (accuracy - middle) / deviation),
        to_rows(test_cells, (test_accuracy - middle) / deviation),
        params.training,
        Path(work_dir) / name,
        objective=objective(model),
        draw=_draw if params.rows == "space" else None,
        description=name,
    )
    card = _card(params, trained, len(train_cells), time.perf_counter() - began)
    save_codec(out_dir, name, model, card | {"curve": rounded(trained.curve)})
    shutil.rmtree(Path(work_dir) / name)  # a finished training is not resumed
    return card


def _draw(count: int, generator: torch.Generator) -> Rows:
    return to_rows(enas.draw_cells(count, generator))


def _card(params: Enas6Params, trained: Trained, rows: int, wall: float) -> dict[str, Any]:
    used = "networks drawn from the whole space" if params.rows == "space" else "training rows"
    return {
        "domain": "enas6",
        "trained_on": used,
        "rows_an_epoch": rows,
        "uses_accuracies": params.kind == "vae_quality",
        "training": params.training.model_dump(mode="json"),
        "train_graphs_per_second": round(trained.rows_per_second, 1),
        "training_seconds": round(trained.seconds, 1),
        "wall_seconds": round(wall, 1),
        "machine": machine(),
    }


def machine() -> dict[str, Any]:
    """Cores, threads used and accelerator of this machine."""
    gpu = torch.cuda.get_device_name(0) if torch.cuda.is_available() else None
    return {
        "cores": os.cpu_count(),
        "threads": torch.get_num_threads(),
        "accelerator": gpu,
        "system": platform.machine(),
    }


def bits(nats: float) -> float:
    """Nats in bits."""
    return nats / math.log(2)


def rounded(curve: Curve) -> Curve:
    """The curve to five decimals, all that a figure of it shows."""
    return [{name: round(value, 5) for name, value in point.items()} for point in curve]

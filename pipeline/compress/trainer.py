"""One training loop for every compressor; it knows nothing of the model but its losses.

A run is a function of its seed: the order of the rows and all noise are drawn anew at the
start of each epoch from (seed, epoch), so a run resumed from an epoch's checkpoint ends where
an uninterrupted one does (on a CPU, bit for bit). Lightning drives it: torchrun makes it data
parallel, a GPU is used where there is one.
"""

import hashlib
import logging
import math
import os
import time
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import lightning.pytorch as pl
import torch
from lightning.pytorch.callbacks import Callback, ModelCheckpoint
from lightning.pytorch.utilities.types import OptimizerLRScheduler
from pydantic import BaseModel, ConfigDict, Field, NonNegativeFloat, PositiveFloat, PositiveInt
from torch import Tensor, nn
from torch.utils.data import DataLoader

from pipeline.errors import DataError
from pipeline.progress import track

Rows = dict[str, Tensor]  # the same number of rows each
Objective = Callable[[Rows], tuple[Tensor, ...]]
Draw = Callable[[int, torch.Generator], Rows]
Cost = Callable[[Rows], Tensor]
Curve = list[dict[str, float]]
CHECKPOINT = "last.ckpt"
POOL = 32  # batches whose rows are sorted by cost together


class TrainParams(BaseModel):
    """How a model is trained: losses summed over a batch; AdamW's rate rises and falls once.

    ``divergence_weight``: of the KL divergence against the reconstruction, reached after the
    share ``divergence_warm_up`` of all steps. ``warm_up``: share of steps in which the rate
    rises to ``learning_rate``; from there it falls to zero along a cosine. ``weight_decay``:
    of what a weight loses in a step of rate 1.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    epochs: PositiveInt = 200
    batch: PositiveInt = 512
    learning_rate: PositiveFloat = 3e-3
    weight_decay: NonNegativeFloat = 0
    warm_up: float = Field(default=0.1, ge=0, le=1)
    divergence_weight: NonNegativeFloat = 0.1
    divergence_warm_up: float = Field(default=0.1, ge=0, le=1)
    seed: int = Field(default=0, ge=0, lt=2**31)


@dataclass(frozen=True)
class Trained:
    """``curve``: a point an epoch, nats a row: reconstruction and KL, train and test."""

    curve: Curve
    seconds: float  # spent in training steps, without evaluation and checkpoints
    rows_per_second: float


def train(
    model: nn.Module,
    rows: Rows,
    test_rows: Rows,
    params: TrainParams,
    directory: Path,
    *,
    objective: Objective | None = None,
    draw: Draw | None = None,
    cost: Cost | None = None,
    live: Path | None = None,
    description: str = "train",
) -> Trained:
    """Train ``model`` in place; it is left on the CPU, in evaluation mode.

    ``objective``: rows -> reconstruction, KL divergence and whatever else is to be minimised,
    summed over the rows; ``model.losses`` where none is given. ``draw``: gives each epoch
    as many fresh rows as ``rows`` has, instead of those. ``cost``: what each row costs; rows
    of like cost then share a batch, for those that are padded. ``directory`` holds the
    checkpoint: where one of the same run stands, training goes on from it. ``live``: a
    directory for DVCLive's metrics (inside a DVC repository; DataError elsewhere).
    """
    losses: Any = objective or model.losses
    loop = _Loop(model, rows, test_rows, params, losses, draw, cost)
    checkpoint = Path(directory) / CHECKPOINT
    saver = ModelCheckpoint(
        directory, CHECKPOINT[:-5], enable_version_counter=False, save_on_train_epoch_end=True
    )
    loop.live = None if live is None else _open_live(live)
    resume = str(checkpoint) if _is_of(checkpoint, loop) else None
    numbers: Any = range(loop.steps)
    steps: DataLoader[int] = DataLoader(numbers, batch_size=None, generator=torch.Generator())
    _lightning(params, [saver, _Progress(description)]).fit(
        loop, steps, ckpt_path=resume, weights_only=True
    )
    if loop.live is not None:
        loop.live.end()
    model.cpu().eval()
    return Trained(loop.curve, loop.seconds, loop.done * loop.count / max(loop.seconds, 1e-9))


def _is_of(checkpoint: Path, loop: "_Loop") -> bool:
    """Whether the file is a checkpoint of this very run: another's is not gone on with."""
    try:
        found = torch.load(checkpoint, weights_only=True, map_location="cpu")
    except FileNotFoundError:
        return False
    return found.get("run") == loop.run


def _lightning(params: TrainParams, callbacks: list[Callback]) -> pl.Trainer:
    """Lightning with everything off that a step of a millisecond would pay for."""
    logging.getLogger("lightning.pytorch").setLevel(logging.WARNING)
    warnings.filterwarnings("ignore", module="lightning.*")
    world = int(os.environ.get("WORLD_SIZE", "1"))  # set by torchrun
    here = int(os.environ.get("LOCAL_WORLD_SIZE", "1"))
    return pl.Trainer(
        max_epochs=params.epochs,
        accelerator="auto",
        devices=here,
        num_nodes=world // here,
        strategy="ddp" if world > 1 else "auto",
        use_distributed_sampler=False,
        callbacks=callbacks,
        logger=False,
        enable_progress_bar=False,
        enable_model_summary=False,
        num_sanity_val_steps=0,
    )


class _Loop(pl.LightningModule):
    """Rows in memory, picked by number; the loader hands out numbers of steps."""

    def __init__(
        self,
        model: nn.Module,
        rows: Rows,
        test_rows: Rows,
        params: TrainParams,
        objective: Objective,
        draw: Draw | None,
        cost: Cost | None,
    ) -> None:
        super().__init__()
        self.model, self.params, self.objective, self.draw = model, params, objective, draw
        self.cost = cost
        self.rows, self.test_rows = rows, test_rows
        self.count = len(next(iter(rows.values())))
        self.steps = math.ceil(self.count / params.batch)
        shapes = [f"{k} {tuple(v.shape)}" for k, v in model.state_dict().items()]
        plan = params.model_dump_json() + f" {self.count} {draw is None} " + " ".join(shapes)
        self.run = hashlib.sha256(plan.encode()).hexdigest()
        self.curve: Curve = []
        self.live: Any = None  # DVCLive's writer
        self.seconds, self.done = 0.0, 0

    def configure_optimizers(self) -> OptimizerLRScheduler:
        p = self.params
        optimizer = torch.optim.AdamW(
            self.model.parameters(), p.learning_rate, weight_decay=p.weight_decay
        )
        rate = torch.optim.lr_scheduler.LambdaLR(optimizer, self._rate)
        return {
            "optimizer": optimizer,
            "lr_scheduler": {"scheduler": rate, "interval": "step"},
        }

    def _rate(self, step: int) -> float:
        total = self.steps * self.params.epochs
        rise = self.params.warm_up * total
        if step < rise:
            return (step + 1) / (rise + 1)
        return 0.5 * (1 + math.cos(math.pi * (step - rise) / max(total - rise, 1)))

    def on_fit_start(self) -> None:
        self.rows = {name: values.to(self.device) for name, values in self.rows.items()}
        self.test_rows = {
            name: values.to(self.device) for name, values in self.test_rows.items()
        }

    def on_train_epoch_start(self) -> None:
        seed = self.params.seed * 1_000_003 + self.current_epoch
        generator = torch.Generator().manual_seed(seed)
        if self.draw is not None:
            drawn = self.draw(self.count, generator)
            self.rows = {name: values.to(self.device) for name, values in drawn.items()}
        order = torch.randperm(self.count, generator=generator)
        if self.cost is not None:
            order = _alike(order, self.cost(self.rows).cpu(), self.params.batch, generator)
        self.order = order.to(self.device)
        torch.manual_seed(seed * 4096 + self.global_rank)
        self.sums = torch.zeros(2, device=self.device)
        self.started = time.perf_counter()

    def training_step(self, step: int) -> Tensor:
        batch = self.params.batch
        chosen = self.order[step * batch : (step + 1) * batch]
        share = chosen[self.global_rank :: self.trainer.world_size]
        losses = self.objective({name: values[share] for name, values in self.rows.items()})
        reconstruction, divergence, *others = losses
        self.sums += torch.stack([reconstruction, divergence]).detach()
        return reconstruction + self._weight() * divergence + sum(others)

    def _weight(self) -> float:
        rise = self.params.divergence_warm_up * self.steps * self.params.epochs
        return self.params.divergence_weight * min(1.0, (self.global_step + 1) / (rise + 1))

    def on_train_epoch_end(self) -> None:
        reconstruction, divergence = self.trainer.strategy.reduce(self.sums, reduce_op="sum")
        point = {
            "epoch": float(self.current_epoch + 1),
            "train_reconstruction": float(reconstruction) / self.count,
            "train_divergence": float(divergence) / self.count,
        }
        self.seconds += time.perf_counter() - self.started
        self.done += 1
        self.curve.append(point | self._test())
        if self.live is not None and self.trainer.is_global_zero:
            for name, value in self.curve[-1].items():
                self.live.log_metric(name, value)
            self.live.next_step()

    @torch.no_grad()
    def _test(self) -> dict[str, float]:
        self.model.eval()
        count = len(next(iter(self.test_rows.values())))
        sums = torch.zeros(2)
        size = 4096 if self.cost is None else self.params.batch
        for start in range(0, count, size):
            part = {n: values[start : start + size] for n, values in self.test_rows.items()}
            sums += torch.stack(self.objective(part)[:2]).cpu()
        self.model.train()
        reconstruction, divergence = (sums / max(count, 1)).tolist()
        return {"test_reconstruction": reconstruction, "test_divergence": divergence}

    def on_save_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        checkpoint["run"], checkpoint["curve"] = self.run, self.curve
        checkpoint["seconds"], checkpoint["done"] = self.seconds, self.done

    def on_load_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        self.curve = checkpoint["curve"]
        self.seconds, self.done = checkpoint["seconds"], checkpoint["done"]


def _alike(order: Tensor, costs: Tensor, batch: int, generator: torch.Generator) -> Tensor:
    """Rows in this order -> batches of like cost, the batches in any order."""
    full = len(order) // batch * batch
    parts = [
        part[costs[part].argsort(stable=True)].view(-1, batch)
        for part in order[:full].split(POOL * batch)
    ]
    batches = torch.cat(parts) if parts else order[:0].view(0, batch)
    mixed = batches[torch.randperm(len(batches), generator=generator)]
    return torch.cat([mixed.flatten(), order[full:]])


class _Progress(Callback):
    """Epochs on a bar, or on a plain line now and then."""

    def __init__(self, description: str) -> None:
        self.description = description

    def on_train_start(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        left = range(trainer.current_epoch, trainer.max_epochs or 0)
        self.epochs = iter(track(left, f"{self.description}, epochs"))
        next(self.epochs, None)

    def on_train_epoch_end(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        next(self.epochs, None)


def _open_live(directory: Path) -> Any:
    """DVCLive's writer. Outside of a DVC repository it would make one: it is refused there."""
    from dvclive import Live

    here = Path.cwd()
    if not any((folder / ".dvc").is_dir() for folder in (here, *here.parents)):
        raise DataError(f"{here}: no DVC repository to write DVCLive's metrics in")
    return Live(str(directory), resume=True, save_dvc_exp=False, dvcyaml=None)

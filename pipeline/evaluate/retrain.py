"""Training any torch module on an image set, the same way for all of them.

All that is random in an epoch (order, augmentation, dropout) follows from the seed and the
epoch's number alone. So two modules that compute the same see the same, whatever drew random
numbers before, and a resumed run goes on as if it had never stopped.
"""

from __future__ import annotations

import hashlib
import math
import os
import sys
import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import torch
from torch import nn
from torch.nn import functional

from pipeline.evaluate.images import ImageSet
from pipeline.evaluate.retrain_params import RetrainParams

WARM_UP = 0.1  # share of the steps
MOMENTUM = 0.9
SHIFT = 1 / 14  # largest shift of an image, of its size
TEST_BATCH = 250


@dataclass(frozen=True)
class Curve:
    """One point an epoch: mean training loss in nats, share of the test images of each epoch
    that were right. ``final_accuracy``: on all test images, after the last epoch; None before.
    """

    loss: tuple[float, ...] = ()
    accuracy: tuple[float, ...] = ()
    final_accuracy: float | None = None
    wall_seconds: float = 0.0

    @property
    def epochs(self) -> int:
        return len(self.loss)


def retrain(
    model: nn.Module,
    images: ImageSet,
    params: RetrainParams,
    seed: int,
    checkpoint: Path | None = None,
    stop_after: int | None = None,
    title: str = "training",
) -> Curve:
    """Train ``model`` (n, 3, size, size) -> (n, classes) in place; the curve of its epochs.

    After each epoch everything is kept in ``checkpoint``, and a run of the same module,
    images, parameters and seed that finds it there goes on from it, to the same end; one of
    another run is not used. ``stop_after`` ends early, after so many epochs of the full
    schedule. The global random state is left as it was. Progress goes to standard error.
    """
    device = choose_device(params.device)
    model = model.to(device)
    optimiser = _make_optimiser(model, params)
    identity = identify(model, images, params, seed)
    curve = _resume(checkpoint, identity, model, optimiser) or Curve()
    if curve.epochs:
        _say(f"{title}: goes on after epoch {curve.epochs}")
    last = min(stop_after or params.epochs, params.epochs)
    cuda = [torch.cuda.current_device()] if device.type == "cuda" else []
    deterministic = torch.backends.cudnn.flags(deterministic=True, benchmark=False)
    with torch.random.fork_rng(cuda), deterministic:
        for epoch in range(curve.epochs, last):
            curve = _run_epoch(model, optimiser, images, params, seed, curve, epoch)
            if checkpoint is not None:
                _save(checkpoint, identity, model, optimiser, curve)
            _say(_describe(title, curve, params.epochs))
    return curve


def _run_epoch(
    model: nn.Module,
    optimiser: torch.optim.Optimizer,
    images: ImageSet,
    params: RetrainParams,
    seed: int,
    curve: Curve,
    epoch: int,
) -> Curve:
    started = time.monotonic()
    loss = train_epoch(model, optimiser, images, params, seed, epoch)
    each = min(params.test_images_each_epoch, len(images.test_y))
    accuracy = measure_accuracy(model, images, each)
    final = None
    if epoch + 1 == params.epochs:
        final = measure_accuracy(model, images, len(images.test_y))
    return Curve(
        (*curve.loss, loss),
        (*curve.accuracy, accuracy),
        final,
        curve.wall_seconds + time.monotonic() - started,
    )


def train_epoch(
    model: nn.Module,
    optimiser: torch.optim.Optimizer,
    images: ImageSet,
    params: RetrainParams,
    seed: int,
    epoch: int,
) -> float:
    """One pass over the training images; the mean loss in nats."""
    torch.manual_seed(_mix(seed, epoch, "dropout"))
    device = next(model.parameters()).device
    count = len(images.train_y)
    steps = math.ceil(count / params.batch_size)
    total, losses = params.epochs * steps, 0.0
    model.train()
    for step, (x, y) in enumerate(draw_batches(images, params.batch_size, seed, epoch)):
        for group in optimiser.param_groups:
            group["lr"] = learning_rate(epoch * steps + step, total, params.lr)
        loss = functional.cross_entropy(model(x.to(device)), y.to(device))
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        losses += loss.item() * len(y)
    return losses / count


def learning_rate(step: int, total: int, peak: float) -> float:
    """A line from zero to ``peak`` over the first tenth, then half a cosine down to zero."""
    rising = max(1.0, WARM_UP * total)
    if step < rising:
        return peak * (step + 1) / (rising + 1)
    return peak * 0.5 * (1 + math.cos(math.pi * (step - rising) / (total - rising)))


def draw_batches(
    images: ImageSet, batch_size: int, seed: int, epoch: int
) -> Iterator[tuple[torch.Tensor, torch.Tensor]]:
    """The training images in the order of this epoch, shifted a little and, where a mirror
    image is as good, mirrored half of the time."""
    generator = torch.Generator().manual_seed(_mix(seed, epoch, "batches"))
    order = torch.randperm(len(images.train_y), generator=generator)
    for chosen in order.split(batch_size):
        x = shift(images.train_x[chosen], generator)
        if images.mirrored:
            flip = torch.rand(len(x), generator=generator) < 0.5
            x[flip] = x[flip].flip(-1)
        yield x, images.train_y[chosen]


def shift(x: torch.Tensor, generator: torch.Generator) -> torch.Tensor:
    """Each image of (n, c, s, s) moved by up to :data:`SHIFT` of its size, edges repeated."""
    n, _, _, size = x.shape
    reach = round(size * SHIFT)
    offsets = torch.randint(-reach, reach + 1, (2, n, 1), generator=generator)
    rows, columns = (torch.arange(size) + offsets).clamp(0, size - 1)  # (n, size) each
    each = torch.arange(n)[:, None, None]
    moved = x.permute(0, 2, 3, 1)[each, rows[:, :, None], columns[:, None, :]]
    return moved.permute(0, 3, 1, 2).contiguous()


@torch.no_grad()
def measure_accuracy(model: nn.Module, images: ImageSet, count: int) -> float:
    """Share of the first ``count`` test images that the model gets right when evaluated."""
    device = next(model.parameters()).device
    model.eval()
    right = 0
    for start in range(0, count, TEST_BATCH):
        here = slice(start, min(start + TEST_BATCH, count))
        guesses = model(images.test_x[here].to(device)).argmax(1)
        right += int((guesses.cpu() == images.test_y[here]).sum())
    return right / count


def choose_device(name: str) -> torch.device:
    """``auto``: the accelerator where there is one."""
    if name == "auto":
        name = "cuda" if torch.cuda.is_available() else "cpu"
    return torch.device(name)


def identify(model: nn.Module, images: ImageSet, params: RetrainParams, seed: int) -> str:
    """A digest of all that a run starts from: wiring, weights, images, parameters, seed."""
    digest = hashlib.sha256(f"{model}\n{params.recipe()}\n{seed}".encode())
    for tensor in (*model.state_dict().values(), images.train_x[:, :1], images.train_y):
        digest.update(tensor.detach().cpu().contiguous().numpy().tobytes())
    return digest.hexdigest()


def _make_optimiser(model: nn.Module, params: RetrainParams) -> torch.optim.Optimizer:
    if params.optimiser == "adamw":
        return torch.optim.AdamW(
            model.parameters(), params.lr, weight_decay=params.weight_decay, fused=True
        )
    return torch.optim.SGD(
        model.parameters(),
        params.lr,
        momentum=MOMENTUM,
        nesterov=True,
        weight_decay=params.weight_decay,
        fused=True,
    )


def _mix(seed: int, epoch: int, what: str) -> int:
    return int.from_bytes(
        hashlib.sha256(f"{seed} {epoch} {what}".encode()).digest()[:7], "big"
    )


def _save(
    path: Path, identity: str, model: nn.Module, optimiser: torch.optim.Optimizer, curve: Curve
) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".tmp-{path.name}-{os.getpid()}")
    state = {"identity": identity, "model": model.state_dict(), "curve": asdict(curve)}
    try:
        torch.save(state | {"optimiser": optimiser.state_dict()}, temporary)
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)


def _resume(
    path: Path | None, identity: str, model: nn.Module, optimiser: torch.optim.Optimizer
) -> Curve | None:
    if path is None or not path.exists():
        return None
    device = next(model.parameters()).device
    state: dict[str, Any] = torch.load(path, map_location=device, weights_only=True)
    if state["identity"] != identity:
        _say(f"{path}: of another run, not used")
        return None
    model.load_state_dict(state["model"])
    optimiser.load_state_dict(state["optimiser"])
    return replace(Curve(), **state["curve"])


def _describe(title: str, curve: Curve, epochs: int) -> str:
    rate = curve.wall_seconds / curve.epochs
    line = (
        f"{title}: epoch {curve.epochs}/{epochs}, loss {curve.loss[-1]:.4f}, "
        f"accuracy {100 * curve.accuracy[-1]:.1f} %, {rate:.1f} s an epoch"
    )
    if curve.final_accuracy is None:
        return line
    return f"{line}; at the end {100 * curve.final_accuracy:.2f} %"


def _say(line: str) -> None:
    print(line, file=sys.stderr, flush=True)

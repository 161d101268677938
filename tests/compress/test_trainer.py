"""The trainer: what it minimises, the same end after an interruption, fresh rows an epoch."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from dvc.repo import Repo
from torch import nn

from pipeline.compress import cells as enas
from pipeline.compress.ae import AEConfig
from pipeline.compress.trainer import CHECKPOINT, TrainParams, train
from pipeline.compress.vae import VariationalAutoEncoder
from pipeline.errors import DataError

PARAMS = TrainParams(epochs=3, batch=64, seed=5)


def make() -> VariationalAutoEncoder:
    torch.manual_seed(0)
    return VariationalAutoEncoder(AEConfig(groups=enas.GROUPS, width=16, depth=1))


def rows(n: int, seed: int) -> dict[str, torch.Tensor]:
    return enas.to_items(enas.draw_cells(n, torch.Generator().manual_seed(seed)))


def run(directory: Path, params: TrainParams = PARAMS, objective=None, **more):
    model = make()
    losses = None if objective is None else objective(model)
    trained = train(
        model, rows(200, 1), rows(50, 2), params, directory, objective=losses, **more
    )
    return model, trained


def same_weights(a: nn.Module, b: nn.Module) -> bool:
    pairs = zip(a.state_dict().values(), b.state_dict().values(), strict=True)
    return all(torch.equal(x, y) for x, y in pairs)


class StoppedError(Exception):
    """Stands for a killed process."""


def stopping_after(steps: int):
    def objective(model):
        left = iter(range(steps))

        def losses(batch):
            if model.training and next(left, None) is None:
                raise StoppedError
            return model.losses(batch)

        return losses

    return objective


def test_a_resumed_run_ends_where_an_uninterrupted_one_does(tmp_path):
    whole, trained = run(tmp_path / "whole")
    with pytest.raises(StoppedError):  # four batches an epoch: in the middle of the second
        run(tmp_path / "cut", objective=stopping_after(6))
    resumed, later = run(tmp_path / "cut")
    assert same_weights(whole, resumed)
    assert trained.curve == later.curve
    assert len(later.curve) == 3


def test_a_checkpoint_of_another_run_is_not_gone_on_with(tmp_path):
    run(tmp_path / "used")
    slower = PARAMS.model_copy(update={"learning_rate": 1e-4})
    fresh, _ = run(tmp_path / "fresh", slower)
    again, trained = run(tmp_path / "used", slower)
    assert same_weights(fresh, again)
    assert len(trained.curve) == PARAMS.epochs


def test_another_seed_ends_elsewhere(tmp_path):
    one, _ = run(tmp_path / "a")
    other, _ = run(tmp_path / "b", PARAMS.model_copy(update={"seed": 6}))
    assert not same_weights(one, other)


def test_a_checkpoint_is_read_as_numbers_only(tmp_path):
    run(tmp_path, PARAMS.model_copy(update={"epochs": 1}))
    torch.load(tmp_path / CHECKPOINT, weights_only=True)
    assert [p.name for p in tmp_path.iterdir()] == [CHECKPOINT]


def test_the_curve_is_in_nats_a_row(tmp_path):
    model, trained = run(tmp_path)
    reconstruction, divergence = (part.item() / 50 for part in model.losses(rows(50, 2)))
    last = trained.curve[-1]
    assert last["epoch"] == 3
    assert last["test_reconstruction"] == pytest.approx(reconstruction, rel=1e-4)
    assert last["test_divergence"] == pytest.approx(divergence, rel=1e-4)
    assert last["train_reconstruction"] < trained.curve[0]["train_reconstruction"]


def test_rows_may_be_drawn_anew_each_epoch(tmp_path):
    seeds = []

    def draw(count, generator):
        seeds.append(generator.initial_seed())
        return enas.to_items(enas.draw_cells(count, generator))

    run(tmp_path, draw=draw)
    assert len(set(seeds)) == PARAMS.epochs


def test_further_losses_are_minimised_too(tmp_path):
    def objective(model):
        weight = next(model.parameters())
        return lambda batch: (*model.losses(batch), 1e4 * weight.square().sum())

    model, _ = run(tmp_path / "a", objective=objective)
    plain, _ = run(tmp_path / "b")
    size = [float(next(m.parameters()).detach().square().sum()) for m in (model, plain)]
    assert size[0] < size[1]


def test_metrics_are_written_for_dvclive(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(DataError, match="no DVC repository"):
        run(tmp_path / "work", live=tmp_path / "live")
    Repo.init(str(tmp_path), no_scm=True)
    run(tmp_path / "work", live=tmp_path / "live")
    table = (tmp_path / "live/plots/metrics/test_reconstruction.tsv").read_text()
    assert len(table.splitlines()) == 1 + PARAMS.epochs


def test_unknown_parameters_are_refused():
    with pytest.raises(ValueError, match="learning_rat"):
        TrainParams.model_validate({"learning_rat": 1})


@pytest.mark.long
def test_two_processes_train_one_model(tmp_path):
    script = tmp_path / "script.py"
    script.write_text(
        "import sys, torch\n"
        "from pathlib import Path\n"
        "sys.path.insert(0, sys.argv[1])\n"
        "from tests.compress.test_trainer import run\n"
        "from torch.distributed import get_rank\n"
        "model, trained = run(Path(sys.argv[2]) / 'work')\n"
        "torch.save(model.state_dict(), Path(sys.argv[2]) / f'{get_rank()}.pt')\n"
    )
    root = str(Path(__file__).parents[2])
    command = [sys.executable, "-m", "torch.distributed.run", "--standalone"]
    command += ["--nproc-per-node=2", str(script), root, str(tmp_path)]
    environment = os.environ | {"OMP_NUM_THREADS": "1", "CUDA_VISIBLE_DEVICES": ""}
    subprocess.run(command, check=True, timeout=300, env=environment, cwd=root)
    states = [torch.load(tmp_path / f"{r}.pt", weights_only=True) for r in (0, 1)]
    assert all(torch.equal(states[0][k], states[1][k]) for k in states[0])

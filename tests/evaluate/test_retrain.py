"""Training: the same start and seed give the same curve; a resumed run ends where it would."""

from pathlib import Path

import pytest
import torch
from pydantic import ValidationError
from torch import nn

from pipeline.evaluate.images import ImageSet, load_images
from pipeline.evaluate.retrain import draw_batches, learning_rate, retrain
from pipeline.evaluate.retrain_params import RetrainParams

PARAMS = RetrainParams(epochs=3, batch_size=50, test_images_each_epoch=50, device="cpu")
SGD, ADAMW = PARAMS, PARAMS.model_copy(update={"optimiser": "adamw", "lr": 0.002})


def start(seed: int = 0) -> nn.Module:
    """A small network with all that keeps state or draws random numbers, for 12x12 images."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        return nn.Sequential(
            nn.Conv2d(3, 8, 3, stride=2),
            nn.BatchNorm2d(8),
            nn.ReLU(),
            nn.Dropout(0.2),
            nn.Flatten(),
            nn.Linear(200, 10),
        )


@pytest.fixture(scope="module")
def images() -> ImageSet:
    return load_images("digits", 12, train_images=300, seed=0, test_images=100)


@pytest.mark.parametrize("params", [SGD, ADAMW], ids=["sgd", "adamw"])
def test_the_same_module_and_seed_give_the_same_curve(images, params):
    first = retrain(start(), images, params, seed=1)
    torch.rand(7)  # what others draw from the global generator changes nothing
    again = retrain(start(), images, params, seed=1)
    other = retrain(start(), images, params, seed=2)
    assert first.loss == again.loss
    assert (first.accuracy, first.final_accuracy) == (again.accuracy, again.final_accuracy)
    assert first.loss != other.loss


def test_training_learns(images):
    params = PARAMS.model_copy(update={"epochs": 15})
    curve = retrain(start(), images, params, seed=0)
    assert curve.epochs == 15
    assert curve.loss[-1] < curve.loss[0] / 2
    assert curve.final_accuracy is not None
    assert curve.final_accuracy > 0.6


@pytest.mark.parametrize("params", [SGD, ADAMW], ids=["sgd", "adamw"])
def test_a_resumed_run_ends_where_an_uninterrupted_one_does(images, params, tmp_path: Path):
    checkpoint = tmp_path / "run.pt"
    whole, resumed = start(), start()
    expected = retrain(whole, images, params, seed=0)
    part = retrain(start(), images, params, 0, checkpoint, stop_after=1)
    curve = retrain(resumed, images, params, 0, checkpoint)
    assert part.epochs == 1
    assert part.final_accuracy is None
    assert curve.loss == expected.loss
    assert curve.final_accuracy == expected.final_accuracy
    for name, tensor in whole.state_dict().items():
        assert torch.equal(tensor, resumed.state_dict()[name]), name


def test_a_checkpoint_of_another_run_is_not_used(images, tmp_path: Path, capsys):
    checkpoint = tmp_path / "run.pt"
    retrain(start(), images, PARAMS, 0, checkpoint, stop_after=2)
    curve = retrain(start(seed=5), images, PARAMS, 0, checkpoint)
    assert "of another run, not used" in capsys.readouterr().err
    assert curve.loss == retrain(start(seed=5), images, PARAMS, 0).loss


def test_the_global_random_state_is_left_alone(images):
    before = torch.get_rng_state()
    retrain(start(), images, PARAMS, 0, stop_after=1)
    assert torch.equal(before, torch.get_rng_state())


def test_an_epoch_sees_each_image_once_and_epochs_differ(images):
    numbered = ImageSet(
        "digits", images.train_x, torch.arange(300), images.test_x, images.test_y, 10, True
    )
    orders = [
        torch.cat([y for _, y in draw_batches(numbered, 64, 0, epoch)]) for epoch in (0, 1)
    ]
    assert all(sorted(order.tolist()) == list(range(300)) for order in orders)
    assert not torch.equal(*orders)


def test_the_learning_rate_rises_then_falls():
    rates = [learning_rate(step, 100, 1.0) for step in range(100)]
    top = rates.index(max(rates))
    assert top == 10
    assert rates[top] == 1.0
    assert rates[:11] == sorted(rates[:11])
    assert rates[10:] == sorted(rates[10:], reverse=True)
    assert rates[-1] < 0.001


def test_unknown_parameters_are_refused():
    with pytest.raises(ValidationError, match="learning_rate"):
        RetrainParams.model_validate({"learning_rate": 0.1})

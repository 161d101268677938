"""What a training run of Table 2 is made of."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    NonNegativeFloat,
    NonNegativeInt,
    PositiveFloat,
    PositiveInt,
)


class RetrainParams(BaseModel):
    """One architecture's training: the same for the original and for whatever became of it."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    dataset: Literal["digits", "fashion_mnist", "cifar10"] = "digits"
    data_path: Path | None = None  # a folder that holds the image files; None: usual places
    train_images: PositiveInt | None = None  # None: all there are
    test_images: PositiveInt | None = None  # after the last epoch
    test_images_each_epoch: PositiveInt = 1000  # for the curve: the first ones of those
    image_size: PositiveInt = 32
    epochs: PositiveInt = 50
    batch_size: PositiveInt = 100
    optimiser: Literal["sgd", "adamw"] = "sgd"
    lr: PositiveFloat = 0.05  # the peak: linear warm-up over a tenth, then a cosine to zero
    weight_decay: NonNegativeFloat = 5e-4
    seeds: tuple[NonNegativeInt, ...] = Field(default=(0, 1, 2), min_length=1)
    device: Literal["auto", "cpu", "cuda"] = "auto"
    prove_by_curve: NonNegativeInt = 0  # epochs; see table2.py. 0: train everything to the end

    def recipe(self) -> dict[str, object]:
        """What a finished run depends on, and no more: not which other seeds there are, nor
        where the images lie or on which device they are trained on."""
        free = {"seeds", "device", "prove_by_curve", "data_path"}
        return self.model_dump(mode="json", exclude=free)

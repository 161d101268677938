"""The proposed variational autoencoder, with features that tell good networks from bad.

The latent space gains a group ``quality``: features from which the accuracy of a network is a
linear function. They are learned from the accuracies of the training networks, jointly with
the rest (as in Gomez-Bombarelli et al., arxiv.org/abs/1610.02415). Encoding needs no accuracy,
and decoding does not look at them.
"""

from typing import ClassVar

import torch
from pydantic import Field, NonNegativeFloat, PositiveInt
from torch import Tensor, nn

from pipeline.compress.ae import AEConfig
from pipeline.compress.fields import Items, Latents
from pipeline.compress.vae import VariationalAutoEncoder

ACCURACY, QUALITY = "accuracy", "quality"


class QualityConfig(AEConfig):
    """``quality``: how many features; ``quality_weight``: of the squared error, in nats."""

    quality: PositiveInt = 50
    quality_width: PositiveInt = 256
    quality_dropout: float = Field(default=0.1, ge=0, lt=1)
    quality_weight: NonNegativeFloat = 1.0


class QualityVAE(VariationalAutoEncoder):
    """``losses`` takes the items with ``accuracy`` (n,), standardised, beside their groups."""

    kind: ClassVar[str] = "vae_quality"
    Config: ClassVar[type[AEConfig]] = QualityConfig
    config: QualityConfig

    def __init__(self, config: QualityConfig) -> None:
        super().__init__(config)
        classes = sum(c for g in config.groups for c in g.cardinalities)
        width, drop = config.quality_width, config.quality_dropout
        self.features = nn.Sequential(
            nn.Linear(classes, width),
            nn.SiLU(),
            nn.Dropout(drop),
            nn.Linear(width, width),
            nn.SiLU(),
            nn.Dropout(drop),
            nn.Linear(width, config.quality),
            nn.Tanh(),
        )
        self.estimate = nn.Linear(config.quality, 1)

    def one_hot(self, items: Items) -> Tensor:
        """(n, all classes) float: the fields of every group, side by side."""
        parts = []
        for g in self.config.groups:
            for field, classes in enumerate(g.cardinalities):
                parts.append(nn.functional.one_hot(items[g.name][:, field], classes))
        return torch.cat(parts, 1).float()

    def encode(self, items: Items) -> Latents:
        return super().encode(items) | {QUALITY: self.features(self.one_hot(items))}

    def decode(self, latents: Latents, generator: torch.Generator | None = None) -> Items:
        own = {g.name: latents[g.name] for g in self.config.groups}
        return super().decode(own, generator)

    def losses(self, items: Items) -> tuple[Tensor, ...]:  # type: ignore[override]
        """Reconstruction, KL divergence and the weighted squared error of the accuracy."""
        fields = {g.name: items[g.name] for g in self.config.groups}
        guess = self.estimate(self.features(self.one_hot(fields)))[:, 0]
        error = (guess - items[ACCURACY]).square().sum()
        return *super().losses(fields), self.config.quality_weight * error

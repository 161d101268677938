"""The proposed autoencoder: every group of fields compressed apart, losses reduced by sum.

After Shalamov, Efimova, Filchenkov, "Translation of a neural network into a vector
representation": structure and operations have latent spaces of their own.
"""

from typing import ClassVar, cast

import torch
from pydantic import BaseModel, ConfigDict, PositiveInt
from torch import Tensor, nn

from pipeline.compress.fields import Group, Items, Latents
from pipeline.compress.layers import BlockDecoder, BlockEncoder, FieldWriter

Losses = tuple[Tensor, Tensor]  # reconstruction and KL divergence, nats, summed over a batch


class AEConfig(BaseModel):
    """``width`` and ``depth`` of the residual networks; ``frequencies``: octaves of z."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    groups: tuple[Group, ...]
    width: PositiveInt = 64
    depth: PositiveInt = 2
    frequencies: PositiveInt = 9


class AutoEncoder(nn.Module):
    """Fields -> a vector a group -> the same fields. Deterministic."""

    kind: ClassVar[str] = "ae"
    Config: ClassVar[type[AEConfig]] = AEConfig
    outputs: ClassVar[int] = 1  # numbers that the encoder gives a latent dimension

    def __init__(self, config: AEConfig) -> None:
        super().__init__()
        self.config = config
        self.encoders = nn.ModuleDict({g.name: self.make_encoder(g) for g in config.groups})
        self.decoders = nn.ModuleDict({g.name: self.make_decoder(g) for g in config.groups})
        self.writers = nn.ModuleDict({g.name: FieldWriter(g) for g in config.groups})

    def make_encoder(self, group: Group) -> nn.Module:
        return BlockEncoder(group, self.config.width, self.config.depth, self.outputs)

    def make_decoder(self, group: Group) -> nn.Module:
        c = self.config
        return BlockDecoder(group, c.width, c.depth, c.frequencies)

    def writer(self, group: str) -> FieldWriter:
        return cast(FieldWriter, self.writers[group])

    def encode(self, items: Items) -> Latents:
        """Group -> (n, fields) int64  to  group -> (n, dimensions) float."""
        return {g: self.outputs_of(g, fields)[..., 0] for g, fields in items.items()}

    def outputs_of(self, group: str, fields: Tensor) -> Tensor:
        """What the encoder says of each latent dimension, (n, dimensions, outputs)."""
        outputs: Tensor = self.encoders[group](fields)
        return outputs

    def decode(self, latents: Latents, generator: torch.Generator | None = None) -> Items:
        """Group -> (n, dimensions)  to  group -> (n, fields): likeliest, or sampled."""
        return {g: self.write(g, z, generator) for g, z in latents.items()}

    def write(self, group: str, z: Tensor, generator: torch.Generator | None) -> Tensor:
        logits = self.decoders[group](z)  # (n, all classes)
        return self.writer(group).pick(logits, generator)

    def losses(self, items: Items) -> Losses:
        """Reconstruction and divergence (none here), in nats, summed over the batch."""
        parts = [self.group_losses(g, fields) for g, fields in items.items()]
        reconstruction, divergence = zip(*parts, strict=True)
        return torch.stack(reconstruction).sum(), torch.stack(divergence).sum()

    def group_losses(self, group: str, fields: Tensor) -> Losses:
        z = self.outputs_of(group, fields)[..., 0]  # (n, dimensions)
        return self.nats(group, z, fields), z.new_zeros(())

    def nats(self, group: str, z: Tensor, fields: Tensor) -> Tensor:
        return self.writer(group).nats(self.decoders[group](z), fields)

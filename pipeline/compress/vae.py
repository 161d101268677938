"""The proposed variational autoencoder: the autoencoder with a Gaussian posterior.

Kingma, Welling, "Auto-Encoding Variational Bayes" (arxiv.org/abs/1312.6114): q(z | x) is a
diagonal Gaussian, the prior N(0, I); their divergence is what a vector costs, in nats.
"""

from typing import ClassVar

import torch
from torch import Tensor

from pipeline.compress.ae import AutoEncoder, Losses

START = -3.0  # log standard deviation at the start: codes can be told apart from step one


class VariationalAutoEncoder(AutoEncoder):
    """Fields -> a Gaussian a group -> the same fields. ``encode`` gives the means."""

    kind: ClassVar[str] = "vae"
    outputs: ClassVar[int] = 2  # mean, log standard deviation

    def group_losses(self, group: str, fields: Tensor) -> Losses:
        mean, log_std = self.posterior(group, fields)
        z = mean + log_std.exp() * torch.randn_like(mean) if self.training else mean
        return self.nats(group, z, fields), divergence(mean, log_std)

    def posterior(self, group: str, fields: Tensor) -> tuple[Tensor, Tensor]:
        """Mean and log standard deviation, (n, dimensions) each."""
        mean, log_std = self.outputs_of(group, fields).unbind(-1)
        return mean, log_std + START


def divergence(mean: Tensor, log_std: Tensor) -> Tensor:
    """KL(N(mean, std^2) || N(0, 1)) in nats, summed over everything."""
    return 0.5 * (mean.square() + (2 * log_std).exp() - 1 - 2 * log_std).sum()

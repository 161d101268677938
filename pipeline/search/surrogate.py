"""A Gaussian process that says of points not tried yet how much better they may be.

BoTorch's exact process and acquisition (github.com/pytorch/botorch), in double precision. The
kernels: points by what stands at each place, a length a place (Garrido-Merchan and Hernandez-
Lobato, arxiv.org/abs/1805.03463); the same with one length for all, which is a kernel on the
number of edits; a squared exponential on vectors.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Sequence
from math import log, sqrt

import numpy as np
import torch
from scipy.stats import norm, rankdata
from torch import Tensor

with warnings.catch_warnings():  # what linear_operator does while it is imported
    warnings.filterwarnings("ignore", "`torch.jit.script` is deprecated", FutureWarning)
    from botorch.acquisition import LogExpectedImprovement
    from botorch.fit import fit_gpytorch_mll
    from botorch.models import SingleTaskGP
    from botorch.models.kernels.categorical import CategoricalKernel
    from gpytorch.constraints import GreaterThan
    from gpytorch.kernels import Kernel, RBFKernel, ScaleKernel
    from gpytorch.likelihoods import GaussianLikelihood
    from gpytorch.means import ZeroMean
    from gpytorch.mlls import ExactMarginalLogLikelihood
    from gpytorch.priors import LogNormalPrior

NOISE, LEAST_NOISE = 0.1, 1e-4  # variances, where the values' is 1
STEPS = 30  # of fitting lengths and variances, at most


def by_places(width: int) -> Kernel:
    """Options at each place, a length a place; all unlike is exp(-3) as prior belief."""
    return CategoricalKernel(
        ard_num_dims=width, lengthscale_prior=LogNormalPrior(log(1 / 3), 1.0)
    )


def by_edits(width: int) -> Kernel:
    """Options at each place: how many differ, with one length."""
    return CategoricalKernel(lengthscale_prior=LogNormalPrior(log(1 / 3), 1.0))


def by_vectors(width: int) -> Kernel:
    """Standardised vectors, by distance, with one length."""
    return RBFKernel(lengthscale_prior=LogNormalPrior(log(sqrt(width)), 1.0))


class Surrogate:
    """Values of some points -> where to look next. ``features``: (points, d)."""

    def __init__(self, features: np.ndarray, kernel: Callable[[int], Kernel]) -> None:
        self._features = torch.tensor(features, dtype=torch.double)
        likelihood = GaussianLikelihood(
            LogNormalPrior(log(NOISE), 1.0), noise_constraint=GreaterThan(LEAST_NOISE)
        )
        likelihood.initialize(noise=NOISE)
        scaled = ScaleKernel(kernel(features.shape[1]), LogNormalPrior(0.0, 0.5))
        self._kernel, self._likelihood = scaled, likelihood
        self._model: SingleTaskGP | None = None

    def learn(self, points: Sequence[int], values: Sequence[float], refit: bool) -> None:
        """Points and what they are worth; ``refit``: lengths and variances as well."""
        x, y = self._features[list(points)], _scores(values)
        if self._model is None:
            self._model = SingleTaskGP(
                x, y[:, None], likelihood=self._likelihood, covar_module=self._kernel,
                mean_module=ZeroMean(), outcome_transform=None,
            )  # fmt: skip
        self._model.set_train_data(x, y, strict=False)  # type: ignore[operator]
        if refit:
            self._model.train()
            fit_gpytorch_mll(
                ExactMarginalLogLikelihood(self._likelihood, self._model),
                optimizer_kwargs={"options": {"maxiter": STEPS}},
            )
        self._model.eval()

    @torch.no_grad()
    def promise(self, points: np.ndarray) -> np.ndarray:
        """(n,): the logarithm of the improvement that is expected of each point over the best
        of those learned from."""
        assert self._model is not None
        acquisition = LogExpectedImprovement(
            self._model, best_f=self._model.train_targets.max()
        )
        return acquisition(self._features[points][:, None]).numpy()


def _scores(values: Sequence[float]) -> Tensor:
    """Values -> those of a normal distribution at the same ranks: a network that fails says
    no more than that it is the worst."""
    ranks = (rankdata(values) - 0.5) / len(values)
    return torch.tensor(norm.ppf(ranks), dtype=torch.double)

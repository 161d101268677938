"""How well a network's accuracy is predicted from its vector: a sparse Gaussian process.

D-VAE's protocol (arxiv.org/abs/1904.11088): 500 inducing points, an RBF kernel with a length a
dimension, vectors and targets standardised by the training set, ten seeds. The original fits
an expectation-propagation GP by 100 epochs of Adam; here it is GPyTorch's variational GP
(Hensman, Fusi, Lawrence, arxiv.org/abs/1309.6835) by natural-gradient steps, which need fewer
epochs.
"""

import warnings
from collections.abc import Iterable
from dataclasses import dataclass

import torch
from torch import Tensor

from pipeline.progress import track

with warnings.catch_warnings():  # what linear_operator does while it is imported
    warnings.filterwarnings("ignore", "`torch.jit.script` is deprecated", FutureWarning)
    import gpytorch

INDUCING = 500
BATCH = 1000
EPOCHS = 20
NATURAL_RATE = 0.1
RATE = 0.03


@dataclass(frozen=True)
class Prediction:
    """Root mean square error, in standard deviations of the training accuracies, and Pearson's
    r on the test networks: a value a seed."""

    rmse: tuple[float, ...]
    pearson_r: tuple[float, ...]


class SparseGP(gpytorch.models.ApproximateGP):
    """A whitened variational GP; its inducing points start on rows of the training set."""

    def __init__(self, inducing: Tensor) -> None:
        q = gpytorch.variational.NaturalVariationalDistribution(len(inducing))
        super().__init__(gpytorch.variational.VariationalStrategy(self, inducing, q))
        d = inducing.shape[1]
        self.mean = gpytorch.means.ConstantMean()
        self.kernel = gpytorch.kernels.ScaleKernel(gpytorch.kernels.RBFKernel(ard_num_dims=d))
        self.kernel.base_kernel.lengthscale = d**0.5

    def forward(self, x: Tensor) -> gpytorch.distributions.MultivariateNormal:
        return gpytorch.distributions.MultivariateNormal(self.mean(x), self.kernel(x))


def predict_accuracy(
    train: tuple[Tensor, Tensor],
    test: tuple[Tensor, Tensor],
    seeds: Iterable[int] = range(1, 11),
    epochs: int = EPOCHS,
) -> Prediction:
    """(vectors (n, d), accuracies (n,)) of train and test -> errors of the prediction."""
    centre, scale = train[0].mean(0), train[0].std(0).clamp_min(1e-6)
    middle, deviation = train[1].mean(), train[1].std()
    x, x_test = ((vectors - centre) / scale for vectors in (train[0], test[0]))
    y, y_test = ((accuracy - middle) / deviation for accuracy in (train[1], test[1]))
    found = []
    for seed in track(list(seeds), "sparse GP, seeds"):
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed)
            model = _fit(x, y, epochs)
        with torch.no_grad():
            found.append(_errors(model(x_test).mean, y_test))
    return Prediction(tuple(f[0] for f in found), tuple(f[1] for f in found))


def _errors(predicted: Tensor, y: Tensor) -> tuple[float, float]:
    rmse = float((predicted - y).square().mean().sqrt())
    return rmse, float(torch.corrcoef(torch.stack([predicted, y]))[0, 1])


def _fit(x: Tensor, y: Tensor, epochs: int) -> SparseGP:
    start = torch.randperm(len(x))[:INDUCING]
    model, likelihood = SparseGP(x[start].clone()), gpytorch.likelihoods.GaussianLikelihood()
    bound = gpytorch.mlls.VariationalELBO(likelihood, model, len(x))
    natural = gpytorch.optim.NGD(
        model.variational_parameters(), num_data=len(x), lr=NATURAL_RATE
    )
    rest = torch.optim.Adam([*model.hyperparameters(), *likelihood.parameters()], lr=RATE)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(rest, epochs)
    for _ in range(epochs):
        for rows in torch.randperm(len(x)).split(BATCH):
            natural.zero_grad()
            rest.zero_grad()
            (-bound(model(x[rows]), y[rows])).backward()
            natural.step()
            rest.step()
        schedule.step()
    return model.eval()

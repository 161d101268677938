"""How well a number is predicted for networks of groups that were not trained on.

Five folds by group, five times with groups dealt anew; a model's own settings are chosen by
folds of groups as well, within the training part.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
from scipy.linalg import solve
from scipy.spatial.distance import cdist
from scipy.stats import kendalltau
from sklearn.model_selection import GroupKFold
from sklearn.preprocessing import StandardScaler

FOLDS, REPEATS, INNER_FOLDS = 5, 5, 4
PENALTIES = np.logspace(-3, 4, 15)  # of ridge regression
LENGTHS = (1.0, 2.0, 4.0)  # of the Gaussian process, times the root of the dimensions
NOISES = (0.1, 0.3, 1.0)  # its variance of noise, times the values'

# Training features (n, d) and values (n,) of mean 0, test features (m, d) -> predictions
# (settings, m), a row for each setting there is.
Model = Callable[[np.ndarray, np.ndarray, np.ndarray], np.ndarray]


@dataclass(frozen=True, slots=True)
class Score:
    """Over all networks, each predicted while its group was held out: the mean over the
    repeats, and of tau the standard deviation."""

    tau: float
    tau_deviation: float
    r: float
    rmse: float


def ridge(train: np.ndarray, values: np.ndarray, test: np.ndarray) -> np.ndarray:
    """Ridge regression with each of PENALTIES, from one singular value decomposition."""
    left, sizes, right = np.linalg.svd(train, full_matrices=False)
    shrunk = sizes / (sizes**2 + PENALTIES[:, None]) * (left.T @ values)
    return shrunk @ right @ test.T


def gaussian_process(train: np.ndarray, values: np.ndarray, test: np.ndarray) -> np.ndarray:
    """The mean of a Gaussian process with a squared-exponential kernel, for each of LENGTHS
    and NOISES, in single precision."""
    near, far = (
        cdist(rows, train, "sqeuclidean").astype(np.float32) for rows in (train, test)
    )
    values = values.astype(np.float32)
    found = []
    for length in LENGTHS:
        scale = np.float32(2 * length**2 * train.shape[1])
        kernel, towards = np.exp(-near / scale), np.exp(-far / scale)
        for noise in NOISES:
            noisy = kernel + noise * np.eye(len(kernel), dtype=np.float32)
            found.append(towards @ solve(noisy, values, assume_a="pos"))
    return np.stack(found)


MODELS: dict[str, Model] = {"ridge": ridge, "gaussian process": gaussian_process}


def score(features: np.ndarray, values: np.ndarray, groups: np.ndarray, model: Model) -> Score:
    """Features (n, d), values (n,) and groups (n,) -> how well ``model`` predicts."""
    found = np.array(
        [
            _agreement(predict(features, values, groups, model, repeat), values)
            for repeat in range(REPEATS)
        ]
    )
    tau, r, rmse = found.mean(axis=0).tolist()
    return Score(tau, float(found[:, 0].std(ddof=1)), r, rmse)


def predict(
    features: np.ndarray, values: np.ndarray, groups: np.ndarray, model: Model, seed: int
) -> np.ndarray:
    """Every value (n,) as predicted from networks of other groups."""
    predictions = np.full(len(values), np.nan)
    for train, test in deal_folds(groups, FOLDS, seed):
        losses = sum(
            ((_fit(model, features, values, train[a], train[b]) - values[train[b]]) ** 2).sum(
                1
            )
            for a, b in deal_folds(groups[train], INNER_FOLDS, seed)
        )
        best = np.argmin(losses)
        predictions[test] = _fit(model, features, values, train, test)[best]
    return predictions


def deal_folds(
    groups: np.ndarray, folds: int, seed: int
) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Rows to train on and rows to test, so that no group stands on both sides."""
    dealt = GroupKFold(folds, shuffle=True, random_state=seed)
    yield from dealt.split(groups, groups=groups)


def _fit(
    model: Model, features: np.ndarray, values: np.ndarray, train: np.ndarray, test: np.ndarray
) -> np.ndarray:
    """Predictions (settings, m) in the values' units; all is scaled by the training rows."""
    scaler = StandardScaler().fit(features[train])
    mean, deviation = values[train].mean(), values[train].std() or 1.0
    scaled = (values[train] - mean) / deviation
    found = model(scaler.transform(features[train]), scaled, scaler.transform(features[test]))
    return mean + deviation * found


def _agreement(predicted: np.ndarray, values: np.ndarray) -> tuple[float, float, float]:
    """Kendall's tau, Pearson's r, root mean square error; tau and r are 0 for a constant."""
    rmse = float(np.sqrt(np.mean((predicted - values) ** 2)))
    if np.ptp(predicted) == 0:
        return 0.0, 0.0, rmse
    tau = float(kendalltau(predicted, values).statistic)
    return tau, float(np.corrcoef(predicted, values)[0, 1]), rmse

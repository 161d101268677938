"""Prediction across groups: what is there is found, what is not is not, and no group leaks."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.gaussian_process import GaussianProcessRegressor
from sklearn.gaussian_process.kernels import RBF, WhiteKernel
from sklearn.linear_model import Ridge

from pipeline.evaluate.label_prediction import (
    FOLDS,
    LENGTHS,
    MODELS,
    NOISES,
    PENALTIES,
    deal_folds,
    gaussian_process,
    predict,
    ridge,
    score,
)

DRAW = np.random.default_rng(0)
FEATURES = DRAW.normal(size=(120, 3))
GROUPS = np.repeat(np.arange(20), 6)
LINEAR = FEATURES @ [1.0, -2.0, 0.5] + 7


def test_no_group_is_on_both_sides_and_all_are_tested_once() -> None:
    tested = []
    for train, test in deal_folds(GROUPS, FOLDS, 0):
        assert not set(GROUPS[train]) & set(GROUPS[test])
        tested += test.tolist()
    assert sorted(tested) == list(range(120))
    first, other = (next(deal_folds(GROUPS, FOLDS, seed))[1].tolist() for seed in (0, 1))
    assert first != other


@pytest.mark.parametrize("model", MODELS)
def test_a_linear_rule_is_found(model: str) -> None:
    found = score(FEATURES, LINEAR, GROUPS, MODELS[model])
    assert found.tau > 0.85
    assert found.r > 0.97


@pytest.mark.parametrize("model", MODELS)
def test_what_the_group_alone_tells_is_not_found(model: str) -> None:
    values = DRAW.normal(size=20)[GROUPS]  # one number a group, nothing of it in the features
    assert abs(score(DRAW.normal(size=(120, 3)), values, GROUPS, MODELS[model]).tau) < 0.35


def test_a_constant_feature_predicts_the_mean_of_the_others() -> None:
    found = predict(np.ones((120, 1)), LINEAR, GROUPS, ridge, 0)
    for train, test in deal_folds(GROUPS, FOLDS, 0):
        assert found[test] == pytest.approx(LINEAR[train].mean())


def test_ridge_is_scikit_learns() -> None:
    values = LINEAR - LINEAR[:100].mean()
    found = ridge(FEATURES[:100], values[:100], FEATURES[100:])
    for row, penalty in zip(found, PENALTIES, strict=True):
        known = Ridge(penalty, fit_intercept=False).fit(FEATURES[:100], values[:100])
        assert row == pytest.approx(known.predict(FEATURES[100:]), abs=1e-6)


def test_the_gaussian_process_is_scikit_learns() -> None:
    values = (LINEAR - LINEAR[:100].mean()) / LINEAR[:100].std()
    found = iter(gaussian_process(FEATURES[:100], values[:100], FEATURES[100:]))
    for length in LENGTHS:
        for noise in NOISES:
            kernel = RBF(length * 3**0.5) + WhiteKernel(noise)
            known = GaussianProcessRegressor(kernel, optimizer=None)
            known.fit(FEATURES[:100], values[:100])
            assert next(found) == pytest.approx(known.predict(FEATURES[100:]), abs=1e-3)

"""The label task: baselines and vectors on the same networks, in one table."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from pipeline.errors import DataError
from pipeline.evaluate.label_features import (
    codec_features,
    file_features,
    joined,
    operator_features,
    size_features,
)
from pipeline.evaluate.label_targets import Labelled
from pipeline.evaluate.labels import covariates, evaluate_labels

RESULTS = Path(__file__).parents[2] / "results/labels"
DRAW = np.random.default_rng(0)
NAMES = [f"f{n:02d}" for n in range(60)]
SIZES = DRAW.integers(10, 10_000, size=60)


@pytest.fixture
def tables() -> dict[str, pa.Table]:
    """Sixty networks of ten groups, whose accuracy follows their parameters."""
    labels = [
        {"fingerprint": name, "source": "timm", "data_set": "imagenet", "metric": "top1",
         "recipe": f"{name}.a1_in1k at 224", "value": 40 + 4 * float(np.log(size)),
         "resolution": 224}
        for name, size in zip(NAMES, SIZES, strict=True)
    ]  # fmt: skip
    nodes = [
        {"fingerprint": name, "operator": operator}
        for name in NAMES
        for operator in ("Input", "Conv", *["Relu"] * int(DRAW.integers(1, 9)), "Output")
    ]
    networks = {
        "fingerprint": NAMES, "parameters": SIZES, "macs": DRAW.permutation(SIZES),
        "vertices": DRAW.integers(3, 90, size=60),
    }  # fmt: skip
    return {
        "networks": pa.table(networks),
        "nodes": pa.Table.from_pylist(nodes),
        "labels": pa.Table.from_pylist(labels),
    }


def test_every_row_is_of_the_same_networks_and_says_what_it_was_given(tables) -> None:
    groups = {name: f"g{n % 10}" for n, name in enumerate(NAMES)}
    vectors = {name: DRAW.normal(size=4) for name in NAMES[:50]}
    rows = evaluate_labels(tables, groups, {"mine": vectors})["rows"]
    assert {(r["target"], r["networks"], r["groups"]) for r in rows} == {
        ("imagenet_top1", 50, 10)
    }
    tau = {(r["features"], r["circumstances"], r["model"]): r["tau"] for r in rows}
    assert tau["log parameters", False, "ridge"] > 0.98
    assert tau["mine + the three", False, "ridge"] > 0.9
    assert abs(tau["mine", False, "ridge"]) < 0.3
    assert ("nothing", False, "ridge") not in tau
    assert {name for name, *_ in tau} == {
        "nothing", "log parameters", "log macs", "log vertices", "the three",
        "operator counts", "random projection", "mine", "mine + the three",
    }  # fmt: skip


def test_circumstances_are_image_size_and_recipe() -> None:
    found = covariates(
        [Labelled(70, 224, "a"), Labelled(71, 288, "b"), Labelled(72, 288, "b")]
    )
    assert found.shape == (3, 3)
    assert found[:, 1:].tolist() == [[1, 0], [0, 1], [0, 1]]
    assert found[:, 0] == pytest.approx(np.log([224, 288, 288]))


def test_features_are_what_they_say(tables) -> None:
    assert size_features(tables["networks"])["the three"]["f00"].shape == (3,)
    counts = operator_features(tables["nodes"])
    assert counts["operator counts"]["f00"].shape == (4,)  # Conv, Input, Output, Relu
    assert counts["operator counts"]["f00"][0] == pytest.approx(np.log(2))
    assert counts["random projection"]["f00"].shape == (64,)
    both = joined({"a": np.ones(2), "b": np.ones(2)}, {"a": np.zeros(1)})
    assert {name: row.tolist() for name, row in both.items()} == {"a": [1, 1, 0]}


def test_anybodys_vectors_come_from_a_parquet_file(tmp_path) -> None:
    path = tmp_path / "theirs.parquet"
    pq.write_table(pa.table({"fingerprint": ["a", "b"], "vector": [[1.0, 2], [3, 4]]}), path)
    assert file_features(path)["b"].tolist() == [3, 4]
    for wrong in (
        pa.table({"fingerprint": ["a", "b"], "vector": [[1.0], [3, 4]]}),
        pa.table({"fingerprint": ["a"], "vector": [[float("nan")]]}),
        pa.table({"name": ["a"]}),
    ):
        pq.write_table(wrong, path)
        with pytest.raises(DataError, match=r"theirs\.parquet: no Parquet file of"):
            file_features(path)
    with pytest.raises(DataError, match="none\\.parquet"):
        file_features(tmp_path / "none.parquet")


def test_a_codec_without_vectors_is_refused() -> None:
    known = pa.table({"codec": ["x"], "fingerprint": ["a"], "smooth": [[1.0]]})
    assert codec_features(known, "x")["a"].tolist() == [1.0]
    with pytest.raises(DataError, match="no vectors of y: there are those of x"):
        codec_features(known, "y")


def test_committed_baselines_are_near_those_known() -> None:
    paths = sorted(RESULTS.glob("*.json"))
    assert paths
    for path in paths:
        rows = json.loads(path.read_text())["rows"]
        top5 = {
            r["features"]: r["tau"]
            for r in rows
            if (r["target"], r["circumstances"], r["model"])
            == ("imagenet_top5", False, "ridge")
        }
        assert top5["log parameters"] == pytest.approx(0.56, abs=0.03)
        assert top5["log macs"] == pytest.approx(0.52, abs=0.03)
        assert top5["log vertices"] == pytest.approx(0.35, abs=0.06)

"""Table 2's file: what is trained, what is kept, what is proved, and what is said of it."""

from pathlib import Path

import pytest
import torch
from torch import nn

from pipeline.errors import DataError
from pipeline.evaluate import table2
from pipeline.evaluate.retrain_params import RetrainParams
from pipeline.evaluate.table2 import Variant, compare, read_results, render_table2, run_table2

PARAMS = RetrainParams(
    train_images=100, test_images=100, test_images_each_epoch=50, image_size=8, epochs=3,
    seeds=(0, 1), device="cpu",
)  # fmt: skip


def make(seed: int) -> nn.Module:
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        return nn.Sequential(nn.Flatten(), nn.Linear(192, 16), nn.ReLU(), nn.Linear(16, 10))


SAME, OTHER = Variant(make, "a"), Variant(lambda seed: make(seed + 10), "b")


@pytest.fixture(autouse=True)
def _small_original(monkeypatch):
    monkeypatch.setattr(table2, "make_original", lambda network, classes, seed: make(seed))


def run(folder: Path, variants: dict, params: RetrainParams = PARAMS) -> dict:
    return run_table2("net", "a", variants, params, folder, folder / "checkpoints")


def test_the_same_network_has_no_gap_and_another_its_own(tmp_path: Path):
    results = run(tmp_path, {"without_compression": SAME, "codec": OTHER})
    assert results["variants"] == ["original", "without_compression", "codec"]
    same, other = results["without_compression"], results["codec"]
    assert same["fingerprint_equal"]
    assert same["max_loss_difference"] == 0.0
    assert same["accuracies"] == results["original"]["accuracies"]
    assert same["proved_epochs"] == {"0": None, "1": None}
    assert not other["fingerprint_equal"]
    assert other["max_loss_difference"] > 0
    rows = render_table2(results)
    assert [row["gap"] for row in rows[:2]] == ["+0.00", "+0.00"]
    assert [row["fingerprint"] for row in rows] == ["equal", "equal", "differs"]


def test_finished_runs_are_kept_and_a_changed_network_is_trained_anew(tmp_path, capsys):
    run(tmp_path, {"codec": OTHER})
    before = (tmp_path / "net.json").read_bytes()
    capsys.readouterr()
    run(tmp_path, {"codec": OTHER})
    assert capsys.readouterr().err == ""
    assert (tmp_path / "net.json").read_bytes() == before
    run(tmp_path, {"codec": Variant(OTHER.make, "c")})
    said = capsys.readouterr().err
    assert "codec, seed 0" in said
    assert "original" not in said


def test_a_further_seed_is_added_and_another_recipe_starts_over(tmp_path, capsys):
    run(tmp_path, {})
    capsys.readouterr()
    more = run(tmp_path, {}, PARAMS.model_copy(update={"seeds": (0, 1, 2)}))
    assert "seed 1" not in capsys.readouterr().err
    assert more["seeds"] == [0, 1, 2]
    fewer = run(tmp_path, {}, PARAMS.model_copy(update={"lr": 0.01, "seeds": (0,)}))
    assert fewer["seeds"] == [0]


def test_an_interrupted_run_loses_no_finished_one(tmp_path: Path):
    def fail(seed: int) -> nn.Module:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        run(tmp_path, {"without_compression": SAME, "codec": Variant(fail, "b")})
    assert read_results(tmp_path / "net.json")["variants"] == [
        "original",
        "without_compression",
    ]


def test_proof_by_curve_says_so_and_refuses_what_differs(tmp_path: Path, capsys):
    params = PARAMS.model_copy(update={"prove_by_curve": 1})
    liar = Variant(OTHER.make, "a")  # claims the fingerprint, computes something else
    results = run(tmp_path, {"same": SAME, "liar": liar}, params)
    assert results["same"]["proved_epochs"] == {"0": 1, "1": 1}
    assert results["same"]["accuracies"] == results["original"]["accuracies"]
    assert results["liar"]["proved_epochs"] == {"0": None, "1": None}
    assert results["liar"]["max_loss_difference"] > 0
    said = capsys.readouterr().err
    assert "same, seed 0: epoch 2/3" not in said
    assert "liar, seed 0: epoch 3/3" in said


def test_the_paired_test():
    before = {"0": 0.5, "1": 0.6, "2": 0.7}
    assert compare(before, before)["reason"] == "n/a: all differences are 0"
    worse = compare(before, {"0": 0.41, "1": 0.5, "2": 0.61})
    assert worse["p"] < 0.01
    assert worse["statistic"] < 0


def test_a_damaged_file_is_named(tmp_path: Path):
    (tmp_path / "net.json").write_text("{")
    with pytest.raises(DataError, match=r"net\.json: damaged"):
        run(tmp_path, {})

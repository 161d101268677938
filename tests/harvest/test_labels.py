"""Who measured what: every source's numbers, as they state them."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from hashlib import sha256
from pathlib import Path
from typing import get_args

import pytest
from servers import serve_folder

from pipeline.errors import ModelError
from pipeline.harvest.download import Downloads
from pipeline.harvest.labels import Measurement, fetch_labels, label_source, read_all_labels
from pipeline.harvest.nasbench201 import CELLS, EDGES, address_of, cell_of, number_of
from pipeline.harvest.params import LabelSourceName

COPIES = Path(__file__).parents[3] / "shared" / "data"
NAMES = get_args(LabelSourceName)
needs_copies = pytest.mark.skipif(
    not COPIES.exists(), reason="the measured tables are not here"
)


@pytest.fixture(scope="module")
def measured(tmp_path_factory) -> dict[str, list[Measurement]]:
    """The measurements of every source, from copies of its files."""
    downloads = Downloads(tmp_path_factory.mktemp("kept"), COPIES, online=False)
    return {name: list(label_source(name).read_labels(downloads)) for name in NAMES}


def by_recipe(found: list[Measurement], recipe: str) -> dict[tuple[str, str], float]:
    return {(m.data_set, m.metric): m.value for m in found if m.recipe == recipe}


def test_libraries_state_theirs_without_a_file(tmp_path) -> None:
    names = ("torchvision_weights", "pytorchcv_errors")
    found, absent = read_all_labels(names, Downloads(tmp_path, online=False))
    assert not absent
    assert by_recipe(found, "resnet50.IMAGENET1K_V2") == {
        ("imagenet", "top1"): 80.858,
        ("imagenet", "top5"): 95.434,
    }
    assert by_recipe(found, "alexnet.v0.0.481") == {("imagenet", "top5"): 83.36}
    (svhn,) = [m for m in found if m.recipe.startswith("resnet20_svhn.")]
    assert (svhn.address, svhn.data_set) == ("pytorchcv://resnet20_cifar10", "svhn")
    assert svhn.metric == "top1"


@needs_copies
def test_every_source_states_what_its_files_hold(measured) -> None:
    counts = Counter((m.source, m.metric) for found in measured.values() for m in found)
    assert counts["timm", "top1"] == counts["timm", "top5"] == 1556
    assert counts["timm", "latency_ms"] == 1435
    assert counts["nasbench201", "top1"] == 6 * CELLS
    assert counts["nasbench201", "top1_valid"] == 3 * CELLS
    assert counts["nasbench_macro", "top1"] == 3 * 6561
    assert counts["enas6", "top1"] == 20_020


@needs_copies
def test_values_are_the_sources_own(measured) -> None:
    timm = by_recipe(measured["timm_results"], "resnet18.a1_in1k at 288")
    assert timm == {("imagenet", "top1"): 73.164, ("imagenet", "top5"): 91.054}
    last = by_recipe(measured["nasbench201"], "cell 0, 200 epochs")
    assert last["cifar10", "top1"] == 85.8633
    first = by_recipe(measured["nasbench201"], "cell 0, 12 epochs")
    assert first["cifar10", "top1_valid"] == 63.364
    assert by_recipe(measured["enas6"], "row 0, shared weights") == {
        ("cifar10", "top1"): 73.02
    }


@needs_copies
@pytest.mark.parametrize("name", NAMES)
def test_a_number_has_one_place_and_a_plausible_value(measured, name) -> None:
    found = measured[name]
    keys = {(m.address, m.source, m.data_set, m.metric, m.recipe) for m in found}
    assert len(keys) == len(found) > 0
    for m in found:
        assert 0 < m.value <= (100 if m.metric.startswith("top") else float("inf")), m
        assert m.licence


@needs_copies
def test_the_best_cell_of_201_is_the_best_known(measured) -> None:
    final = {
        m.address: m.value
        for m in measured["nasbench201"]
        if (m.data_set, m.epochs) == ("cifar10", 200)
    }
    assert len(final) == CELLS
    assert max(final.values()) == 94.3733


def test_a_cell_is_spelled_and_numbered() -> None:
    spelling = (
        "|avg_pool_3x3~0|+|nor_conv_1x1~0|skip_connect~1|+|none~0|none~1|nor_conv_3x3~2|"
    )
    number = number_of(spelling)
    assert number == sum(digit * 5**i for i, digit in enumerate((4, 2, 1, 0, 0, 3)))
    assert set(cell_of(number)) == {(0, 1), (0, 2), (1, 2), (2, 3)}
    assert set(cell_of(CELLS - 1)) == set(EDGES)
    assert address_of(number) == f"nasbench201://n5c16/{number:05d}"


@pytest.mark.parametrize(
    "spelling", ["", "|none~0|", "|none~0|+|x~0|none~1|+|none~0|none~1|y~2|"]
)
def test_what_is_no_cell_is_refused(spelling) -> None:
    with pytest.raises(ModelError, match="malformed"):
        number_of(spelling)


def test_files_come_over_http_and_those_that_do_not_are_named(tmp_path, monkeypatch) -> None:
    from pipeline.harvest.labels import enas6, nasbench_macro

    (tmp_path / "served").mkdir()
    content = b'{"00000000": {"test_acc": [80.5, 81, 82.25], "flops": 7}}'
    (tmp_path / "served/macro.json").write_bytes(content)
    with serve_folder(tmp_path / "served") as server:
        for module, file in ((nasbench_macro, "macro.json"), (enas6, "none.txt")):
            here = replace(module.ROWS, address=f"{server.address}/{file}", file=file)
            if module is nasbench_macro:
                here = replace(here, sha256=sha256(content).hexdigest())
            monkeypatch.setattr(module, "ROWS", here)
            monkeypatch.setattr(module, "DOWNLOADS", (here,))
        names = ("nasbench_macro", "enas6")
        refused = fetch_labels(names, Downloads(tmp_path / "kept"))
    assert list(refused) == ["none.txt"]
    assert "HTTP 404" in refused["none.txt"]
    found, absent = read_all_labels(names, Downloads(tmp_path / "kept", online=False))
    assert [(m.metric, m.value) for m in found] == [
        ("top1", 80.5), ("top1", 81.0), ("top1", 82.25), ("flops", 7.0),
    ]  # fmt: skip
    assert list(absent) == ["enas6"]

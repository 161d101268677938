"""Which labels are to be predicted."""

from __future__ import annotations

import pytest

from pipeline.evaluate.label_targets import (
    TARGETS,
    recipe_of,
    select_labels,
    trained_on_imagenet_alone,
)

TOP5, TOP1, LATENCY = TARGETS


def label(fingerprint: str, source: str, recipe: str, value: float, metric: str = "top1"):
    data_set = "none" if metric == "latency_ms" else "imagenet"
    return {"fingerprint": fingerprint, "source": source, "recipe": recipe, "value": value,
            "metric": metric, "data_set": data_set, "resolution": 224}  # fmt: skip


@pytest.mark.parametrize(
    ("source", "recipe", "alone"),
    [
        ("timm", "resnet18.a1_in1k at 288", True),
        ("timm", "convnextv2_atto.fcmae_ft_in1k at 224", True),
        ("timm", "convnext_base.fb_in22k_ft_in1k at 224", False),
        ("timm", "tf_efficientnet_b0.ns_jft_in1k at 224", False),
        ("timm", "resnet18.fb_swsl_ig1b_ft_in1k at 224", False),
        ("timm", "test_resnet.r160_in1k at 160", False),
        ("torchvision", "resnet50.IMAGENET1K_V1", True),
        ("torchvision", "resnet50.IMAGENET1K_V2", False),
        ("torchvision", "regnet_y_16gf.IMAGENET1K_SWAG_E2E_V1", False),
        ("pytorchcv", "alexnet.v0.0.481", True),
    ],
)
def test_what_has_seen_other_images_is_left_out(source, recipe, alone) -> None:
    assert trained_on_imagenet_alone(label("f", source, recipe, 70)) is alone


def test_the_recipe_is_named_apart_from_the_network() -> None:
    assert recipe_of(label("f", "timm", "resnet18.a1_in1k at 288", 70)) == "timm a1_in1k"
    assert recipe_of(label("f", "pytorchcv", "alexnet.v0.0.481", 70)) == "pytorchcv"
    found = label("f", "torchvision", "resnet18.IMAGENET1K_V1", 70)
    assert recipe_of(found) == "torchvision IMAGENET1K_V1"


def test_of_several_labels_of_a_network_the_best_counts() -> None:
    rows = [
        label("a", "timm", "net.a1_in1k at 224", 70),
        label("a", "timm", "net.a1_in1k at 288", 72),
        label("a", "timm", "net.a2_in1k at 224", 71),
        label("a", "timm", "net at 224, a machine", 9.0, "latency_ms"),
        label("a", "timm", "net at 288, a machine", 20.0, "latency_ms"),
        label("b", "pytorchcv", "net.v1", 90, "top5"),
    ]
    assert {f: found.value for f, found in select_labels(TOP1, rows).items()} == {"a": 72}
    assert {f: found.value for f, found in select_labels(TOP5, rows).items()} == {"b": 90}
    (fastest,) = select_labels(LATENCY, rows).values()
    assert fastest.value == pytest.approx(2.1972, abs=1e-4)


def test_a_rare_recipe_is_other() -> None:
    rows = [label(f"f{n}", "timm", f"net{n}.a1_in1k at 224", 70) for n in range(10)]
    rows.append(label("rare", "timm", "net.a9_in1k at 224", 70))
    found = select_labels(TOP1, rows)
    assert {found[f].recipe for f in found if f != "rare"} == {"timm a1_in1k"}
    assert found["rare"].recipe == "other"

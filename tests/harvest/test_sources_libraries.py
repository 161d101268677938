"""Sources that stand in installed packages, and the families that relatives share."""

from __future__ import annotations

from collections import Counter

import pytest

from pipeline.harvest.candidate import Candidate
from pipeline.harvest.families import family_of
from pipeline.harvest.params import Library
from pipeline.harvest.sources import Source, source_named


def fetch_operators(source: Source, name: str) -> Counter[str]:
    section = Library(names=(name,))
    (candidate,) = source.list_candidates(section)
    return Counter(n.op_type for n in source.fetch(candidate, section).skeleton.graph.node)


def listed(source: str) -> list[Candidate]:
    return list(source_named(source).list_candidates(Library()))


def test_the_wheel_holds_nine_graphs() -> None:
    names = {candidate.name for candidate in listed("onnx_wheel")}
    assert len(names) == 9
    assert {"alexnet", "resnet50", "densenet121"} <= names


def test_the_wheel_is_read() -> None:
    operators = fetch_operators(source_named("onnx_wheel"), "resnet50")
    assert operators["Conv"] == 53


def test_torchvision_lists_its_convolutional_classifiers() -> None:
    names = {candidate.name for candidate in listed("torchvision_zoo")}
    assert len(names) == 68
    assert not any(name.startswith(("vit", "swin", "maxvit")) for name in names)


def test_resnet18_keeps_its_batch_normalisation() -> None:
    operators = fetch_operators(source_named("torchvision_zoo"), "resnet18")
    assert operators["BatchNormalization"] == operators["Conv"] == 20
    assert (operators["Add"], operators["Gemm"]) == (8, 1)


def test_alexnet_keeps_its_dropout() -> None:
    operators = fetch_operators(source_named("torchvision_zoo"), "alexnet")
    assert (operators["Dropout"], operators["Gemm"], operators["Conv"]) == (2, 3, 5)


@pytest.mark.parametrize(("source", "least"), [("timm_zoo", 600), ("pytorchcv_zoo", 540)])
def test_larger_libraries_list_classifiers(source: str, least: int) -> None:
    candidates = listed(source)
    assert len({candidate.address for candidate in candidates}) == len(candidates) >= least
    assert all(candidate.version for candidate in candidates)


@pytest.mark.parametrize(
    ("source", "name"), [("timm_zoo", "resnet18"), ("pytorchcv_zoo", "resnet18")]
)
def test_larger_libraries_are_exported(source: str, name: str) -> None:
    assert fetch_operators(source_named(source), name)["BatchNormalization"] == 20


@pytest.mark.parametrize(
    ("family", "names"),
    [
        ("resnet", ("resnet18", "resnet50d", "wide_resnet50_2", "resnetd50b", "wrn50_2")),
        ("resnet", ("resnet20_cifar10", "gluon_resnet50_v1c", "resnetbc14b", "resnetblur50")),
        ("alexnet", ("alexnet", "alexnetb", "light_bvlc_alexnet")),
        ("vgg", ("vgg11", "vgg16_bn", "bn_vgg19b")),
        ("resnext", ("resnext50_32x4d", "resnext14_16x4d")),
        ("regnet", ("regnet_x_16gf", "regnetx002", "regnety_160")),
        ("efficientnet", ("efficientnet_b0", "tf_efficientnetv2_s", "efficientnet_v2_l")),
        ("inception", ("googlenet", "inception_v3", "inceptionv4")),
        ("mobilenetv3", ("mobilenet_v3_small", "mobilenetv3_large_100")),
        ("convnext", ("convnext_tiny", "convnextv2_tiny")),
        ("preresnet", ("resnetv2_50", "preresnet18")),
    ],
)
def test_relatives_share_a_family(family: str, names: tuple[str, ...]) -> None:
    assert {family_of(name) for name in names} == {family}

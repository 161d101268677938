"""Every network's design, by name."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest

from pipeline.tables.groups import FAMILIES, SAMPLED, group_of, kind_of
from pipeline.tables.read import read_table

ZOO = Path(__file__).parents[2] / "datasets/zoo"

RESNETS = """
    resnet18 cbam_resnet18 bat_resnext26ts skresnet50 sknet101 nf_resnet50 resnest50d
    resnesta18 res2net50d res2next50 ror3_56_cifar10 rir_cifar10 wrn28_10_cifar10
    wide_resnet50_2 seresnet50 legacy_seresnext26_32x4d senet154 legacy_senet154 resnetv2_50
    preresnet18 wrn20_10_1bit_cifar10 diapreresnet10 ibnb_resnet50 gcresnet50t
    ecaresnetlight tresnet_m dm_nfnet_f0 octresnet10_ad2 pyramidnet110_a48_cifar10
    cspresnet50 cspresnext50 inception_resnet_v2 dla60_res2net drnd22 bagnet9 ntsnet_cub
    airnext50_32x4d_r2 scnet50 resattnet56 shakedropresnet20_cifar10 test_resnet
    squeezeresnet_v1_0
"""


@pytest.mark.parametrize("name", RESNETS.split())
def test_a_relative_of_resnet_is_one_whatever_its_name(name: str) -> None:
    assert group_of(name) == "resnet"


@pytest.mark.parametrize(
    ("name", "group"),
    [
        ("alexnetb", "alexnet"),
        ("zfnet512", "alexnet"),
        ("efficientnet_b0", "mobilenet"),
        ("tf_mobilenetv3_small_100", "mobilenet"),
        ("nf_regnet_b0", "regnet"),
        ("cspdarknet53", "darknet"),
        ("cs3sedarknet_l", "darknet"),
        ("dla60", "dla"),
        ("inception_next_tiny", "convnext"),
        ("squeezenet1_1", "squeezenet"),
        ("sqnxt23_w1", "squeezenet"),
        ("nasbench101_01.12-0", "nasbench101"),
        ("nasbench201_00230", "nasbench201"),
        ("somebody_elses_net", "somebody"),
    ],
)
def test_groups_of_other_designs(name: str, group: str) -> None:
    assert group_of(name) == group


def test_no_family_stands_in_two_groups() -> None:
    counts = Counter(family for families in FAMILIES.values() for family in families.split())
    assert counts.most_common(1)[0][1] == 1


def test_every_family_that_a_group_names_is_in_the_zoo() -> None:
    families = set(read_table(ZOO / "tables", "networks").column("family").to_pylist())
    assert not {f for names in FAMILIES.values() for f in names.split()} - families


def test_kinds_of_the_zoo() -> None:
    names = read_table(ZOO / "tables", "networks").column("name").to_pylist()
    assert Counter(map(kind_of, names)) == {"real": 1143, "real_small": 210, "sampled": 566}
    assert kind_of("resnet20_cifar10") == kind_of("ntsnet_cub") == "real_small"
    assert {kind_of(space) for space in SAMPLED} == {"sampled"}

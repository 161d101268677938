"""Which design a network holds: what the split into training and test goes by.

A group is wider than a family (:mod:`pipeline.harvest.families`): all that its authors present
as one design with something changed, whatever its name. A hybrid belongs to ResNet when one of
its parents does, since ResNet is what the test set is about: Inception-ResNet, CSPResNet and
DLA with Res2Net's blocks are its relatives.
"""

from __future__ import annotations

import re
from typing import Literal

from pipeline.harvest.families import family_of

Kind = Literal["real", "real_small", "sampled"]

# Group -> its families. A family that no line names is a group of its own.
FAMILIES: dict[str, str] = {
    "resnet": (
        "resnet resnext preresnet seresnet sepreresnet fastseresnet senet sknet "
        "attention_resnet bam bat cbam diaresnet ibn_resnet airnet scnet res2net resnest "
        "resattnet resdropresnet shakedropresnet shakeshakeresnet rir ror wrn_1bit pyramidnet "
        "octresnet bagnet drn tresnet ntsnet nfnet inception_resnet polynet"
    ),
    "alexnet": "alexnet zfnet",
    "convnext": "convnext inception_next",
    "darknet": "darknet cspnet",
    "densenet": "densenet ibn_densenet condensenet sparsenet peleenet hardnet rdnet",
    "metaformer": "poolformer convformer",
    "mobilenet": "mobilenet mobilenetv3 mobilenetv4 mnasnet efficientnet rexnet igc gc",
    "nasnet": "nasnet darts",
    "shufflenet": "shufflenet shufflenetv2 menet",
    "vovnet": "vovnet hgnet",
}
# Names whose design is not their family's; first match wins.
NAMES: tuple[tuple[str, str], ...] = (
    (r"nf_regnet", "regnet"),
    (r"cspresne[xt]|dla\d+_res2ne[xt]|squeezeresnet", "resnet"),
)
GROUP = {family: group for group, names in FAMILIES.items() for family in names.split()}

# Networks that nobody designed: cells of a search space, draws. Each space is one group.
SAMPLED = frozenset({"nasbench101", "nasbench201", "nasbench_macro", "enas6", "random_cnn"})
# Sets of small images that a name ends in; the other real networks are made for ImageNet.
SMALL_IMAGES = re.compile(r"_(cifar10|cifar100|svhn|cub)$")


def group_of(name: str) -> str:
    """``"cbam_resnet18"`` -> ``"resnet"``: the design that a network of that name holds."""
    lowered = name.lower()
    for space in SAMPLED:
        if lowered.startswith(space):
            return space
    for pattern, group in NAMES:
        if re.match(pattern, lowered):
            return group
    family = family_of(name)
    return GROUP.get(family, family)


def kind_of(name: str) -> Kind:
    """``"real"`` (ImageNet's scale), ``"real_small"`` (small images: CIFAR, SVHN, CUB) or
    ``"sampled"``: the three are always reported apart."""
    if group_of(name) in SAMPLED:
        return "sampled"
    return "real_small" if SMALL_IMAGES.search(name) else "real"

"""Which models are variants of one another: one name per family, whatever the source."""

from __future__ import annotations

import re

# What a source, a training recipe or a test set adds to a name, and no architecture.
DECORATION = re.compile(r"^((tf|gluon|legacy|test|light|bvlc|bn)_+)+")

# Names without separators, first match wins. What no rule knows is called by the letters it
# starts with: densenet121 -> densenet, starnet_s1 -> starnet.
RULES: tuple[tuple[str, str], ...] = (
    (r"inceptionresnet", "inception_resnet"),
    (r"inceptionnext", "inception_next"),
    (r"(bn)?inception|googlenet", "inception"),
    (r"wrn.*1bit", "wrn_1bit"),
    (r"wrn|wideresnet", "resnet"),
    (r"resnetv2|preresnet", "preresnet"),
    (r"sepreresnet", "sepreresnet"),
    (r"resnetrs|seresne", "seresnet"),
    (r"(eca|gc|gce)resne", "attention_resnet"),
    (r"sk(net|resne)", "sknet"),
    (r"dia(pre)?resnet", "diaresnet"),
    (r"ibnb?resne", "ibn_resnet"),
    (r"ibndensenet", "ibn_densenet"),
    (r"(effnet|mixnet)", "efficientnet"),
    (r"(fbnetv3|lcnet|tinynet|hardcorenas|mobilenetv3)", "mobilenetv3"),
    (r"mobilenetv4", "mobilenetv4"),
    (r"(fd)?mobilenet", "mobilenet"),
    (r"(semnasnet|spnasnet|proxylessnas|fbnet|singlepath|mnasnet)", "mnasnet"),
    (r"shufflenetv2", "shufflenetv2"),
    (r"(squeezeresnet|sqnxt)", "squeezenet"),
    (r"(cs3|csp)", "cspnet"),
    (r"(dm|eca)?nf(net|resnet|regnet|ecaresnet|seresnet)", "nfnet"),
    (r"(ese|eca)?vovnet", "vovnet"),
    (r"p?nasnet", "nasnet"),
    (r"repghostnet", "ghostnet"),
    (r"airne[xt]", "airnet"),
    (r"res2ne[xt]", "res2net"),
    (r"(se)?darknet", "darknet"),
    (r"drn[cd]", "drn"),
)

# A variant's or version's letters that stick to the family's name: regnety, convnextv2.
STUCK = re.compile(
    r"^(resnet|densenet|regnet|alexnet|zfnet|resnest|scnet|rexnet|jasper)(a|b|c|d|r|x|y|z|v|dr|aa|bc|"
    r"abc|blur)$|v$"
)


def family_of(name: str) -> str:
    """``"wide_resnet50_2"`` -> ``"resnet"``: the family of a model with that name."""
    lowered = name.lower()
    bare = DECORATION.sub("", lowered)
    compact = re.sub(r"[^a-z0-9]", "", bare)
    for pattern, family in RULES:
        if re.match(pattern, compact):
            return family
    letters = re.search(r"[a-z]+", bare)
    return STUCK.sub(r"\1", letters[0]) if letters else "unknown"

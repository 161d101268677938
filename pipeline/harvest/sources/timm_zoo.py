"""timm's convolutional classifiers, exported from its own modules."""

from __future__ import annotations

import re
from collections.abc import Iterator

import timm
import torch

from pipeline.harvest.candidate import Candidate, Fetched
from pipeline.harvest.export import export_fetched, refused, uninitialised
from pipeline.harvest.families import family_of
from pipeline.harvest.params import Library
from pipeline.harvest.sources import versions_of, wanted

SCHEME = "timm://"

# timm's modules whose models are built of convolutions. The others hold transformers, MLPs
# and hybrids of them; what few hybrids stand in these modules, ATTENTION names.
MODULES = (
    *("byobnet", "convmixer", "convnext", "cspnet", "cspnext", "densenet", "dla", "dpn"),
    *("efficientnet", "fasternet", "fastvit", "focalnet", "ghostnet", "hardcorenas", "hgnet"),
    *("hrnet", "inception_next", "inception_resnet_v2", "inception_v3", "inception_v4"),
    *("lcnetv2", "mambaout", "metaformer", "mobilenetv3", "nasnet", "nfnet", "pnasnet"),
    *("rdnet", "regnet", "repghost", "repvit", "res2net", "resnest", "resnet", "resnetv2"),
    *("rexnet", "selecsls", "senet", "sknet", "starnet", "tresnet", "vgg", "vovnet"),
    *("xception", "xception_aligned"),
)
ATTENTION = re.compile(r"caformer|fastvit_(sa|ma|mci)|botnet|halo|lambda|_bat_|hybrid")


def list_candidates(params: Library) -> Iterator[Candidate]:
    """Every convolutional classifier of the installed version, by name."""
    versions = versions_of("torch", "timm")
    present = set(timm.list_modules())
    named = {name for m in MODULES if m in present for name in timm.list_models(module=m)}
    for name in sorted(named):
        if not ATTENTION.search(name) and wanted(name, params.names):
            yield Candidate(
                source="timm_zoo",
                address=SCHEME + name,
                name=name,
                family=family_of(name),
                licence="Apache-2.0",
                version=versions,
            )


def fetch(candidate: Candidate, params: Library) -> Fetched:
    """Build and export one at its own image size; ModelError as for exporting."""
    name = candidate.address.removeprefix(SCHEME)
    try:
        with uninitialised():
            module = timm.create_model(name, pretrained=False, exportable=True)
    except Exception as error:  # a library's constructor may raise anything
        raise refused(error) from error
    configuration = timm.get_pretrained_cfg(name)
    shape = configuration.input_size if configuration else (3, 224, 224)
    return export_fetched(module, torch.zeros(1, *shape))

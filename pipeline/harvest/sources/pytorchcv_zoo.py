"""pytorchcv's convolutional classifiers, exported from its own modules."""

from __future__ import annotations

import re
from collections.abc import Iterator

import torch
from pytorchcv.model_provider import _models, get_model

from pipeline.harvest.candidate import Candidate, Fetched
from pipeline.harvest.export import export_fetched, refused, uninitialised
from pipeline.harvest.families import family_of
from pipeline.harvest.params import Library
from pipeline.harvest.sources import versions_of, wanted

SCHEME = "pytorchcv://"

# No image classifiers: segmentation, detection, pose, speech, flow, faces, upscaling.
OTHER_TASKS = re.compile(
    r"_(coco|voc|ade20k|cityscapes|celebamaskhq|cmupan|widerface)$"
    r"|^(jasper|quartznet|raft|propainter|prnet|pfpcnet|voca|nvpattexp|visemenet)"
    r"|^(superpointnet|espcnet|lffd)"
)
# The same networks as for CIFAR-10 and CIFAR-100, but for the images they are meant for.
REPEATED = re.compile(r"_svhn$")


def list_candidates(params: Library) -> Iterator[Candidate]:
    """Every image classifier of the installed version, by name."""
    versions = versions_of("torch", "pytorchcv")
    for name in sorted(_models):
        other = OTHER_TASKS.search(name) or REPEATED.search(name)
        if not other and wanted(name, params.names):
            yield Candidate(
                source="pytorchcv_zoo",
                address=SCHEME + name,
                name=name,
                family=family_of(name),
                licence="MIT",
                version=versions,
            )


def fetch(candidate: Candidate, params: Library) -> Fetched:
    """Build and export one at its own image size; ModelError as for exporting."""
    name = candidate.address.removeprefix(SCHEME)
    try:
        with uninitialised():
            module = get_model(name, pretrained=False)
        size = getattr(module, "in_size", (224, 224))
    except Exception as error:  # a library's constructor may raise anything
        raise refused(error) from error
    return export_fetched(module, torch.zeros(1, 3, *size))

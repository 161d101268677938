"""torchvision's convolutional classifiers, exported from its own modules."""

from __future__ import annotations

import re
from collections.abc import Iterator

import torch
import torchvision

from pipeline.harvest.candidate import Candidate, Fetched
from pipeline.harvest.export import export_fetched, refused, uninitialised
from pipeline.harvest.families import family_of
from pipeline.harvest.params import Library
from pipeline.harvest.sources import versions_of, wanted

SCHEME = "torchvision://"
ATTENTION = re.compile(r"^(vit|swin|maxvit)_")  # all others are convolutional

# Auxiliary heads only exist in training; initialising these two by hand takes minutes.
ARGUMENTS: dict[str, dict[str, bool]] = {
    "googlenet": {"aux_logits": False, "init_weights": False},
    "inception_v3": {"aux_logits": False, "init_weights": False},
}
SIZES = {"inception_v3": 299}  # pixels a side; 224 for all others


def list_candidates(params: Library) -> Iterator[Candidate]:
    """Every convolutional classifier of the installed version, by name."""
    versions = versions_of("torch", "torchvision")
    for name in sorted(torchvision.models.list_models(module=torchvision.models)):
        if not ATTENTION.match(name) and wanted(name, params.names):
            yield Candidate(
                source="torchvision_zoo",
                address=SCHEME + name,
                name=name,
                family=family_of(name),
                licence="BSD-3-Clause",
                version=versions,
            )


def fetch(candidate: Candidate, params: Library) -> Fetched:
    """Build and export one; ModelError as for exporting."""
    name = candidate.address.removeprefix(SCHEME)
    size = SIZES.get(name, 224)
    try:
        with uninitialised():
            module = torchvision.models.get_model(
                name, weights=None, **ARGUMENTS.get(name, {})
            )
    except Exception as error:  # a library's constructor may raise anything
        raise refused(error) from error
    return export_fetched(module, torch.zeros(1, 3, size, size))

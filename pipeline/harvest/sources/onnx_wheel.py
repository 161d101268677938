"""Real ONNX Model Zoo graphs that the ``onnx`` package carries; no network needed.

Their weights are made by ConstantOfShape nodes (the "light" models of the ONNX backend tests).
"""

from __future__ import annotations

import hashlib
import io
from collections.abc import Iterator
from pathlib import Path

import onnx.backend.test

from pipeline.harvest.candidate import Candidate, Fetched
from pipeline.harvest.families import family_of
from pipeline.harvest.params import Library
from pipeline.harvest.sources import versions_of, wanted
from pipeline.weightless.skeleton import read_skeleton

SCHEME = "onnx-wheel://"
FOLDER = Path(onnx.backend.test.__file__).parent / "data" / "light"


def list_candidates(params: Library) -> Iterator[Candidate]:
    """The models of the installed package, by name."""
    for path in sorted(FOLDER.glob("light_*.onnx")):
        name = path.stem.removeprefix("light_").removeprefix("bvlc_")
        if wanted(name, params.names):
            yield Candidate(
                source="onnx_wheel",
                address=SCHEME + path.name,
                name=name,
                family=family_of(name),
                licence="Apache-2.0",
                version=versions_of("onnx"),
            )


def fetch(candidate: Candidate, params: Library) -> Fetched:
    """Read one file."""
    content = (FOLDER / candidate.address.removeprefix(SCHEME)).read_bytes()
    digest = "sha256:" + hashlib.sha256(content).hexdigest()
    return Fetched(read_skeleton(io.BytesIO(content)), digest, len(content))

"""The small zoo, registered."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from small_tables import write_small_zoo
from small_zoo import ZOO

from pipeline.registry.card import About
from pipeline.registry.manifest import Manifest
from pipeline.registry.register import register
from pipeline.tables.quality import Bounds

ABOUT = About(
    title="A small zoo",
    description="Networks made by hand.",
    licence="MIT",
    how_made="By a test.",
    known_limits=("It is small.",),
    creators=("The testers",),
    url="https://example.org/zoo",
    sources={"hand": "written by hand"},
)
ANY = Bounds(least=0, most=100)


def register_small_zoo(folder: Path, names: Iterable[str] = tuple(ZOO)) -> Manifest:
    """Write FOLDER/work and register it as FOLDER/datasets/zoo."""
    write_small_zoo(folder / "work", names)
    return register(
        folder / "datasets/zoo", [folder / "work"], ABOUT, {"seed": 1}, "zoo-vae", ANY
    )

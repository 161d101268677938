"""Searches as the command line and benchmarks call them: read, call the room, write."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pipeline.places import ZOO, places
from pipeline.stages import chosen_codec

if TYPE_CHECKING:
    import numpy as np

    from pipeline.search.space import Space, Table


def search(
    root: Path,
    space: str,
    method: str,
    evaluations: int,
    seed: int,
    codec: str,
    data: Path | None,
    output: Path,
) -> Iterator[dict[str, Any]]:
    """One run in a folder -> the rows that were the best so far."""
    from pipeline.search.methods import ON_VECTORS, make_method
    from pipeline.search.run import search_in

    table = read_table(root, space, data)
    config: dict[str, Any] = {"space": space, "method": method, "seed": seed}
    vectors = None
    if method == ON_VECTORS:
        vectors, config["codec"] = read_vectors(root, table.space, codec)
    made = make_method(method, table.space, seed, vectors)
    yield from search_in(output, table, made, evaluations, config)


def read_table(root: Path, space: str, data: Path | None = None) -> Table:
    """A space with its accuracies: kept in the project's cache, given, or downloaded."""
    from pipeline.harvest.download import Downloads
    from pipeline.search.spaces import load_table

    return load_table(space, Downloads(_cache(root), data))


def read_vectors(root: Path, space: Space, codec: str) -> tuple[np.ndarray, str]:
    """(points, smooth) vectors of a space, kept in the project's cache, and whose they are:
    the codec's name and digest."""
    import torch

    from pipeline.search.vectors import space_vectors

    torch.set_num_threads(1)
    loaded = chosen_codec(root, codec)
    vectors = space_vectors(space, loaded, _cache(root))
    return vectors, f"{loaded.name} {loaded.digest}"


def _cache(root: Path) -> Path:
    return places(root, ZOO).cache / "search"

"""The vectors of a space: the smooth part by a codec of every network in it."""

from __future__ import annotations

import io
import zipfile
from pathlib import Path

import numpy as np

from pipeline.atomic import write_atomically
from pipeline.decode.codec import Codec
from pipeline.design.design import design_or_itself
from pipeline.errors import DataError, ModelError
from pipeline.progress import track
from pipeline.search.space import Space


def space_vectors(space: Space, codec: Codec, folder: Path) -> np.ndarray:
    """(points, smooth): computed once, some minutes, then read from ``folder``. Not a number
    where a point has no network. Raises DataError for a damaged file."""
    file = folder / f"{space.name}-{codec.name}-{codec.digest}.npz"
    if not file.exists():
        content = io.BytesIO()
        np.savez_compressed(content, vectors=_compute(space, codec))
        write_atomically(file, content.getvalue())
    try:
        with np.load(file, allow_pickle=False) as kept:
            vectors = kept["vectors"]
    except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile) as error:
        raise DataError(f"{file}: damaged, delete it to have it made anew: {error}") from error
    if vectors.shape != (len(space), codec.smooth):
        raise DataError(f"{file}: holds {vectors.shape}, not a vector a point")
    return vectors


def _compute(space: Space, codec: Codec) -> np.ndarray:
    """Points of one file, or of one design, are encoded once."""
    vectors = np.full((len(space), codec.smooth), np.nan, np.float32)
    files: dict[str, np.ndarray] = {}
    designs: dict[str, np.ndarray] = {}
    for point in track(range(len(space)), f"vectors of {space.name}"):
        try:
            fetched = space.assemble(point)
        except ModelError:
            continue  # no network: no vector
        if fetched.file_digest not in files:
            network = space.network(point)
            design = design_or_itself(network).fingerprint
            if design not in designs:
                designs[design] = codec.means([network])[0]
            files[fetched.file_digest] = designs[design]
        vectors[point] = files[fetched.file_digest]
    return vectors


def standardised(vectors: np.ndarray) -> np.ndarray:
    """The same, each number with mean 0 and deviation 1 over the points that have one."""
    deviations = np.nanstd(vectors, axis=0)
    return (vectors - np.nanmean(vectors, axis=0)) / np.where(deviations > 0, deviations, 1)

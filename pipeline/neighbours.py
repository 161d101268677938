"""A network among those of a dataset: which are nearest, and the picture of it."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from pipeline.places import DATASETS
from pipeline.stages import chosen_codec

if TYPE_CHECKING:
    import duckdb

    from pipeline.graph.network import Network
    from pipeline.models import Model


def nearest(
    root: Path, network: Network, dataset: str = "zoo", codec: str | None = None, k: int = 10
) -> list[dict[str, Any]]:
    """The k networks of a dataset nearest to this one, by the vectors of a codec."""
    from pipeline.registry.nearest import find_nearest
    from pipeline.registry.sql import connect

    connection = connect(root / DATASETS, dataset)
    codec, smooth = _smooth_part(root, network, connection, codec)
    return find_nearest(connection, codec, smooth, k)


def picture(
    root: Path, model: Model, output: Path, dataset: str = "zoo", k: int = 9
) -> dict[str, Any]:
    """Draw a model's program, its k neighbours in a dataset and its place among all of it, as
    OUT.png or OUT.svg."""
    from pipeline.registry.nearest import find_nearest, vectors_of
    from pipeline.registry.sql import connect
    from pipeline.report.picture import Subject, write_picture

    connection = connect(root / DATASETS, dataset)
    codec, smooth = _smooth_part(root, model.network, connection)
    found = find_nearest(connection, codec, smooth, k)
    subject = Subject(model.name, model.network, tuple(smooth))
    write_picture(output, subject, found, vectors_of(connection, codec))
    return {"model": model.name, "codec": codec, "picture": str(output)}


def _smooth_part(
    root: Path,
    network: Network,
    connection: duckdb.DuckDBPyConnection,
    codec: str | None = None,
) -> tuple[str, list[float]]:
    """The codec's name, the dataset's own unless named, and where the network lies in its
    space."""
    if codec is None:
        codec = str(connection.execute("SELECT default_codec()").fetchall()[0][0])
    loaded = chosen_codec(root, codec)
    return loaded.name, loaded.means([network])[0].astype(float).tolist()

"""What a prediction may start from: sizes, operator counts, vectors of codecs or of others."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from pipeline.errors import DataError

Features = Mapping[str, np.ndarray]  # fingerprint -> its vector
SIZES = ("parameters", "macs", "vertices")
PROJECTED, SEED = 64, 0  # numbers of the random projection


def size_features(networks: pa.Table) -> dict[str, Features]:
    """The table networks -> the logarithm of each size, and all three together."""
    names = networks.column("fingerprint").to_pylist()
    sizes = np.stack([networks.column(size).to_numpy() for size in SIZES], axis=1)
    logs = np.log1p(sizes)
    found = {f"log {size}": _by(names, logs[:, [i]]) for i, size in enumerate(SIZES)}
    return found | {"the three": _by(names, logs)}


def operator_features(nodes: pa.Table) -> dict[str, Features]:
    """The table nodes -> how often each operator occurs (its logarithm), and a random
    projection of that to PROJECTED numbers."""
    counted = nodes.group_by(["fingerprint", "operator"]).aggregate([([], "count_all")])
    names = sorted(set(counted.column("fingerprint").to_pylist()))
    operators = sorted(set(counted.column("operator").to_pylist()))
    rows = {name: i for i, name in enumerate(names)}
    columns = {operator: i for i, operator in enumerate(operators)}
    counts = np.zeros((len(names), len(operators)))
    for fingerprint, operator, count in zip(*counted.to_pydict().values(), strict=True):
        counts[rows[fingerprint], columns[operator]] = count
    logs = np.log1p(counts)
    directions = np.random.default_rng(SEED).normal(size=(len(operators), PROJECTED))
    return {
        "operator counts": _by(names, logs),
        "random projection": _by(names, logs @ directions / np.sqrt(PROJECTED)),
    }


def codec_features(embeddings: pa.Table, codec: str) -> Features:
    """The table graph_embeddings -> the smooth parts of a codec's vectors; the rest of them is
    coded bits, in which nothing is near to anything. Raises DataError where it has none."""
    mine = embeddings.filter(pa.compute.equal(embeddings.column("codec"), codec))
    if not len(mine):
        known = sorted(set(embeddings.column("codec").to_pylist()))
        raise DataError(f"no vectors of {codec}: there are those of {', '.join(known)}")
    return _vectors(mine, "smooth")


def file_features(path: Path) -> Features:
    """A Parquet file of anybody's: ``fingerprint``, and ``vector``, a list of numbers.

    Raises DataError, naming the file, for anything else.
    """
    try:
        return _vectors(pq.read_table(path, columns=["fingerprint", "vector"]), "vector")
    except (OSError, ValueError, KeyError, TypeError, pa.ArrowException) as e:
        raise DataError(f"{path}: no Parquet file of fingerprint and vector: {e}") from e


def joined(first: Features, second: Features) -> Features:
    """Both vectors of each network that has both."""
    return {
        name: np.concatenate([first[name], second[name]]) for name in first if name in second
    }


def _vectors(rows: pa.Table, column: str) -> Features:
    vectors = np.array(rows.column(column).to_pylist(), dtype=float)
    if vectors.ndim != 2 or not np.isfinite(vectors).all():
        raise ValueError("the vectors are not finite numbers, all as many")
    return _by(rows.column("fingerprint").to_pylist(), vectors)


def _by(names: Sequence[str], rows: np.ndarray) -> Features:
    return dict(zip(names, rows, strict=True))

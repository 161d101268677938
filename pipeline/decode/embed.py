"""Networks -> the embedding tables: a vector a network, one a vertex, and the residuals."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from itertools import islice
from typing import Any

import numpy as np
import pyarrow as pa

from pipeline.compress.transformer import CONTEXT
from pipeline.decode.program_codec import AT_ONCE, ProgramCodec
from pipeline.graph.network import Network

Widths = dict[str, dict[str, int]]


def widths(codec: ProgramCodec) -> Widths:
    """The widths of the vector columns of what :func:`embed` gives, by table."""
    return {
        "graph_embeddings": {"vector": codec.width, "smooth": codec.smooth},
        "vertex_embeddings": {"vector": CONTEXT},
    }


def embed(codec: ProgramCodec, networks: Iterable[Network]) -> Iterator[dict[str, list[Any]]]:
    """A codec and networks, in the order of their fingerprints -> rows of graph_embeddings,
    vertex_embeddings and residuals, of AT_ONCE networks at a time."""
    coming = iter(networks)
    while part := list(islice(coming, AT_ONCE)):
        yield _rows(codec, part)


def _rows(codec: ProgramCodec, networks: Sequence[Network]) -> dict[str, list[Any]]:
    rows: dict[str, list[Any]] = {name: [] for name in widths(codec)} | {"residuals": []}
    means = codec.means(networks)  # distances go by them as they are, not as codes round them
    codes = codec.codes(networks, means)
    for network, mean, code in zip(networks, means, codes, strict=True):
        key = {"codec": codec.name, "fingerprint": network.fingerprint}
        vector = code.vector.astype(np.float32)
        rows["graph_embeddings"].append({**key, "vector": vector, "smooth": mean})
        rows["vertex_embeddings"].append(_vertex_rows(codec, network))
        rows["residuals"].append({**key, "residual": code.residual, "bits": code.bits})
    return rows


def _vertex_rows(codec: ProgramCodec, network: Network) -> pa.Table:
    # Rounded to bfloat16's precision: a search needs no more, and Parquet packs it better.
    vectors = codec.vertex_vectors(network)
    rounded = (vectors.view(np.uint32) & 0xFFFF0000).view(np.float32)
    flat = pa.array(rounded.ravel())
    return pa.table(
        {
            "codec": pa.array([codec.name] * len(network)),
            "fingerprint": pa.array([network.fingerprint] * len(network)),
            "node": pa.array(range(len(network)), pa.int32()),
            "vector": pa.FixedSizeListArray.from_arrays(flat, CONTEXT),
        }
    )

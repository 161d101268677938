"""Networks -> the embedding tables: a vector a network, one a vertex, and the residuals."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
import pyarrow as pa

from pipeline.compress.transformer import CONTEXT
from pipeline.decode.program_codec import AT_ONCE, ProgramCodec
from pipeline.graph.network import Network
from pipeline.progress import track

Widths = dict[str, dict[str, int]]


def widths(codec: ProgramCodec) -> Widths:
    """The widths of the vector columns of what :func:`embed` gives, by table."""
    return {
        "graph_embeddings": {"vector": codec.width, "smooth": codec.smooth},
        "vertex_embeddings": {"vector": CONTEXT},
    }


def embed(codec: ProgramCodec, networks: Sequence[Network]) -> dict[str, pa.Table | list[Any]]:
    """A codec and networks -> rows of graph_embeddings, vertex_embeddings and residuals."""
    graphs, residuals, vertices = [], [], []
    for part in track(list(_parts(networks)), f"embed {codec.name}, {AT_ONCE} at a time"):
        for network, code in zip(part, codec.encode(part), strict=True):
            key = {"codec": codec.name, "fingerprint": network.fingerprint}
            vector = code.vector.astype(np.float32)
            graphs.append({**key, "vector": vector, "smooth": vector[: codec.smooth]})
            residuals.append({**key, "residual": code.residual, "bits": code.bits})
            vertices.append(_vertex_rows(codec, network))
    return {
        "graph_embeddings": graphs,
        "vertex_embeddings": pa.concat_tables(vertices) if vertices else [],
        "residuals": residuals,
    }


def _parts(networks: Sequence[Network]) -> Iterator[Sequence[Network]]:
    for start in range(0, len(networks), AT_ONCE):
        yield networks[start : start + AT_ONCE]


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

"""Networks -> the embedding tables: one vector a network, three a vertex, and the patches."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np
import pyarrow as pa

from pipeline.decode.codec import Codec
from pipeline.graph.network import Network
from pipeline.progress import track

WIDTHS = {"vector": 64, "structure": 4, "operation": 2, "attributes": 8}


def embed(codec: Codec, networks: Iterable[Network]) -> dict[str, pa.Table | list[Any]]:
    """A codec and networks -> rows of graph_embeddings, vertex_embeddings and patches."""
    graphs, patches, vertices = [], [], []
    for network in track(list(networks), f"embed {codec.name}"):
        code = codec.encode(network)
        key = {"codec": codec.name, "fingerprint": network.fingerprint}
        graphs.append({**key, "vector": code.graph.tolist()})
        patches.append({**key, "patch": code.patch, "bytes": len(code.patch)})
        columns: dict[str, Any] = {
            "codec": pa.array([codec.name] * len(network)),
            "fingerprint": pa.array([network.fingerprint] * len(network)),
            "node": pa.array(range(len(network)), pa.int32()),
        }
        for group, rows in code.latents.items():
            flat = pa.array(np.ascontiguousarray(rows, dtype=np.float32).ravel())
            columns[group] = pa.FixedSizeListArray.from_arrays(flat, WIDTHS[group])
        vertices.append(pa.table(columns))
    return {
        "graph_embeddings": graphs,
        "vertex_embeddings": pa.concat_tables(vertices) if vertices else [],
        "patches": patches,
    }

"""The small zoo as a table set: every table, with vectors of two codecs."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from pathlib import Path

import numpy as np
from small_zoo import ZOO, shapes_of

from pipeline.tables.describe import network_facts
from pipeline.tables.networks import networks_rows
from pipeline.tables.write import write_tables

SMOOTH = 64
WIDTHS = {
    "graph_embeddings": {"vector": 80, "smooth": SMOOTH},
    "vertex_embeddings": {"vector": 4},
}
DESIGNS = {"plain16": "plain", "resnet18": "plain"}  # said to be one
CODECS = ("zoo-vae", "zoo-ae")


def vector_of(codec: str, family: str, name: str) -> list[float]:
    """Near to its family's others, far from the rest, and another for every codec."""
    vector = sum(
        scale * np.random.default_rng(list(text.encode())).normal(size=SMOOTH)
        for text, scale in ((codec + family, 1.0), (codec + name, 0.05))
    )
    return np.asarray(vector, np.float32).tolist()


def small_rows(names: Iterable[str] = tuple(ZOO)) -> dict:
    """Table name -> rows, for the networks named."""
    chosen = {name: ZOO[name] for name in names}
    networks = [network for _, network in chosen.values()]
    rows: dict = dict(networks_rows((n, shapes_of(n)) for n in networks))
    rows["networks"] = [
        network_facts(network, shapes_of(network), name=name, family=family,
                      design=DESIGNS.get(name, name), parameters=len(network) * 100,
                      macs=len(network) * 10**6, paper_operators_only=name != "odd")
        | {"group": family}
        for name, (family, network) in chosen.items()
    ]  # fmt: skip
    rows["files"] = [
        {
            "file_digest": hashlib.sha256(name.encode()).hexdigest(),
            "address": f"file://{name}.onnx",
            "source": "hand" if name != "odd" else "found",
            "licence": "MIT" if name != "odd" else "Apache-2.0",
            "bytes": 1000 + index,
            "opset": 20,
            "producer": "test",
            "fingerprint": network.fingerprint,
            "harvested_at": "2026-01-02T03:04:05Z",
        }
        for index, (name, (_, network)) in enumerate(chosen.items())
    ]
    rows["labels"] = [
        {"fingerprint": network.fingerprint, "source": "hand", "data_set": "none",
         "metric": "latency_ms", "recipe": name, "value": float(index), "epochs": None,
         "resolution": 32, "licence": "MIT"}
        for index, (name, (_, network)) in enumerate(chosen.items())
    ]  # fmt: skip
    families = sorted({family for family, _ in chosen.values()})
    rows["splits"] = [{"group": family, "part": "train"} for family in families]
    rows["rejected"] = [
        {"file_digest": "", "address": "file://bad.onnx", "stage": "read",
         "reason": "truncated", "detail": "the file ends early"},
        {"file_digest": "", "address": "file://loop.onnx", "stage": "read",
         "reason": "cycle", "detail": "vertex 3 depends on itself"},
    ]  # fmt: skip
    return rows | small_vectors(chosen)


def small_vectors(chosen: dict) -> dict:
    """The three tables that codecs write."""
    graph, vertex, residuals = [], [], []
    for codec in CODECS:
        for name, (family, network) in chosen.items():
            key = {"codec": codec, "fingerprint": network.fingerprint}
            smooth = vector_of(codec, family, name)
            graph.append(key | {"vector": [*smooth, *[0.5] * 16], "smooth": smooth})
            residual = b"fix" if name == "odd" else b""
            residuals.append(key | {"residual": residual, "bits": 8 * len(residual)})
            vertex += [
                key | {"node": node, "vector": [node, 1.0, 2.0, 3.0]}
                for node in range(len(network))
            ]
    return {"graph_embeddings": graph, "vertex_embeddings": vertex, "residuals": residuals}


def write_small_zoo(directory: Path, names: Iterable[str] = tuple(ZOO)) -> None:
    """All tables of the small zoo, or of some of its networks, in one table set."""
    write_tables(directory, small_rows(names), WIDTHS)

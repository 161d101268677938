"""The embedding tables: a row a network, a row a vertex, and what the codes themselves say."""

from __future__ import annotations

import numpy as np

from pipeline.decode.embed import WIDTHS, embed
from pipeline.tables.read import read_table
from pipeline.tables.write import write_tables

NAMES = ("squeezenet", "shufflenet")


def test_rows_are_what_the_codec_says(tiny_codec, light, tmp_path):
    networks = {n.fingerprint: n for n in (light[name] for name in NAMES)}
    write_tables(tmp_path, embed(tiny_codec, networks.values()), WIDTHS)
    tables = {
        name: read_table(tmp_path, name).to_pylist()
        for name in ("graph_embeddings", "vertex_embeddings", "patches")
    }
    assert [r["fingerprint"] for r in tables["graph_embeddings"]] == sorted(networks)
    assert len(tables["vertex_embeddings"]) == sum(map(len, networks.values()))
    for row, patch in zip(tables["graph_embeddings"], tables["patches"], strict=True):
        code = tiny_codec.encode(networks[row["fingerprint"]])
        assert row["codec"] == patch["codec"] == "tiny"
        assert np.array_equal(np.float32(row["vector"]), code.graph)
        assert (patch["patch"], patch["bytes"]) == (code.patch, len(code.patch))
        vertices = [
            v for v in tables["vertex_embeddings"] if v["fingerprint"] == code.fingerprint
        ]
        assert [v["node"] for v in vertices] == list(range(len(vertices)))
        for group, vectors in code.latents.items():
            assert np.array_equal(np.float32([v[group] for v in vertices]), vectors)


def test_no_network_gives_empty_tables(tiny_codec, tmp_path):
    rows = embed(tiny_codec, [])
    assert [len(table) for table in rows.values()] == [0, 0, 0]
    write_tables(tmp_path, rows, WIDTHS)
    assert read_table(tmp_path, "vertex_embeddings").num_rows == 0

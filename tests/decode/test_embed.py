"""Networks -> the embedding tables, which decode to them again."""

from pathlib import Path

import numpy as np

from pipeline import Network
from pipeline.decode.embed import embed, widths
from pipeline.decode.program_codec import ProgramCodec
from pipeline.tables.read import read_tables
from pipeline.tables.write import write_tables


def test_written_vectors_decode_to_their_networks(
    tiny_codec: ProgramCodec, light: dict[str, Network], tmp_path: Path
) -> None:
    networks = [light["bvlc_alexnet"], light["squeezenet"]]
    write_tables(tmp_path, embed(tiny_codec, networks), widths(tiny_codec))
    tables = read_tables(tmp_path, ["graph_embeddings", "vertex_embeddings", "residuals"])
    known = {network.fingerprint: network for network in networks}
    for row in tables["graph_embeddings"].to_pylist():
        vector = np.array(row["vector"], np.float16)
        assert row["smooth"] == row["vector"][: tiny_codec.smooth]
        assert Network(tiny_codec.draft(vector)) == known[row["fingerprint"]]
    assert len(tables["vertex_embeddings"]) == sum(map(len, networks))
    assert [row["bits"] for row in tables["residuals"].to_pylist()] == [0, 0]

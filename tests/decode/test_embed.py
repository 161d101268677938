"""Networks -> the embedding tables, which decode to them again."""

import weakref
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from pipeline import Network
from pipeline.decode.embed import embed, widths
from pipeline.decode.program_codec import AT_ONCE, ProgramCodec
from pipeline.graph.network import Operand, Vertex
from pipeline.tables.read import read_tables
from pipeline.tables.write import write_parts


def test_written_vectors_decode_to_their_networks(
    tiny_codec: ProgramCodec, light: dict[str, Network], tmp_path: Path
) -> None:
    networks = sorted(
        (light["bvlc_alexnet"], light["squeezenet"]), key=lambda network: network.fingerprint
    )
    write_parts(tmp_path, embed(tiny_codec, networks), widths(tiny_codec))
    tables = read_tables(tmp_path, ["graph_embeddings", "vertex_embeddings", "residuals"])
    known = {network.fingerprint: network for network in networks}
    for row in tables["graph_embeddings"].to_pylist():
        vector = np.array(row["vector"], np.float16)
        smooth = tiny_codec.snap(np.array(row["smooth"])).astype(np.float16)
        assert (smooth == vector[: tiny_codec.smooth]).all()
        assert Network(tiny_codec.draft(vector)) == known[row["fingerprint"]]
    assert len(tables["vertex_embeddings"]) == sum(map(len, networks))
    assert [row["bits"] for row in tables["residuals"].to_pylist()] == [0, 0]


def test_a_bounded_number_of_networks_is_held(tiny_codec: ProgramCodec) -> None:
    alive: weakref.WeakSet[Network] = weakref.WeakSet()

    def networks() -> Iterator[Network]:
        for width in range(1, 3 * AT_ONCE):
            network = small_network(width)
            alive.add(network)
            yield network
            del network

    most = [len(alive) for _ in embed(tiny_codec, networks())]
    assert len(most) == 3
    assert max(most) <= AT_ONCE + 1


def small_network(width: int) -> Network:
    shape = (("dtype", "float32"), ("shape", (width,)))
    operands = (Operand(0),), (Operand(1),)
    middle, last = Vertex("Relu", (), operands[0]), Vertex("Output", (), operands[1])
    return Network((Vertex("Input", shape), middle, last))

"""Writing step by step is scoring all at once, and the other way round."""

import numpy as np

from pipeline import Network
from pipeline.decode.program_codec import ProgramCodec
from pipeline.decode.writing import Writer, likeliest
from pipeline.program.program import Program


def test_steps_see_what_the_whole_sees(
    tiny_codec: ProgramCodec, light: dict[str, Network]
) -> None:
    writer = Writer(tiny_codec.model, tiny_codec.vocabulary)
    networks = [light["squeezenet"], light["bvlc_alexnet"]]
    vectors = tiny_codec.snap(tiny_codec.means(networks))
    tokens = [tiny_codec.tokens(network) for network in networks]
    scores = [writer.score(z, row) for z, row in zip(vectors, tokens, strict=True)]
    classes = [writer.classes(row) for row in tokens]
    steps = [0, 0]

    def follow(row: int, logits: np.ndarray) -> int:
        np.testing.assert_allclose(logits, scores[row][steps[row]], atol=1e-10)
        steps[row] += 1
        return classes[row][steps[row] - 1]

    written = writer.write(vectors, follow)
    for lines, network in zip(written, networks, strict=True):
        assert Program(tuple(lines or ())).network() == network
    assert steps == [len(row) for row in tokens]


def test_a_program_without_end_is_none(tiny_codec: ProgramCodec) -> None:
    writer = Writer(tiny_codec.model, tiny_codec.vocabulary)
    assert writer.write(np.zeros((2, tiny_codec.smooth)), likeliest, most=2) == [None, None]

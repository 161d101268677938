"""Writing step by step is scoring all at once, and the other way round."""

import numpy as np

from pipeline import Network
from pipeline.decode.codec import valid
from pipeline.decode.program_codec import ProgramCodec
from pipeline.decode.writing import Writer, likeliest
from pipeline.program.instruction import Instruction, Kind, Symbol
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


def test_lines_that_fit_no_network_are_passed_over(
    tiny_codec: ProgramCodec, light: dict[str, Network]
) -> None:
    network = light["squeezenet"]
    first, *others = network.program.lines
    sum_of_two = Instruction("Add", operands=(Symbol(Kind.FRESH, 2),))  # where one is there
    said = [first, sum_of_two, *others]
    writer = Writer(tiny_codec.model, tiny_codec.vocabulary)
    classes = writer.classes(tiny_codec.vocabulary.numbers(said))
    vectors = np.zeros((1, tiny_codec.smooth))
    for patience, expected in ((5, list(network.program.lines)), (None, said)):
        tokens = iter(classes)
        written = writer.write(vectors, lambda *_: next(tokens), patience=patience)  # noqa: B023
        assert written == [expected]


def test_what_is_drawn_fits_as_far_as_it_goes(tiny_codec: ProgramCodec) -> None:
    vectors = np.random.default_rng(0).standard_normal((4, 256)).astype(np.float16)
    spelled, checked = (f(list(vectors), 200) for f in (tiny_codec.spelled, tiny_codec.drafts))
    assert sum(valid(d) is not None for d in checked) >= sum(
        valid(d) is not None for d in spelled
    )

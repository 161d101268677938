"""What repeats point at is what they say again."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from pipeline import Network
from pipeline.compress.copies import NOWHERE, POINTING, Copies, follow_all
from pipeline.compress.grammar import write_lines
from pipeline.compress.tokens import DIRECT, REPEAT, Field
from pipeline.compress.vocabulary import Vocabulary
from pipeline.program.instruction import Instruction, Repeat
from pipeline.program.repeats import expand

NOTHING = Vocabulary.of([])


@pytest.mark.parametrize("name", ["squeezenet", "shufflenet", "densenet121"])
def test_every_instruction_has_the_token_that_said_it_first(
    light: dict[str, Network], name: str
) -> None:
    lines = light[name].program.lines
    copies, said = Copies(), {}
    for place, (field, token) in enumerate(write_lines(lines, NOTHING)):
        copies.follow(place, field, token)
        if field is Field.WORD and token != REPEAT:
            said[place] = None
    literal = [line for line in lines if isinstance(line, Instruction)]
    by_place = dict(zip(said, literal, strict=True))
    assert [by_place[place] for place in copies.said] == expand(lines)


def test_a_copy_begins_and_stops_where_its_classes_point(light: dict[str, Network]) -> None:
    lines = light["shufflenet"].program.lines
    tokens = list(write_lines(lines, NOTHING))
    copies = Copies()
    repeats = (line for line in lines if isinstance(line, Repeat))
    for place, (field, token) in enumerate(tokens):
        if field is Field.LENGTH:
            repeat = next(repeats)
            begin = copies.said[-repeat.length]
            assert copies.places(field)[repeat.length + 1] == begin
        if field is Field.REST:
            first = len(copies.said) - repeat.length
            assert copies.places(field)[repeat.rest + 1] == copies.said[first + repeat.rest]
        copies.follow(place, field, token)


def test_what_is_impossible_points_nowhere() -> None:
    copies = Copies()
    for place in range(3):
        copies.follow(place, Field.WORD, 2)
    assert (copies.places(Field.LENGTH) == NOWHERE).sum() == DIRECT[Field.LENGTH] + 1 - 3
    copies.follow(3, Field.WORD, REPEAT)
    copies.follow(4, Field.LENGTH, 3)  # two instructions back
    assert np.flatnonzero(copies.places(Field.REST) != NOWHERE).tolist() == [1, 2]


def test_numbers_that_are_spelled_out_are_followed() -> None:
    copies = Copies()
    tokens = [(Field.WORD, 2), (Field.WORD, REPEAT), (Field.LENGTH, 2), (Field.TIMES, 0)]
    tokens += [(Field.DIGIT, 1), (Field.DIGIT, 2), (Field.DIGIT, 16), (Field.REST, 1)]
    for place, token in enumerate(tokens):
        copies.follow(place, *token)
    assert copies.said == [0] * 19


def test_a_repeat_of_all_there_could_ever_be_is_bounded() -> None:
    copies = Copies()
    tokens = [(Field.WORD, 2), (Field.WORD, REPEAT), (Field.LENGTH, 2), (Field.TIMES, 0)]
    tokens += [(Field.DIGIT, 15)] * 7 + [(Field.DIGIT, 16), (Field.REST, 1)]
    for place, token in enumerate(tokens):
        copies.follow(place, *token)
    assert len(copies.said) <= 1_000_001


def test_a_batch_is_followed_to_the_end_of_each_program() -> None:
    kinds = torch.tensor([[0, 0, 3, 4, 5], [0, 0, 3, -1, -1]])
    classes = torch.tensor([[2, REPEAT, 2, 3, 1], [2, REPEAT, 2, 0, 0]])
    pointers, said = follow_all(kinds, classes)
    assert set(pointers) == {int(field) for field in POINTING}
    assert pointers[Field.LENGTH].rows.tolist() == [0, 1]
    assert pointers[Field.REST].steps.tolist() == [4]
    assert said.tolist() == [[3, 0, 0, 0, 0], [1, 0, 0, 0, 0]]

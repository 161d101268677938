"""Instructions in the words people use."""

from __future__ import annotations

import pytest
from hypothesis import given
from random_programs import instructions

from pipeline.program.instruction import Instruction, Kind, Ratio, Recent, Symbol
from pipeline.program.phrase import count_text, phrase, shape_text


def conv(**attributes: object) -> Instruction:
    """A Conv 3x3 of the last width, but for what is given."""
    usual: dict[str, object] = {
        "bias": 0, "dilations": (1, 1), "group": 1, "kernel_shape": (3, 3),
        "out_channels": Recent(0), "pads": (1, 1, 1, 1), "strides": (1, 1),
    }  # fmt: skip
    return Instruction("Conv", tuple(sorted((usual | attributes).items())))  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("attributes", "said"),
    [
        ({}, "Conv 3x3 ="),
        ({"out_channels": Ratio(2, 1), "strides": (2, 2)}, "Conv 3x3 x2 /2"),
        ({"out_channels": Ratio(1, 4)}, "Conv 3x3 x1/4"),
        ({"out_channels": 64, "kernel_shape": (7, 7), "pads": (3,) * 4}, "Conv 7x7 64"),
        ({"group": Ratio(1, 1)}, "Conv 3x3 = depthwise"),
        ({"group": 32}, "Conv 3x3 = in 32 groups"),
        ({"dilations": (2, 2), "pads": (2,) * 4}, "Conv 3x3 = dilated 2"),
        ({"pads": (0,) * 4}, "Conv 3x3 = pad 0"),
        ({"pads": (0, 0, 1, 1)}, "Conv 3x3 = pad 0,0,1,1"),
        ({"strides": (2, 1)}, "Conv 3x3 = /2,1"),
        ({"bias": 1}, "Conv 3x3 = bias"),
    ],
)
def test_a_layer_says_what_is_unusual(attributes: dict[str, object], said: str) -> None:
    assert phrase(conv(**attributes)) == said


def test_operands_but_the_last_vertex_are_said() -> None:
    skip = (Symbol(Kind.FRESH, 1), Symbol(Kind.BACK, 6))
    assert phrase(Instruction("Add", (), skip)) == "Add ^ -6"
    assert phrase(Instruction("Concat", (("axis", 1),), skip)) == "Concat axis 1 of ^ -6"


def test_defaults_of_onnx_go_without_saying() -> None:
    usual = (("epsilon", 9.999999747378752e-06), ("momentum", 0.8999999761581421))
    assert phrase(Instruction("BatchNormalization", usual)) == "BatchNorm"
    other = (("epsilon", 0.001), usual[1])
    assert phrase(Instruction("BatchNormalization", other)) == "BatchNorm epsilon 0.001"
    source = Instruction("Input", (("dtype", "float32"), ("shape", (3, 8, 8))), ())
    assert phrase(source) == "Input 3x8x8"


@given(instructions)
def test_any_instruction_has_a_phrase(instruction: Instruction) -> None:
    assert phrase(instruction).startswith(instruction.operator)


def test_numbers_as_people_say_them() -> None:
    numbers = (9_408, 25_557_032, 4_089_184_256)
    assert list(map(count_text, numbers)) == ["9,408", "25.6 M", "4.09 G"]
    assert shape_text((64, 56, 56)) == "64x56x56"

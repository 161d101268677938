"""An instruction in the words people use: ``Conv 3x3 x2 /2``, ``Add ^ -6``.

Kernel, width, stride, then what is unusual; what ONNX takes for granted is not said, nor
padding that keeps the image's size. Widths: ``=`` the last width given, ``=1`` the one before,
``x2`` twice and ``x1/4`` a quarter of the operand's. Operands: ``^`` the vertex on top of the
stack, ``-6`` six instructions back; the last vertex alone goes without saying.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from math import prod

from pipeline.errors import UnsupportedOperator
from pipeline.graph.network import INPUT
from pipeline.operators.schema import default_attributes
from pipeline.program.instruction import TOP, Filled, Instruction, Ratio, Recent, Spelled
from pipeline.program.widths import OUT

SHORT = {
    "BatchNormalization": "BatchNorm",
    "LayerNormalization": "LayerNorm",
    "InstanceNormalization": "InstanceNorm",
    "AveragePool": "AvgPool",
}
WINDOW = ("kernel_shape", "strides", "pads", "dilations", "group", "auto_pad", "bias", *OUT)
USUAL: dict[str, dict[str, Spelled]] = {
    "Gemm": {"transB": 1, "bias": 1},
    INPUT: {"dtype": "float32"},
}
WHOLE_DEPTH = Ratio(1, 1)


def phrase(instruction: Instruction) -> str:
    """An instruction -> one line of words; equal phrases do the same in their place."""
    words = [SHORT.get(instruction.operator, instruction.operator), *_layer(instruction)]
    words += _others(instruction)
    if instruction.operands != TOP and instruction.operator != INPUT:
        words += ["of"] if len(words) > 1 else []
        words += map(repr, instruction.operands)
    if instruction.positions is not None:
        words.append(f"at {_text(instruction.positions)}")
    return " ".join(words)


def _layer(instruction: Instruction) -> Iterator[str]:
    """Kernel, width, stride, groups, dilation and padding, where it has them."""
    found = dict(instruction.attributes)
    kernel = found.get("kernel_shape")
    if kernel is not None:
        yield _sides(kernel)
    for name in OUT:
        if name in found:
            yield _text(found[name])
    strides, dilations = found.get("strides"), found.get("dilations")
    if isinstance(strides, tuple) and set(strides) != {1}:
        yield f"/{_one_or_all(strides)}"
    group = found.get("group", 1)
    if group == WHOLE_DEPTH:
        yield "depthwise"
    elif group != 1:
        yield f"in {_text(group)} groups"
    if isinstance(dilations, tuple) and set(dilations) != {1}:
        yield f"dilated {_one_or_all(dilations)}"
    yield from _padding(found)
    bias = found.get("bias")
    usual = USUAL.get(instruction.operator, {}).get("bias", 0)
    if bias is not None and bias != usual:
        yield "bias" if bias == 1 else "no bias" if bias == 0 else f"bias {_text(bias)}"


def _padding(found: Mapping[str, Spelled]) -> Iterator[str]:
    pads, kernel = found.get("pads"), found.get("kernel_shape")
    auto = found.get("auto_pad", "NOTSET")
    if auto != "NOTSET":
        yield f"pad {auto}"
    if not isinstance(pads, tuple):
        if pads is not None:
            yield f"pad {_text(pads)}"
        return
    dilations = found.get("dilations")
    if isinstance(kernel, tuple) and _is_same(pads, kernel, dilations):
        return
    if "kernel_shape" in found:
        yield f"pad {_one_or_all(pads)}"
    elif set(pads) != {0}:
        yield f"pads {_text(pads)}"


def _is_same(pads: Sequence[object], kernel: Sequence[object], dilations: object) -> bool:
    """Whether the image would keep its size at stride 1, padded alike on both sides; where it
    cannot for an even kernel, whether nothing is padded."""
    spread = dilations if isinstance(dilations, tuple) else (1,) * len(kernel)
    if not all(type(k) is int for k in (*kernel, *spread)):
        return False
    sides = [(k - 1) * d for k, d in zip(kernel, spread, strict=False)]  # type: ignore[operator]
    usual = [0 if any(side % 2 for side in sides) else side // 2 for side in sides]
    return list(pads) == usual * 2


def _others(instruction: Instruction) -> Iterator[str]:
    usual = _defaults(instruction.operator) | USUAL.get(instruction.operator, {})
    for name, value in instruction.attributes:
        if name in WINDOW or repr(usual.get(name)) == repr(value):
            continue
        if instruction.operator == INPUT and name == "shape":
            yield _sides(value)
        else:
            yield f"{name} {_text(value)}"


def _defaults(operator: str) -> dict[str, object]:
    try:
        return dict(default_attributes(operator))
    except UnsupportedOperator:  # Input, Output, what a draft invents
        return {}


def _sides(value: Spelled) -> str:
    return "x".join(map(_text, value)) if isinstance(value, tuple) else _text(value)


def _one_or_all(values: Sequence[Spelled]) -> str:
    first = _text(values[0]) if values else ""
    return first if all(v == values[0] for v in values) else ",".join(map(_text, values))


def _text(value: object) -> str:
    match value:
        case float():
            return f"{value:.6g}"
        case Recent():
            return repr(value)
        case Ratio(numerator, 1):
            return f"x{numerator}"
        case Ratio(numerator, denominator):
            return f"x{numerator}/{denominator}"
        case Filled(number, count):
            return f"{_text(number)} {_text(count)} times"
        case tuple():
            return ",".join(map(_text, value)) or "()"
    return str(value)


def count_text(number: int) -> str:
    """A large number as people say it: 4.09 G, 25.6 M, 9,408."""
    for size, unit in ((10**9, " G"), (10**6, " M")):
        if number >= size:
            return f"{number / size:.3g}{unit}"
    return f"{number:,}"


def shape_text(shape: Sequence[int]) -> str:
    """Sides of a tensor without the batch: 64x56x56."""
    return "x".join(map(str, shape)) if prod(shape, start=1) else "empty"

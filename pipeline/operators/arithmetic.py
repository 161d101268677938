"""Elementwise arithmetic; each operand may be an edge, a parameter or a constant."""

from __future__ import annotations

import operator
from collections.abc import Callable
from typing import Any

from onnx import TensorProto, helper

from pipeline.operators.registry import Example, Operator, register

TENSOR = (1, 4, 5, 6)
# 8-bit floats, which alone say whether what is too large becomes the largest
FLOATS_8 = {n for name, n in TensorProto.DataType.items() if name.startswith("FLOAT8")}


def register_unary(
    name: str, function: Callable[..., Any] | str, positive: str = "", **traits: Any
) -> None:
    """A function of one tensor, or the name torch has for one: reading loads no torch.
    ``positive``: the formal name of its input, where that must be positive."""
    register(
        Operator(
            name=name,
            elementwise=True,
            keeps_channels=True,
            positive=(positive,) if positive else (),
            **traits,
            build=lambda layer: layer.call(of_torch(layer, function), layer.x),
            examples=(
                Example((TENSOR,), positive=bool(positive)),
                Example(((1, 3),), positive=bool(positive)),
            ),
        )
    )


def of_torch(layer: Any, function: Callable[..., Any] | str) -> Callable[..., Any]:
    """A function, or torch's of that name."""
    return getattr(layer.torch, function) if isinstance(function, str) else function


def register_binary(
    name: str,
    function: Callable[..., Any],
    comparison: bool = False,
    **traits: Any,
) -> None:
    """An operator of two tensors that broadcast, either of which may be a weight."""
    weights = () if comparison else (
        Example((TENSOR,), parameters={"B": (4, 1, 1)}),
        Example((TENSOR,), parameters={"A": (4, 5, 6)}),
    )  # fmt: skip
    register(
        Operator(
            name=name,
            elementwise=True,
            any_dtype=True,
            differentiable=not comparison,
            **traits,
            build=lambda layer: layer.call(function, *operands(layer)),
            examples=(
                Example((TENSOR, TENSOR)),
                Example(((1, 4, 1, 1), TENSOR)),
                Example((TENSOR, (5, 1))),
                *weights,
                Example((TENSOR,), constants={"B": 2.0}),
                Example((TENSOR,), constants={"A": 1.5}),
                Example((TENSOR,), constants={"B": [[1.0], [0.5], [2.0], [3.0], [1.0]]}),
            ),
        )
    )  # fmt: skip


def operands(layer: Any) -> list[Any]:
    """All operands of a layer in ONNX's order."""
    return [layer.operand(position) for position in layer.positions]


def build_division(layer: Any) -> Any:
    """``/``, or for integers division that truncates."""
    a, b = operands(layer)
    if layer.dtype in FLOATS:
        return layer.call(operator.truediv, a, b)
    return layer.call(layer.torch.div, a, b, rounding_mode="trunc")


def build_power(layer: Any) -> Any:
    """torch.pow; the result has the base's type."""
    return layer.call(layer.torch.pow, *operands(layer))


def build_remainder(layer: Any) -> Any:
    """torch.fmod, of the sign of the dividend, or torch.remainder, of that of the divisor."""
    function = layer.torch.fmod if layer["fmod"] else layer.torch.remainder
    a, b = operands(layer)
    if isinstance(a, int | float):  # of a number torch takes no remainder
        a = layer.call(layer.torch.full_like, b, a)
    return layer.call(function, a, b)


def check_remainder(layer: Any) -> str | None:
    """Of floats by C's rule alone, and of no constant 0."""
    if layer.outputs[0].dtype in FLOATS and not layer.vertex.get("fmod"):
        return "of floats by another rule than fmod"
    return check_division(layer)


def check_division(layer: Any) -> str | None:
    """Of no constant 0."""
    divisor = layer.constants.get("B")
    return None if divisor is None or divisor.all() else "by a constant of 0"


def check_where(layer: Any) -> str | None:
    """Not of truth values, in ONNX Runtime."""
    is_truth = layer.outputs[0].dtype == TensorProto.BOOL
    return "of truth values" if is_truth else None


def build_where(layer: Any) -> Any:
    """torch.where of (condition, X, Y)."""
    return layer.call(layer.torch.where, *operands(layer))


def register_variadic(name: str, combine: Callable[[Any, list[Any]], Any]) -> None:
    """An operator of any number of tensors that broadcast."""
    register(
        Operator(
            name=name,
            elementwise=True,
            build=lambda layer: combine(layer, operands(layer)),
            examples=(
                Example((TENSOR,)),
                Example((TENSOR, TENSOR, TENSOR)),
                Example((TENSOR, (1, 4, 1, 1))),
                Example((TENSOR,), parameters={"data_0_1": (4, 1, 1)}),
                Example((TENSOR,), constants={"data_0_1": 0.25}),
            ),
        )
    )


def chain(layer: Any, function: Callable[..., Any], values: list[Any]) -> Any:
    """``f(f(a, b), c)``."""
    total = values[0]
    for value in values[1:]:
        total = layer.call(function, total, value)
    return total


def add_all(layer: Any, values: list[Any]) -> Any:
    """a + b + c."""
    return chain(layer, operator.add, values)


def average_all(layer: Any, values: list[Any]) -> Any:
    """(a + b + c) / 3."""
    return layer.call(operator.truediv, add_all(layer, values), len(values))


def take_largest(layer: Any, values: list[Any]) -> Any:
    """torch.maximum, or a clamp from below by a constant."""
    return _bound(layer, values, layer.torch.maximum, "min")


def take_smallest(layer: Any, values: list[Any]) -> Any:
    """torch.minimum, or a clamp from above by a constant."""
    return _bound(layer, values, layer.torch.minimum, "max")


def _bound(layer: Any, values: list[Any], function: Callable[..., Any], limit: str) -> Any:
    numbers = [value for value in values if isinstance(value, int | float)]
    tensors = [value for value in values if not isinstance(value, int | float)]
    total = chain(layer, function, tensors)
    for number in numbers:
        total = layer.call(layer.torch.clamp, total, **{limit: number})
    return total


def build_cast(layer: Any) -> Any:
    """``x.to(dtype)``."""
    dtype = helper.tensor_dtype_to_np_dtype(layer["to"]).name
    return layer.method("to", layer.x, getattr(layer.torch, dtype))


FLOATS = (TensorProto.FLOAT, TensorProto.DOUBLE, TensorProto.FLOAT16, TensorProto.BFLOAT16)

register_binary("Add", operator.add, paper=True)
register_binary("Mul", operator.mul, paper=True, initial={"A": 1.0, "B": 1.0})
register_binary("Sub", operator.sub)
register_binary("Greater", operator.gt, comparison=True)
register_binary("Less", operator.lt, comparison=True)
register_binary("Equal", operator.eq, comparison=True)
register_unary("Sqrt", "sqrt", positive="X")
register_unary("Log", "log", positive="input")
register_unary("Reciprocal", "reciprocal", positive="X")
register_unary("Exp", "exp", exponents=("input",))
register_unary("Erf", "erf")
register_unary("Abs", "abs")
register_unary("Neg", operator.neg)
register_unary("Floor", "floor")
register_unary("Ceil", "ceil")
register_unary("Round", "round")
register_unary("Sin", "sin")
register_unary("Cos", "cos")
register_variadic("Sum", add_all)
register_variadic("Mean", average_all)
register_variadic("Max", take_largest)
register_variadic("Min", take_smallest)
register(
    Operator(
        name="Div",
        initial={"A": 1.0, "B": 1.0},
        elementwise=True,
        positive=("B",),
        check=check_division,
        build=build_division,
        examples=(
            Example((TENSOR, (4, 5, 6)), positive=True),
            Example((TENSOR,), parameters={"B": (4, 1, 1)}, positive=True),
            Example((TENSOR,), constants={"B": 6.0}),
            Example((TENSOR,), constants={"A": 1.0}, positive=True),
        ),
    )
)
register(
    Operator(
        name="Mod",
        initial={"A": 1.0, "B": 1.0},
        elementwise=True,
        any_dtype=True,
        positive=("B",),
        usual=lambda _: {"fmod": 1},
        choices={"fmod": (0, 1)},
        check=check_remainder,
        build=build_remainder,
        examples=(
            Example((TENSOR, (4, 5, 6)), {"fmod": 1}, positive=True),
            Example((TENSOR,), {"fmod": 1}, {"B": (4, 1, 1)}, positive=True),
            Example((TENSOR,), {"fmod": 1}, constants={"B": 0.7}),
            Example((TENSOR,), {"fmod": 1}, constants={"A": 2.35}, positive=True),
        ),
    )
)
register(
    Operator(
        name="Pow",
        initial={"X": 1.0, "Y": 1.0},
        elementwise=True,
        positive=("X",),
        exponents=("Y",),
        build=build_power,
        examples=(
            Example((TENSOR, (4, 5, 6)), positive=True),
            Example((TENSOR,), parameters={"Y": (4, 1, 1)}, positive=True),
            Example((TENSOR,), constants={"Y": 2.0}),
            Example((TENSOR,), constants={"Y": 3}),
            Example((TENSOR,), constants={"X": 2.0}),
        ),
    )
)
register(
    Operator(
        name="Where",
        elementwise=True,
        any_dtype=True,
        check=check_where,
        build=build_where,
        examples=(
            Example((TENSOR, (6,)), constants={"condition": [[True], [False]] + [[True]] * 3}),
            Example((TENSOR,), parameters={"Y": (4, 1, 1)},
                    constants={"condition": [True, False, True, False, True, False]}),
            Example((TENSOR,), constants={"condition": [True, False] * 3, "Y": -1.0}),
        ),
    )
)  # fmt: skip
register(
    Operator(
        name="Cast",
        build=build_cast,
        elementwise=True,
        keeps_channels=True,
        any_dtype=True,
        usual=lambda _: {"to": int(TensorProto.FLOAT)},
        fill=lambda values, *_: {} if values["to"] in FLOATS_8 else {"saturate": None},
        examples=(
            Example((TENSOR,), {"to": TensorProto.FLOAT}),
            Example((TENSOR,), {"to": TensorProto.INT64}),
            Example((TENSOR,), {"to": TensorProto.BOOL}),
            Example((TENSOR,), {"to": TensorProto.DOUBLE}),
        ),
    )
)
register(
    Operator(
        name="Identity",
        elementwise=True,
        keeps_channels=True,
        any_dtype=True,
        build=lambda layer: layer.module(layer.nn.Identity()),
        examples=(Example((TENSOR,)),),
    )
)

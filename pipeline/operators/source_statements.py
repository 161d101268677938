"""A traced torch module -> statements of Python source: what each declares and computes."""

from __future__ import annotations

import inspect
import math
import operator
import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Any

import torch
from torch import fx, nn
from torch.nn import functional

from pipeline.errors import ModelError

INPUT = -1  # the operand that is the scope's own input
WORD = re.compile(r"[A-Za-z0-9_]+")
INFIX: dict[Callable[..., Any], str] = {
    operator.add: "+", operator.sub: "-", operator.mul: "*", operator.truediv: "/",
    operator.matmul: "@", operator.lt: "<", operator.gt: ">", operator.eq: "==",
}  # fmt: skip
MODULES = {"torch": torch, "functional": functional}
HELD = ("device", "dtype", "padding_mode", "inplace")  # arguments no operator here gives


@dataclass(frozen=True)
class Operand:
    """A place in an expression where the value of an operand stands."""

    number: int


@dataclass(frozen=True)
class Own:
    """A place where ``self.`` and the name of a declaration stand."""

    number: int = 0


@dataclass(frozen=True)
class Parameter:
    """An argument that a block's constructor takes."""

    name: str


@dataclass(frozen=True)
class Argument:
    """One argument of a constructor: its keyword (empty: positional), name and value."""

    keyword: str
    name: str
    value: Any
    default: Any = inspect.Parameter.empty

    @property
    def is_number(self) -> bool:
        """Whether it may differ between two uses of one block."""
        return isinstance(self.value, int) and not isinstance(self.value, bool)


@dataclass(frozen=True)
class Declaration:
    """``self.name = callee(arguments)``."""

    callee: str
    arguments: tuple[Argument, ...] = ()


Part = str | Operand | Own
CALL: tuple[Part, ...] = (Own(), "(", Operand(0), ")")


@dataclass(frozen=True)
class Statement:
    """A value: its expression, the statements its operands are (INPUT or an index), and what
    it declares beforehand."""

    parts: tuple[Part, ...]
    operands: tuple[int, ...]
    declarations: tuple[Declaration, ...] = ()


def statements_of(module: fx.GraphModule) -> tuple[list[Statement], tuple[int, ...], bool]:
    """The statements of a module, which of them it returns, and whether as a tuple."""
    statements: list[Statement] = []
    values: dict[fx.Node, int] = {}
    inlined: dict[fx.Node, Statement] = {}
    for node in module.graph.nodes:
        if node.op == "placeholder":
            values[node] = INPUT
        elif node.op == "output":
            returned = node.args[0]
            nodes = returned if isinstance(returned, tuple) else (returned,)
            return statements, tuple(values[n] for n in nodes), isinstance(returned, tuple)
        else:
            statement = Expression(module, values, inlined).state(node)
            if len(node.users) == 1 and (node.op == "get_attr" or node.target == "size"):
                inlined[node] = statement
                continue
            values[node] = len(statements)
            statements.append(statement)
    raise ValueError("a graph without output")


class Expression:
    """Builds the expression of one node out of text, operands and declarations."""

    def __init__(
        self, module: fx.GraphModule, values: dict[fx.Node, int], inlined: dict[fx.Node, Any]
    ) -> None:
        self._module, self._values, self._inlined = module, values, inlined
        self._operands: list[int] = []
        self._declarations: list[Declaration] = []

    def state(self, node: fx.Node) -> Statement:
        """The statement of a node."""
        parts: list[Part] = []
        for part in self._parts(node):
            if isinstance(part, str) and parts and isinstance(parts[-1], str):
                parts[-1] += part
            elif part != "":
                parts.append(part)
        return Statement(tuple(parts), tuple(self._operands), tuple(self._declarations))

    def _parts(self, node: fx.Node) -> Iterator[Part]:
        if node.op == "get_attr":
            yield from self._tensor(str(node.target))
            return
        if node.op == "call_module":
            self._declarations.append(declare(self._module.get_submodule(str(node.target))))
            yield Own(len(self._declarations) - 1)
            yield from self._call(node.args, node.kwargs)
        elif node.op == "call_method":
            yield from self._value(node.args[0])
            yield f".{node.target}"
            yield from self._call(node.args[1:], node.kwargs)
        else:
            yield from self._function(node)

    def _function(self, node: fx.Node) -> Iterator[Part]:
        target: Any = node.target
        if target in INFIX:
            yield from self._value(node.args[0])
            yield f" {INFIX[target]} "
            yield from self._value(node.args[1])
        elif target is operator.neg:
            yield "-"
            yield from self._value(node.args[0])
        elif target is operator.getitem:
            yield from self._value(node.args[0])
            yield "["
            yield from self._index(node.args[1])
            yield "]"
        else:
            yield name_of(target)
            yield from self._call(node.args, node.kwargs)

    def _call(self, args: Iterable[Any], kwargs: dict[str, Any]) -> Iterator[Part]:
        yield "("
        for number, (keyword, value) in enumerate([*(("", a) for a in args), *kwargs.items()]):
            yield (", " if number else "") + (f"{keyword}=" if keyword else "")
            yield from self._value(value)
        yield ")"

    def _index(self, index: Any) -> Iterator[Part]:
        each = index if isinstance(index, tuple) else (index,)
        for number, one in enumerate(each):
            yield ", " if number else ""
            if isinstance(one, slice):
                ends = ["" if e is None else literal(e) for e in (one.start, one.stop)]
                yield ":".join(ends) + ("" if one.step is None else f":{literal(one.step)}")
            else:
                yield from self._value(one)

    def _value(self, value: Any) -> Iterator[Part]:
        if isinstance(value, fx.Node):
            yield from self._node(value)
        elif isinstance(value, list | tuple) and any(isinstance(v, fx.Node) for v in value):
            yield "["
            for number, one in enumerate(value):
                yield ", " if number else ""
                yield from self._value(one)
            yield "]"
        else:
            yield literal(value)

    def _node(self, node: fx.Node) -> Iterator[Part]:
        inlined = self._inlined.get(node)
        if inlined is None:
            yield self._operand(self._values[node])
            return
        offset = len(self._declarations)
        self._declarations.extend(inlined.declarations)
        for part in inlined.parts:
            if isinstance(part, Own):
                yield Own(part.number + offset)
            elif isinstance(part, Operand):
                yield self._operand(inlined.operands[part.number])
            else:
                yield part

    def _operand(self, value: int) -> Operand:
        if value not in self._operands:
            self._operands.append(value)
        return Operand(self._operands.index(value))

    def _tensor(self, target: str) -> Iterator[Part]:
        holder, _, name = target.rpartition(".")
        owner = self._module.get_submodule(holder)
        tensor: torch.Tensor = getattr(owner, name)
        self._declarations.append(
            declare_tensor(tensor, name not in owner._non_persistent_buffers_set)
        )
        yield Own(len(self._declarations) - 1)
        if name not in owner._non_persistent_buffers_set:
            yield "()"


def declare(module: nn.Module) -> Declaration:
    """``nn.Conv2d(3, 64, 7, stride=2)`` of a layer, from the attributes of the same names."""
    name = type(module).__name__
    if getattr(nn, name, None) is not type(module):
        raise TypeError(f"{name} is no layer of torch's own")
    arguments = []
    for argument in inspect.signature(type(module)).parameters.values():
        if argument.name in HELD or not hasattr(module, argument.name):
            continue
        required = argument.default is inspect.Parameter.empty
        keyword = "" if required else argument.name
        value = _given(module, argument.name)
        arguments.append(Argument(keyword, argument.name, value, argument.default))
    return Declaration(f"nn.{name}", tuple(arguments))


def _given(module: nn.Module, name: str) -> Any:
    """What a constructor's argument was: (3, 3) as 3, a bias as whether there is one."""
    value = getattr(module, name)
    if name == "bias":
        without = getattr(module, "affine", getattr(module, "elementwise_affine", True))
        return value is not None or not without
    if isinstance(value, tuple) and len(set(value)) == 1:
        return value[0] if len(value) == 1 or name != "normalized_shape" else value
    return value


def declare_tensor(tensor: torch.Tensor, is_saved: bool) -> Declaration:
    """A parameter, a buffer or a constant that stands in no layer."""
    dtype = Argument("dtype", "dtype", tensor.dtype, torch.float32)
    if not is_saved:
        values = Declaration("torch.tensor", (Argument("", "values", tensor.tolist()), dtype))
        return Declaration(
            "nn.Buffer",
            (Argument("", "values", values), Argument("persistent", "persistent", False)),
        )
    shape = tuple(Argument("", "size", size) for size in tensor.shape)
    if not isinstance(tensor, nn.Parameter):
        return Declaration("Stored", (*shape, dtype))
    first = tensor.flatten()[0].item() if tensor.numel() else 0.0
    if bool((tensor == first).all()):
        return Declaration("Weight", (*shape, Argument("start", "start", first, 0.0)))
    return Declaration("Matrix", shape)


def name_of(function: Any) -> str:
    """``torch.cat`` of a function of torch's own. Raises TypeError for any other."""
    name = getattr(function, "__name__", "")
    if function is torch.linalg.vector_norm:  # calls itself linalg_vector_norm
        return "torch.linalg.vector_norm"
    for prefix, home in MODULES.items():
        if getattr(home, name, None) is function:
            return f"{prefix}.{name}"
    raise TypeError(f"{function!r} is no function of torch's own")


def literal(value: Any) -> str:
    """A value as Python source. Raises ModelError for a string that is no plain word."""
    if isinstance(value, float) and not math.isfinite(value):
        return f'float("{value}")'
    if isinstance(value, str):
        if not WORD.fullmatch(value):
            raise ModelError("attributes", f"{value!r} stands in no source code")
        return f'"{value}"'
    if isinstance(value, tuple):
        inner = ", ".join(map(literal, value))
        return f"({inner},)" if len(value) == 1 else f"({inner})"
    if isinstance(value, list):
        return f"[{', '.join(map(literal, value))}]"
    if value is None or isinstance(value, bool | int | float | torch.dtype):
        return str(value)
    if value is Ellipsis:
        return "..."
    raise TypeError(f"{value!r} has no source form")

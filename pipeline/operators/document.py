"""The registry as a table for people: ``python -m pipeline.operators.document`` prints
docs/operators.md, made from the registry and from what its examples turn into."""

from __future__ import annotations

import operator
from collections.abc import Iterator

import torch
from torch.nn import functional

from pipeline.graph.network import Value
from pipeline.operators.example_models import model_of
from pipeline.operators.read_onnx import read_skeleton_network
from pipeline.operators.registry import Operator, registered
from pipeline.operators.schema import (
    OPSET,
    default_attributes,
    formal_name,
    position_of,
    schema_of,
)
from pipeline.operators.to_torch import to_torch

HEAD = """\
# Operators

Made by `python -m pipeline.operators.document`; do not edit. {paper} operators of the paper
and {extension} beyond it have a torch form, tested against ONNX Runtime on {examples}
examples. Any other operator of ONNX opset {opset} is read, stored and written back unchanged.

An attribute stands with ONNX's default, or with `?` where it has none or one that depends on
the shapes; those in *italics* are constant inputs of the operator. A parameter is a weight:
`W -> weight` is ONNX's name for it and the torch module's. Under "Torch" stands everything
that the examples of an operator turn into.

| Operator | Source | Attributes | Parameters | Torch | Examples |
|---|---|---|---|---|---|
"""


def document() -> str:
    """docs/operators.md."""
    operators = registered()
    paper = sum(o.paper for o in operators.values())
    head = HEAD.format(
        paper=paper,
        extension=len(operators) - paper,
        examples=sum(len(o.examples) for o in operators.values()),
        opset=OPSET,
    )
    ordered = sorted(operators.values(), key=lambda o: (not o.paper, o.name))
    return head + "".join(f"| {' | '.join(row(o))} |\n" for o in ordered)


def row(entry: Operator) -> tuple[str, ...]:
    """The cells of one operator."""
    return (
        entry.name,
        "paper" if entry.paper else "extension",
        ", ".join(attributes_of(entry)),
        ", ".join(parameter_names(entry)),
        ", ".join(f"`{form}`" for form in torch_forms(entry)),
        str(len(entry.examples)),
    )


def attributes_of(entry: Operator) -> Iterator[str]:
    """``axis = 1`` for each attribute of the schema that is kept, then the constant inputs."""
    defaults = dict(default_attributes(entry.name))
    for name in sorted(schema_of(entry.name).attributes):
        if name not in entry.drop:
            yield f"{name} = {spell(defaults[name])}" if name in defaults else f"{name} ?"
    constants = {
        formal_name(entry.name, position_of(entry.name, formal))
        for example in entry.examples
        for formal in example.constants
        if formal not in entry.drop
    }
    yield from (f"*{name}*" for name in sorted(constants))


def spell(value: Value) -> str:
    """A default as a person writes it."""
    return f"{value:g}" if isinstance(value, float) else str(value)


def parameter_names(entry: Operator) -> list[str]:
    """The weights that the examples have."""
    names = entry.torch_names
    used = {formal for example in entry.examples for formal in example.parameters}
    return [f"{n} -> {names[n]}" if n in names else n for n in sorted(used | names.keys())]


def torch_forms(entry: Operator) -> list[str]:
    """What the examples of one operand become in torch, the plainest first."""
    forms: dict[str, None] = {}
    for example in entry.examples:
        if len(example.inputs) > 1 or example.inputs[0][0] != 1:
            continue  # these are fed through a Slice and a Reshape
        module = to_torch(read_skeleton_network(model_of(entry.name, example)))
        for node in module.graph.nodes:  # type: ignore[union-attr]
            if node.op == "call_module":
                forms[f"nn.{type(module.get_submodule(node.target)).__name__}"] = None
            elif node.op == "call_method":
                forms[f"Tensor.{node.target}"] = None
            elif node.op == "call_function":
                forms[function_name(node.target)] = None
    return list(forms)


def function_name(function: object) -> str:
    """``F.pad``, ``torch.clamp``, ``operator.add``."""
    name = getattr(function, "__name__", "")
    homes = {
        "F": functional,
        "torch": torch,
        "torch.linalg": torch.linalg,
        "operator": operator,
    }
    for home, module in homes.items():
        for spelled in (name, name.removeprefix("linalg_")):
            if getattr(module, spelled, None) is function:
                return f"{home}.{spelled}"
    raise LookupError(f"{function!r} is no public function of torch")


if __name__ == "__main__":
    print(document(), end="")

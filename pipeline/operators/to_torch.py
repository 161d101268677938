"""Network -> a torch module that runs, trains, and prints as readable source.

The module is a ``torch.fx.GraphModule``: its ``code`` is plain Python, its ``state_dict`` keys
are the parameter names of the network (``conv_3.weight``), the same as in written ONNX files.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import torch
from onnx import helper
from torch import fx, nn
from torch.nn import functional

from pipeline.errors import ModelError
from pipeline.graph.network import INPUT, OUTPUT, Network, Shape, Value
from pipeline.operators.operands import FLOAT, Tensor
from pipeline.operators.registry import torch_operator
from pipeline.operators.schema import formal_name, position_of
from pipeline.operators.shapes import Layer, infer_layers
from pipeline.operators.sharing import shared_parameters


def to_torch(network: Network, weights: Mapping[str, np.ndarray] | None = None) -> nn.Module:
    """A trainable module computing the network; parameters initialised as torch's layers are,
    or taken from ``weights`` (parameter name -> array, as :func:`read_weights` gives them).

    Takes a float tensor (batch, *input_shape); returns a tensor, or a tuple of several.
    Raises UnsupportedOperator naming an operator without a torch form, ModelError for weights
    that do not fit.
    """
    builder = TorchBuilder(network)
    module = builder.build()
    if weights is not None:
        copy_weights(module, weights)
    return module


def copy_weights(module: nn.Module, weights: Mapping[str, np.ndarray]) -> None:
    """Copy weights into a module. Raises ModelError for a missing name or another shape."""
    state = module.state_dict()
    for name, tensor in state.items():
        if name.endswith("num_batches_tracked"):
            continue
        if name not in weights:
            raise ModelError("weights", f"no weights for {name}")
        if tuple(weights[name].shape) != tuple(tensor.shape):
            raise ModelError(
                "weights", f"{name} is {tuple(tensor.shape)}, given {weights[name].shape}"
            )
        tensor.copy_(torch.from_numpy(np.array(weights[name])))


class TorchBuilder:
    """Builds one fx graph, layer by layer."""

    def __init__(self, network: Network) -> None:
        self.layers = infer_layers(network)
        self.root = nn.Module()
        self.graph = fx.Graph()
        self.outputs: list[list[Any]] = []

    def build(self) -> fx.GraphModule:
        """The finished module."""
        for layer in self.layers:
            self.outputs.append(self._build_layer(layer))
        module = fx.GraphModule(self.root, self.graph, class_name="Network")
        module.graph.lint()
        for name, owner in shared_parameters(self.layers).items():
            _share(module, name, owner)
        return module

    def _build_layer(self, layer: Layer) -> list[Any]:
        if layer.vertex.operator == INPUT:
            return [self.graph.placeholder("input")]
        operands = [self.outputs[o.source][o.output] for o in layer.vertex.operands]
        if layer.vertex.operator == OUTPUT:
            self.graph.output(operands[0] if len(operands) == 1 else tuple(operands))
            return operands
        built = torch_operator(layer.vertex.operator).build(TorchLayer(self, layer, operands))
        return built if isinstance(built, list) else [built]


def _share(module: nn.Module, name: str, owner: str) -> None:
    """Put the parameter ``owner`` in the place of ``name``."""
    place, _, last = name.rpartition(".")
    setattr(module.get_submodule(place), last, module.get_parameter(owner))


class TorchLayer:
    """What an operator's ``build`` sees: its attributes, its operands as fx nodes, and the
    three ways to add to the graph (a module, a function call, a parameter)."""

    nn, functional, torch = nn, functional, torch

    def __init__(self, builder: TorchBuilder, layer: Layer, operands: list[fx.Node]) -> None:
        self._builder, self._layer = builder, layer
        self._edges = {
            o.position: (node, tensor)
            for o, node, tensor in zip(
                layer.vertex.operands, operands, layer.operands, strict=True
            )
        }
        self.attributes: dict[str, Value] = dict(layer.vertex.attributes)

    def __getitem__(self, name: str) -> Any:
        return self.attributes[name]

    def get(self, name: str, default: Any = None) -> Any:
        """An attribute, or ``default``."""
        return self.attributes.get(name, default)

    @property
    def operator(self) -> str:
        """Its ONNX name, for errors."""
        return self._layer.vertex.operator

    @property
    def dtype(self) -> int:
        """Element type (TensorProto.DataType) of the first output."""
        return self._layer.outputs[0].dtype

    @property
    def x(self) -> fx.Node:
        """The first data operand."""
        return next(iter(self._edges.values()))[0]

    @property
    def shape(self) -> Shape:
        """The shape of the first data operand, at batch size 1."""
        return self._layer.operands[0].shape

    @property
    def output_shape(self) -> Shape:
        """The shape of the first output, at batch size 1."""
        return self._layer.outputs[0].shape

    @property
    def positions(self) -> list[int]:
        """ONNX input positions that are filled by anything at all, in order."""
        operator = self._layer.vertex.operator
        named = [
            position_of(operator, n) for n in self._layer.parameters | self._layer.constants
        ]
        return sorted({*self._edges, *(p for p in named if p is not None)})

    def has_edge(self, position: int) -> bool:
        return position in self._edges

    def operand_shape(self, position: int) -> Shape | None:
        """The shape of whatever fills an input position, at batch size 1; None when empty."""
        if position in self._edges:
            return self._edges[position][1].shape
        formal = formal_name(self._layer.vertex.operator, position)
        if formal in self._layer.parameters:
            return self._layer.parameters[formal].shape
        constant = self._layer.constants.get(formal)
        return None if constant is None else tuple(constant.shape)

    def operand(self, position: int) -> Any:
        """The operand at an ONNX input position: an fx node, a Python scalar, or None."""
        if position in self._edges:
            return self._edges[position][0]
        formal = formal_name(self._layer.vertex.operator, position)
        if formal in self._layer.parameters:
            return self.parameter(formal, self._layer.parameters[formal])
        return self.constant(formal)

    def constant(self, formal: str) -> Any:
        """A constant operand: a scalar as a number, an array as a buffer, or None."""
        array = self._layer.constants.get(formal)
        if array is None:
            return None
        if array.ndim == 0:
            return array.item()
        self._holder().register_buffer(
            formal, torch.from_numpy(array.copy()), persistent=False
        )
        return self._builder.graph.get_attr(f"{self._layer.name}.{formal}")

    def numbers(self, formal: str, default: Any = None) -> Any:
        """A constant operand as plain numbers (axes, pads, a target shape)."""
        value = self.attributes.get(formal)
        return default if value is None else value

    def parameter(self, formal: str, tensor: Tensor) -> fx.Node:
        """A parameter of its own, standing in no torch layer."""
        name = self._layer.parameter_name(formal)
        suffix = name.rpartition(".")[2]
        if tensor.dtype == FLOAT:
            self._holder().register_parameter(
                suffix, nn.Parameter(self._initial(formal, tensor))
            )
        else:
            dtype = helper.tensor_dtype_to_np_dtype(tensor.dtype)
            zeros = torch.from_numpy(np.zeros(tensor.shape, dtype=dtype))
            self._holder().register_buffer(suffix, zeros)
        return self._builder.graph.get_attr(name)

    def parameter_shape(self, formal: str) -> Shape | None:
        tensor = self._layer.parameters.get(formal)
        return None if tensor is None else tensor.shape

    def module(self, module: nn.Module, *arguments: Any) -> fx.Node:
        """Call a torch layer, which becomes the submodule named after this vertex."""
        self._builder.root.add_module(self._layer.name, module)
        return self._builder.graph.call_module(self._layer.name, arguments or (self.x,))

    def call(self, function: Callable[..., Any], *arguments: Any, **keywords: Any) -> fx.Node:
        """Call a function of torch."""
        return self._builder.graph.call_function(function, arguments, keywords)

    def method(self, name: str, *arguments: Any, **keywords: Any) -> fx.Node:
        """Call a method of the first argument."""
        return self._builder.graph.call_method(name, arguments, keywords)

    def _initial(self, formal: str, tensor: Tensor) -> torch.Tensor:
        """What the operator says (a scale at 1), a matrix as nn.Linear starts it, or 0."""
        values = torch.zeros(tensor.shape)
        initial = torch_operator(self.operator).initial.get(formal)
        if initial is not None:
            return values.fill_(initial)
        if len(tensor.shape) >= 2 and min(tensor.shape[-2:]) > 1:
            return nn.init.kaiming_uniform_(values, a=5**0.5)
        return values

    def _holder(self) -> nn.Module:
        if not hasattr(self._builder.root, self._layer.name):
            self._builder.root.add_module(self._layer.name, nn.Module())
        return getattr(self._builder.root, self._layer.name)

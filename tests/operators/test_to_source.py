"""Written source, executed, is the module that to_torch builds."""

from __future__ import annotations

import ast
import io
import warnings
from pathlib import Path

import onnx
import pytest
import torch
from numbers_agree import assert_same_module
from onnx import TensorProto, helper, parser

from pipeline.errors import ModelError, UnsupportedOperator
from pipeline.graph.canonical import canonicalise
from pipeline.graph.network import Network, Operand, Vertex
from pipeline.operators.example_models import model_of
from pipeline.operators.read_onnx import read_onnx, read_skeleton_network
from pipeline.operators.registry import Example, registered
from pipeline.operators.to_source import to_source

LIGHT = Path(onnx.__file__).parent / "backend/test/data/light"
WIDTH = 95
EXAMPLES = [
    pytest.param(name, example, id=f"{name}-{number}")
    for name, operator in sorted(registered().items())
    for number, example in enumerate(operator.examples)
]


def export(module: torch.nn.Module, size: int = 64) -> Network:
    buffer = io.BytesIO()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        torch.onnx.export(
            module.eval(), (torch.zeros(1, 3, size, size),), buffer, dynamo=False,
            training=torch.onnx.TrainingMode.PRESERVE, do_constant_folding=False,
            opset_version=20,
        )  # fmt: skip
    return read_onnx(buffer)


def assert_imports_only_torch(source: str) -> None:
    imported = [
        node.names[0].name if isinstance(node, ast.Import) else node.module
        for node in ast.walk(ast.parse(source))
        if isinstance(node, ast.Import | ast.ImportFrom)
    ]
    assert set(imported) <= {"torch", "torch.nn"}


@pytest.mark.parametrize(("name", "example"), EXAMPLES)
def test_every_operator_as_source(name: str, example: Example) -> None:
    network = read_onnx(io.BytesIO(model_of(name, example).SerializeToString()))
    source = to_source(network)
    assert_imports_only_torch(source)
    assert_same_module(network, source)


@pytest.mark.parametrize(
    ("name", "lines"),
    [("resnet18", 80), ("alexnet", 40), ("mobilenet_v3_small", 140), ("densenet121", 260)],
)
def test_networks_of_torchvision(name: str, lines: int) -> None:
    import torchvision

    size = 224 if name == "alexnet" else 64
    network = export(torchvision.models.get_model(name, weights=None), size)
    source = to_source(network)
    assert source.count("\n") <= lines
    assert max(map(len, source.splitlines())) <= WIDTH
    assert_imports_only_torch(source)
    assert_same_module(network, source)


@pytest.mark.parametrize("name", ["light_squeezenet", "light_shufflenet"])
def test_networks_of_the_model_zoo(name: str) -> None:
    network = read_onnx(LIGHT / f"{name}.onnx")
    assert_same_module(network, to_source(network))


def test_repeated_blocks_are_a_class() -> None:
    class Residual(torch.nn.Module):
        def __init__(self, channels: int) -> None:
            super().__init__()
            self.conv = torch.nn.Conv2d(channels, channels, 3, padding=1)

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return torch.relu(self.conv(x) + x)

    layers = [Residual(3), Residual(3), Residual(3), torch.nn.Conv2d(3, 8, 1), Residual(8)]
    source = to_source(export(torch.nn.Sequential(*layers), 8))
    assert source.count("nn.Conv2d(channels, channels, 3, padding=1)") == 1
    assert "*[Block1(3) for _ in range(3)]" in source
    assert "Block1(8)" in source


def test_several_outputs_and_constants() -> None:
    text = (
        '<ir_version: 8, opset_import: ["": 20]> g (float[1,4,6] x) => (float y, float z)'
        "{ c = Constant<value = int64[2] {2, 0}>() "
        "a = Gather<axis = 1>(x, c) b = Relu(x) s = Sigmoid(b) t = Tanh(b) "
        "y = Add(s, t) z = Exp(a) }"
    )
    network = read_skeleton_network(parser.parse_model(text))
    source = to_source(network)
    assert "torch.tensor([2, 0], dtype=torch.int64)" in source
    assert_same_module(network, source)


def test_an_operator_without_a_torch_form_is_refused_by_name() -> None:
    text = (
        '<ir_version: 8, opset_import: ["": 20]> g (float[1,4] x) => (float y) '
        "{ y = Hardmax(x) }"
    )
    network = read_skeleton_network(parser.parse_model(text))
    with pytest.raises(UnsupportedOperator, match="Hardmax"):
        to_source(network)


def test_a_files_text_never_becomes_code() -> None:
    evil = 'none"); import os; os.abort() #'
    gelu = Vertex("Gelu", (("approximate", evil),), (Operand(0),))
    source = Vertex("Input", (("dtype", "float32"), ("shape", (4,))))
    network, _ = canonicalise([source, gelu, Vertex("Output", (), (Operand(1),))], 2)
    with pytest.raises(ModelError, match="stands in no source code"):
        to_source(network)


def test_names_in_a_file_are_not_written() -> None:
    x = helper.make_tensor_value_info("os.abort()", TensorProto.FLOAT, (1, 4))
    y = helper.make_tensor_value_info("y", TensorProto.FLOAT, (1, 4))
    node = helper.make_node("Relu", ["os.abort()"], ["y"], name="os.abort()")
    graph = helper.make_graph([node], "os.abort()", [x], [y])
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 20)])
    assert "abort" not in to_source(read_skeleton_network(model))

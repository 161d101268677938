"""Exporting: the architecture survives, weights do not, failures are refused by reason."""

from __future__ import annotations

import io
from collections import Counter
from pathlib import Path

import numpy as np
import onnx
import onnxruntime
import pytest
import torch
from torch import Tensor, nn

from pipeline.errors import ModelError
from pipeline.harvest.export import (
    export_fetched,
    export_skeleton,
    export_with_weights,
    uninitialised,
)
from pipeline.operators.read_onnx import read_onnx, read_skeleton_network
from pipeline.weightless.skeleton import read_skeleton


class Small(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.body = nn.Sequential(nn.Conv2d(3, 4, 3), nn.BatchNorm2d(4), nn.ReLU())
        self.drop = nn.Dropout(0.3)
        self.head = nn.Linear(4 * 6 * 6, 2)
        self.gain = nn.Parameter(torch.tensor(0.5))

    def forward(self, image: Tensor) -> Tensor:
        return self.gain * self.head(self.drop(self.body(image).flatten(1)))


IMAGE = torch.zeros(1, 3, 8, 8)


def exported() -> onnx.ModelProto:
    return onnx.ModelProto.FromString(export_skeleton(Small(), IMAGE))


def test_no_operator_is_folded_and_dropout_stays() -> None:
    operators = Counter(node.op_type for node in exported().graph.node)
    expected = ("Conv", "BatchNormalization", "Relu", "Flatten", "Dropout", "Gemm")
    assert {name: operators[name] for name in expected} == dict.fromkeys(expected, 1)


def test_weights_are_inputs_named_as_in_the_state_dict() -> None:
    graph = exported().graph
    names = {value.name for value in graph.input}
    parameters = {n for n in Small().state_dict() if not n.endswith("num_batches_tracked")}
    assert names == {"input", *parameters}
    assert [value.name for value in graph.output] == ["output"]
    assert not graph.initializer


def test_the_data_input_is_declared() -> None:
    properties = {p.key: p.value for p in exported().metadata_props}
    assert properties["nn2vec.data_inputs"] == "input"


def test_only_dropout_is_in_training_mode() -> None:
    module = Small()
    export_skeleton(module, IMAGE)
    assert [type(m) for m in module.modules() if m.training] == [nn.Dropout]


def test_exporting_twice_gives_the_same_bytes() -> None:
    assert export_fetched(Small(), IMAGE) == export_fetched(Small(), IMAGE)


def test_a_file_with_weights_computes_what_the_module_does(tmp_path: Path) -> None:
    module, image = Small(), torch.rand(1, 3, 8, 8)
    export_with_weights(module, IMAGE, tmp_path / "small.onnx")
    module.eval()
    session = onnxruntime.InferenceSession(tmp_path / "small.onnx")
    model = onnx.load(tmp_path / "small.onnx")
    assert {i.name for i in model.graph.initializer} <= set(module.state_dict())
    assert [node.op_type for node in model.graph.node].count("Identity") == 0
    # Dropout in training mode is random: compared with its probability at zero.
    for node in model.graph.node:
        if node.op_type == "Dropout":
            node.input[1:] = []
    onnx.save(model, tmp_path / "still.onnx")
    session = onnxruntime.InferenceSession(tmp_path / "still.onnx")
    (output,) = session.run(["output"], {"input": image.numpy()})
    np.testing.assert_allclose(output, module(image).detach().numpy(), atol=1e-5)


def test_the_file_with_weights_has_the_same_skeleton(tmp_path: Path) -> None:
    export_with_weights(Small(), IMAGE, tmp_path / "small.onnx")
    bare = read_skeleton(io.BytesIO(export_skeleton(Small(), IMAGE)))
    assert [
        n.SerializeToString() for n in read_skeleton(tmp_path / "small.onnx").graph.node
    ] == [n.SerializeToString() for n in bare.graph.node]
    assert read_onnx(tmp_path / "small.onnx") == read_skeleton_network(bare)


def test_building_skips_large_weights_only_while_it_is_asked_to() -> None:
    original = torch.Tensor.normal_
    with uninitialised():
        big = torch.full((100, 100), 7.0).normal_()
        small = torch.full((3,), 7.0).normal_()
        nn.init.trunc_normal_(torch.full((100, 100), 7.0))
    assert bool((big == 7.0).all())
    assert not bool((small == 7.0).any())
    assert torch.Tensor.normal_ is original


class Broken(nn.Module):
    def forward(self, image: Tensor) -> Tensor:
        raise RuntimeError("first line\nsecond line")


class Greedy(nn.Module):
    def forward(self, image: Tensor) -> Tensor:
        return image + torch.empty(1 << 50)


@pytest.mark.parametrize(
    ("module", "reason", "detail"),
    [(Broken(), "export_failed", "first line"), (Greedy(), "memory", "memory")],
)
def test_a_module_that_fails_is_refused(module: nn.Module, reason: str, detail: str) -> None:
    with pytest.raises(ModelError) as caught:
        export_skeleton(module, IMAGE)
    assert caught.value.reason == reason
    assert detail in caught.value.detail
    assert "\n" not in caught.value.detail

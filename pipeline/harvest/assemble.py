"""Networks put together node by node, the way torch's exporter writes them, in milliseconds:
for spaces that are too large to build every network as a torch module and export it."""

from __future__ import annotations

import hashlib
import io
from collections.abc import Sequence
from typing import Any

import onnx
from onnx import TensorProto, helper

from pipeline.harvest.candidate import Fetched
from pipeline.weightless.skeleton import read_skeleton

OPSET = 20
EDITION = "assembled 1"  # the version of what is made here: a change makes new files


class Assembly:
    """An ONNX graph under construction. Values are named; a node without weights that stands
    already is used again, as the exporter does."""

    def __init__(self, shape: Sequence[int]) -> None:
        self._nodes: list[onnx.NodeProto] = []
        self._inputs = [helper.make_tensor_value_info("input", TensorProto.FLOAT, shape)]
        self._known: dict[str, str] = {}

    def convolve(
        self, value: str, channels_in: int, channels: int, kernel: int, stride: int = 1,
        groups: int = 1,
    ) -> str:  # fmt: skip
        """A convolution without bias that keeps the image's size but for its stride."""
        weight = self._weight(channels, channels_in // groups, kernel, kernel)
        return self._add(
            "Conv", [value, weight], dilations=[1, 1], group=groups,
            kernel_shape=[kernel] * 2, pads=[kernel // 2] * 4, strides=[stride] * 2,
        )  # fmt: skip

    def normalise(self, value: str, channels: int) -> str:
        """Batch normalisation."""
        weights = [self._weight(channels) for _ in range(4)]
        return self._add(
            "BatchNormalization",
            [value, *weights],
            epsilon=1e-5,
            momentum=0.9,
            training_mode=0,
        )

    def relu(self, value: str) -> str:
        return self._add("Relu", [value])

    def add(self, first: str, second: str) -> str:
        return self._add("Add", [first, second])

    def concatenate(self, values: Sequence[str]) -> str:
        """Along the channels."""
        return self._add("Concat", values, axis=1)

    def average(
        self, value: str, kernel: int, stride: int, pad: int = 0, count_pad: bool = True
    ) -> str:
        """Average pooling."""
        return self._add(
            "AveragePool", [value], ceil_mode=0, count_include_pad=int(count_pad),
            kernel_shape=[kernel] * 2, pads=[pad] * 4, strides=[stride] * 2,
        )  # fmt: skip

    def maximum(self, value: str, kernel: int, stride: int, pad: int = 0) -> str:
        """Maximum pooling."""
        return self._add(
            "MaxPool", [value], ceil_mode=0, dilations=[1, 1], kernel_shape=[kernel] * 2,
            pads=[pad] * 4, strides=[stride] * 2,
        )  # fmt: skip

    def classify(self, value: str, channels: int, classes: int = 10) -> str:
        """The mean of each channel, and a linear layer."""
        pooled = self._add("Flatten", [self._add("GlobalAveragePool", [value])], axis=1)
        weights = [self._weight(classes, channels), self._weight(classes)]
        return self._add("Gemm", [pooled, *weights], alpha=1.0, beta=1.0, transB=1)

    def fetched(self, output: str, shape: Sequence[int]) -> Fetched:
        """The finished graph as a harvested file."""
        value = helper.make_tensor_value_info(output, TensorProto.FLOAT, shape)
        graph = helper.make_graph(self._nodes, "network", self._inputs, [value])
        model = helper.make_model(
            graph, opset_imports=[helper.make_opsetid("", OPSET)], ir_version=9,
            producer_name="nn2vec",
        )  # fmt: skip
        content = model.SerializeToString(deterministic=True)
        digest = "sha256:" + hashlib.sha256(content).hexdigest()
        return Fetched(read_skeleton(io.BytesIO(content)), digest, len(content))

    def _weight(self, *shape: int) -> str:
        name = f"weight_{len(self._inputs)}"
        self._inputs.append(helper.make_tensor_value_info(name, TensorProto.FLOAT, shape))
        return name

    def _add(self, operator: str, inputs: Sequence[str], **attributes: Any) -> str:
        key = repr((operator, tuple(inputs), attributes))
        if key not in self._known:
            name = f"value_{len(self._nodes)}"
            self._nodes.append(helper.make_node(operator, inputs, [name], **attributes))
            self._known[key] = name
        return self._known[key]

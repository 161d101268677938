"""Graphs in ONNX's text syntax, their inference form, and the weights that it needs."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

import numpy as np
import onnxruntime
from onnx import ModelProto, numpy_helper, parser

from pipeline.design.design import design_of
from pipeline.graph.network import INPUT, OUTPUT, Network
from pipeline.operators.read_onnx import read_skeleton_network
from pipeline.operators.write_onnx import to_onnx

Arrays = dict[str, np.ndarray]
IMAGE = (1, 4, 6, 6)
HEAD = '<ir_version: 8, opset_import: ["": 20]>'


@dataclass(frozen=True)
class Spelling:
    """A graph ``x -> y``; ``becomes``: the operators of its inference form; ``fold``: its
    weights -> those of the inference form, by formal name of the only layer that has any."""

    body: str
    becomes: str
    data: tuple[int, ...] = IMAGE
    weights: Mapping[str, tuple[int, ...]] = field(default_factory=dict)
    fold: Callable[[Arrays], Arrays] = lambda arrays: arrays
    positive: bool = False

    def arrays(self) -> Arrays:
        """Seeded weights; those named var are variances."""
        draw = np.random.default_rng(7)
        arrays = {
            n: draw.standard_normal(s).astype(np.float32) for n, s in self.weights.items()
        }
        return {n: np.abs(a) + 0.5 if n == "var" else a for n, a in arrays.items()}

    def model(self) -> ModelProto:
        """The file, with its weights."""
        shapes = {"x": self.data, **self.weights}
        inputs = ", ".join(f"float[{','.join(map(str, s))}] {n}" for n, s in shapes.items())
        model = parser.parse_model(f"{HEAD} g ({inputs}) => (float y) {{ {self.body} }}")
        del model.graph.input[1:]
        model.graph.initializer.extend(
            numpy_helper.from_array(array, name) for name, array in self.arrays().items()
        )
        return model

    def network(self) -> Network:
        """As it is read."""
        return read_skeleton_network(self.model())

    def folded(self) -> ModelProto:
        """The inference form as a file, with the weights that follow from the original's."""
        design = design_of(self.network())
        names = [n.name for n in to_onnx(design).graph.initializer if "constant" not in n.name]
        folded = self.fold(self.arrays())
        suffixed = {name: folded[name.rpartition(".")[2]] for name in names}
        return to_onnx(design, suffixed)

    def input(self) -> np.ndarray:
        """A seeded image, with values beyond every limit; above 0 where asked for."""
        x = 4 * np.random.default_rng(3).standard_normal(self.data).astype(np.float32)
        return np.abs(x) + 0.1 if self.positive else x


def operators_of(network: Network) -> str:
    """In canonical order, without Input and Output."""
    names = (v.operator for v in network.vertices)
    return " ".join(name for name in names if name not in (INPUT, OUTPUT))


def run(model: ModelProto, x: np.ndarray) -> np.ndarray:
    """What ONNX Runtime computes, nothing optimised."""
    options = onnxruntime.SessionOptions()
    options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL
    options.log_severity_level = 4
    session = onnxruntime.InferenceSession(
        model.SerializeToString(), options, providers=["CPUExecutionProvider"]
    )
    return session.run(None, {session.get_inputs()[0].name: x})[0]

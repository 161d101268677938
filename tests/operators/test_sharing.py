"""Shared weights are architecture: read, written and built as one tensor."""

from __future__ import annotations

import io
from dataclasses import replace

import numpy as np
import onnxruntime
import pytest
import torch
from onnx import ModelProto, numpy_helper, parser

from pipeline.errors import UnsupportedOperator
from pipeline.graph.network import Network
from pipeline.operators.read_onnx import read_onnx, read_skeleton_network, read_weights
from pipeline.operators.shapes import infer_layers
from pipeline.operators.sharing import shared_parameters
from pipeline.operators.to_source import to_source
from pipeline.operators.to_torch import to_torch
from pipeline.operators.write_onnx import to_onnx, to_skeleton
from pipeline.tables.describe import count_trained

KERNEL = 4 * 4 * 3 * 3


def model(first: str, second: str, *names: str, size: int = 3) -> ModelProto:
    """Two convolutions, one after the other, of the weights of these names."""
    made = parser.parse_model(f"""
        <ir_version: 9, opset_import: ["" : 20]>
        net (float[1, 4, 6, 6] x) => (float[1, 4, 6, 6] y) {{
            h = Conv <pads = [1, 1, 1, 1]> (x, {first})
            r = Relu (h)
            y = Conv <pads = [1, 1, 1, 1]> (r, {second})
        }}
    """)
    draw = np.random.default_rng(0)
    for name in names:
        values = draw.standard_normal((4, 4, size, size), dtype=np.float32)
        made.graph.initializer.append(numpy_helper.from_array(values, name))
    return made


def network(made: ModelProto) -> Network:
    return read_onnx(io.BytesIO(made.SerializeToString()))


SHARED, APART = model("w", "w", "w"), model("w", "v", "w", "v")


def test_one_kernel_twice_is_another_network_than_two() -> None:
    shared, apart = network(SHARED), network(APART)
    assert shared.fingerprint != apart.fingerprint
    assert [v.get("W.shared") for v in shared.vertices] == [None, 0, None, 0, None]
    assert all(v.get("W.shared") is None for v in apart.vertices)


def test_an_identity_between_shares_all_the_same() -> None:
    made = model("w", "v", "w")
    node = parser.parse_node("v = Identity(w)")
    made.graph.node.insert(0, node)
    assert network(made) == network(SHARED)


def test_vectors_that_are_one_tensor_say_nothing() -> None:
    """Exporters merge vectors of equal values."""
    bodies, ones = [], np.ones(4, np.float32)
    for second in ("b", "c"):
        made = model("w", "v", "w", "v", size=1)
        for node, bias in zip(made.graph.node[::2], ("b", second), strict=True):
            node.input.append(bias)
            del node.attribute[:]
        for name in {"b", second}:
            made.graph.initializer.append(numpy_helper.from_array(ones, name))
        bodies.append(network(made))
    assert bodies[0] == bodies[1]


def test_written_files_hold_it_once_and_read_the_same() -> None:
    shared = network(SHARED)
    written = to_onnx(shared)
    assert [tuple(i.dims) for i in written.graph.initializer] == [(4, 4, 3, 3)]
    assert network(written) == shared
    assert read_skeleton_network(to_skeleton(shared)) == shared


def test_it_is_trained_once_and_counted_once() -> None:
    shared, apart = network(SHARED), network(APART)
    assert count_trained(infer_layers(shared)) == KERNEL
    assert count_trained(infer_layers(apart)) == 2 * KERNEL
    assert sum(p.numel() for p in to_torch(shared).parameters()) == KERNEL
    assert sum(p.numel() for p in to_torch(apart).parameters()) == 2 * KERNEL


@pytest.mark.parametrize("made", [SHARED, APART])
def test_the_numbers_are_those_of_the_file(made: ModelProto) -> None:
    content = made.SerializeToString()
    found = network(made)
    module = to_torch(found, read_weights(io.BytesIO(content), found))
    x = np.random.default_rng(1).standard_normal((1, 4, 6, 6), dtype=np.float32)
    session = onnxruntime.InferenceSession(content, providers=["CPUExecutionProvider"])
    (expected,) = session.run(None, {"x": x})
    np.testing.assert_allclose(module(torch.from_numpy(x)).detach(), expected, atol=1e-4)


def test_vertices_that_disagree_share_nothing() -> None:
    """A number with another shape is another tensor: no draft is invalid for it."""
    shared = network(SHARED)
    assert shared_parameters(infer_layers(shared)) == {"conv_3.weight": "conv_1.weight"}
    vertices = list(shared.vertices)
    values = dict(vertices[3].attributes) | {"group": 2}
    vertices[3] = replace(vertices[3], attributes=tuple(sorted(values.items())))
    assert shared_parameters(infer_layers(Network(tuple(vertices)))) == {}


def test_source_code_of_it_is_refused() -> None:
    with pytest.raises(UnsupportedOperator, match="shared_weights"):
        to_source(network(SHARED))

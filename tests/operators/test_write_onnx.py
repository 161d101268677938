"""What no file holds is not written; what is written and read again, see test_read_onnx.py."""

from __future__ import annotations

from pathlib import Path

import pytest
from onnx import TensorProto, helper, parser

from pipeline.errors import ModelError
from pipeline.operators.read_onnx import read_skeleton_network
from pipeline.operators.write_onnx import write_onnx
from pipeline.weightless.skeleton import DATA_INPUTS


def test_more_weights_than_a_file_holds_are_refused_before_any_is_drawn(
    tmp_path: Path,
) -> None:
    wide = parser.parse_model("""
        <ir_version: 10, opset_import: ["" : 20]>
        net (float[1, 4] x) => (float[1, 30000] y) { a = Gemm (x, v)  y = Gemm (a, w) }
    """)
    for name, shape in (("v", (4, 30_000)), ("w", (30_000, 30_000))):
        wide.graph.input.append(helper.make_tensor_value_info(name, TensorProto.FLOAT, shape))
    wide.metadata_props.add(key=DATA_INPUTS, value="x")
    network = read_skeleton_network(wide)
    with pytest.raises(ModelError, match="holds 2 GiB"):
        write_onnx(network, tmp_path / "n.onnx")
    assert not (tmp_path / "n.onnx").exists()

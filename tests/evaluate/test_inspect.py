"""What a file is said to be."""

from __future__ import annotations

from onnx import TensorProto, helper, save

from pipeline import read_onnx
from pipeline.evaluate.inspect import count_operators, describe_network, unsupported_operators


def test_a_real_model(light):
    network = light["squeezenet"]
    found = describe_network("squeezenet", network)
    assert found["fingerprint"] == network.fingerprint
    assert (found["vertices"], found["edges"]) == (len(network), len(list(network.edges)))
    assert found["parameters"] == 1_235_496  # SqueezeNet 1.1
    assert found["input_shape"] == [1, 3, 224, 224]
    assert found["operators"] == count_operators(network)
    assert sum(found["operators"].values()) == len(network)
    assert found["unsupported"] == []


def test_operators_without_a_torch_form_are_named(tmp_path):
    value = helper.make_tensor_value_info
    graph = helper.make_graph(
        [helper.make_node("Mish", ["x"], ["a"]), helper.make_node("Det", ["a"], ["y"])],
        "net",
        [value("x", TensorProto.FLOAT, [1, 3, 8, 8])],
        [value("y", TensorProto.FLOAT, [1, 3])],
    )
    opsets = [helper.make_opsetid("", 20)]
    save(helper.make_model(graph, opset_imports=opsets, ir_version=9), tmp_path / "a.onnx")
    found = describe_network("a", read_onnx(tmp_path / "a.onnx"))
    assert "Det" in found["unsupported"]


def test_the_ends_are_no_unsupported_operators(light):
    assert unsupported_operators(light["densenet121"]) == ()

"""The conversion measured over a set of networks."""

from __future__ import annotations

import pytest
from onnx import parser

from pipeline.evaluate import validate as module
from pipeline.evaluate.validate import ValidateParams, is_restored, validate
from pipeline.graph.network import Network
from pipeline.operators.read_onnx import read_skeleton_network
from pipeline.weightless.skeleton import DATA_INPUTS


def small(operator: str, size: int = 8) -> Network:
    made = parser.parse_model(f"""
        <ir_version: 9, opset_import: ["" : 20]>
        net (float[1, 3, {size}, {size}] x, float[4, 3, 1, 1] w) => (float[1, 4] y) {{
            a = Conv (x, w)
            y = {operator} (a)
        }}
    """)
    made.metadata_props.add(key=DATA_INPUTS, value="x")
    return read_skeleton_network(made)


def by_fingerprint(*networks: Network) -> dict[str, Network]:
    return {n.fingerprint: n for n in networks}


def test_networks_that_come_back_and_run():
    found = validate(by_fingerprint(small("Relu"), small("Sigmoid")), ValidateParams(run=1))
    assert (found["networks"], found["exact"], found["unequal"]) == (2, 1.0, [])
    assert (found["runs"], found["runs_measured"], found["failures"]) == (1.0, 1, [])


def test_what_does_not_run_is_counted_with_its_reason():
    found = validate(by_fingerprint(small("Relu"), small("Det")), ValidateParams(run=2))
    assert found["runs"] == 0.5
    assert "Det" in found["failures"][0]


def test_what_does_not_come_back_is_named(monkeypatch):
    one, other = small("Relu"), small("Sigmoid")
    monkeypatch.setattr(module, "read_skeleton_network", lambda _: one)
    found = validate(by_fingerprint(one, other), ValidateParams(run=0))
    assert (found["exact"], found["unequal"]) == (0.5, [other.fingerprint])
    assert found["runs_measured"] == 0


@pytest.mark.parametrize("name", ["bvlc_alexnet", "shufflenet", "densenet121"])
def test_real_networks_come_back(light, name):
    assert is_restored(light[name])


def test_nothing_is_nothing():
    assert validate({}, ValidateParams())["networks"] == 0

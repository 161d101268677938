"""Latencies: one file a network, measured once, refused ones with their reason."""

from __future__ import annotations

import json

import pytest

from pipeline.errors import DataError, ModelError
from pipeline.evaluate.latency import latency_ms, measure_latencies, processor
from pipeline.harvest.nasbench201 import CELLS, cell_of
from pipeline.harvest.sources.nasbench201 import assemble
from pipeline.operators.read_onnx import read_skeleton_network
from pipeline.tables.conform import conform
from pipeline.tables.labels import read_measured
from pipeline.tables.tables import table_of

NETWORK = read_skeleton_network(assemble(cell_of(CELLS - 1), 1, 4).skeleton)


def test_a_network_is_measured_once_and_its_row_is_a_label(tmp_path) -> None:
    asked = []

    def measure(network) -> float:
        asked.append(network)
        return 1.25

    networks = [(NETWORK.fingerprint, NETWORK)]
    assert measure_latencies(networks, tmp_path, measure) == {"measured": 1, "refused": 0}
    assert measure_latencies(networks, tmp_path, measure) == {"measured": 0, "refused": 0}
    assert asked == [NETWORK]
    (row,) = read_measured(tmp_path)
    assert (row["value"], row["resolution"], row["metric"]) == (1.25, 32, "latency_ms")
    assert processor() in row["recipe"]
    assert len(conform(table_of("labels"), [row])) == 1


def test_what_does_not_run_is_refused_and_no_label(tmp_path) -> None:
    def measure(network) -> float:
        raise ModelError("does_not_run", "as it is")

    found = measure_latencies([(NETWORK.fingerprint, NETWORK)], tmp_path, measure)
    assert found == {"measured": 0, "refused": 1}
    assert read_measured(tmp_path) == []
    (path,) = tmp_path.iterdir()
    assert "as it is" in json.loads(path.read_text())["refused"]


def test_a_damaged_file_is_named(tmp_path) -> None:
    (tmp_path / "f1.json").write_text("{")
    with pytest.raises(DataError, match=r"f1\.json: no measured latency"):
        read_measured(tmp_path)


def test_a_network_takes_time() -> None:
    assert latency_ms(NETWORK) > 0

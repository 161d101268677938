"""Inputs that nobody should send: none crashes, hangs, opens a file or reads as two networks.

``python benchmarks/hostile.py --seconds 36000 --processes 8`` is the long run.
"""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
BENCHMARK = ROOT / "benchmarks/hostile.py"
KINDS = {
    "truncated", "bytes", "structure", "attributes", "constants", "operators", "external",
}  # fmt: skip


def run(output: Path, *arguments: str) -> dict:
    command = [sys.executable, str(BENCHMARK), "--output", str(output), *arguments]
    subprocess.run(command, check=True, capture_output=True, cwd=ROOT)
    return json.loads(output.read_text())


@pytest.fixture(scope="module")
def results(tmp_path_factory: pytest.TempPathFactory) -> dict:
    output = tmp_path_factory.mktemp("hostile") / "hostile.json"
    return run(output, "--inputs", "350", "--seconds", "600", "--seed", "5000000")


def test_nothing_is_found(results: dict) -> None:
    assert results["inputs"] == 350
    assert results["findings"] == []
    assert results["found"] == 0


def test_every_kind_was_tried_and_many_reasons_met(results: dict) -> None:
    outcomes = results["outcomes"]
    assert outcomes.keys() == KINDS
    assert all(sum(counts.values()) == 50 for counts in outcomes.values())
    words = {word for counts in outcomes.values() for word in counts}
    assert "network" in words
    assert len(words) > 10


def test_a_finding_would_be_seen(tmp_path: Path) -> None:
    """With no memory to work in, every input is one."""
    code = (
        "import hostile; hostile.LIMITS = hostile.Limits(10.0, 1e-6);"
        "print(hostile.attack(0, 7, 60.0, tuple(hostile.MAKERS), 1)['found'])"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True,
        cwd=BENCHMARK.parent, env={"PYTHONPATH": f"{ROOT}:{BENCHMARK.parent}"},
    )  # fmt: skip
    assert int(done.stdout) > 0

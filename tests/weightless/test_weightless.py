from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]


def test_the_benchmark_measures_a_small_file(tmp_path: Path) -> None:
    output = tmp_path / "figures" / "weightless.json"
    command = [
        sys.executable,
        str(ROOT / "benchmarks" / "weightless.py"),
        "--output",
        str(output),
    ]
    subprocess.run([*command, "--megabytes", "20", "--repeats", "1"], check=True, cwd=tmp_path)
    figures = json.loads(output.read_text())
    assert 19e6 < figures["file_bytes"] < 22e6
    skeleton, whole = (figures["readers"][name] for name in ("read_skeleton", "onnx.load"))
    assert 0 < skeleton["seconds"] < whole["seconds"]
    assert skeleton["peak_megabytes"] < 10 < whole["peak_megabytes"]
    assert figures["http"]["share"] < 0.05
    assert list(output.parent.iterdir()) == [output]

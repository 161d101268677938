"""A fingerprint that stays means equal numbers: single changes of real graphs, run."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parent.parent


def test_no_change_of_function_keeps_the_fingerprint(tmp_path: Path) -> None:
    output = tmp_path / "functions.json"
    command = [sys.executable, "benchmarks/functions.py", "--changes", "24", "--seed", "3"]
    subprocess.run(
        [*command, "--output", str(output)], check=True, capture_output=True, cwd=ROOT
    )
    results = json.loads(output.read_text())
    assert results["contradictions"] == []
    assert sum(results["counts"].values()) == 24
    assert any(word.startswith("another fingerprint") for word in results["counts"])

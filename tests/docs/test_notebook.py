"""The notebook runs, and what it shows is what its cells print today."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]
NOTEBOOK = ROOT / "docs/notebooks/first_hour.ipynb"


def shown(file: Path) -> list[str]:
    """The cells with what they print, as a reader sees them."""
    cells = json.loads(file.read_text(encoding="utf-8"))["cells"]
    printed = [["".join(o["text"]) for o in cell.get("outputs", ())] for cell in cells]
    return ["\n".join(["".join(c["source"]), *p]) for c, p in zip(cells, printed, strict=True)]


def test_the_notebook_shows_what_its_cells_print(tmp_path):
    ran = subprocess.run(
        [sys.executable, ROOT / "tests/docs/notebook.py", NOTEBOOK, tmp_path / "ran.ipynb"],
        cwd=NOTEBOOK.parent,
        env={**os.environ, "OMP_NUM_THREADS": "1"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert ran.returncode == 0, ran.stderr
    hint = f"write it anew: python tests/docs/notebook.py {NOTEBOOK.relative_to(ROOT)}"
    for now, committed in zip(shown(tmp_path / "ran.ipynb"), shown(NOTEBOOK), strict=True):
        assert now == committed, hint


def test_the_notebook_is_small():
    assert NOTEBOOK.stat().st_size < 50_000

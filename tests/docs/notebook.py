"""Run a notebook's cells and write it with what they print:
``python tests/docs/notebook.py NOTEBOOK [OUT]``.

Cells are plain Python and ``%%bash``, run in one process as Jupyter would, without Jupyter.
"""

from __future__ import annotations

import io
import json
import subprocess
import sys
from contextlib import redirect_stdout
from pathlib import Path
from typing import Any

BASH = "%%bash\n"


def execute(notebook: dict[str, Any]) -> dict[str, Any]:
    """The notebook with the outputs of its code cells. Raises what a cell raises."""
    names: dict[str, Any] = {"__name__": "__main__"}
    counted = 0
    for cell in notebook["cells"]:
        if cell["cell_type"] == "code":
            counted += 1
            cell["execution_count"] = counted
            cell["outputs"] = _outputs(_print("".join(cell["source"]), names))
    return notebook


def _print(source: str, names: dict[str, Any]) -> str:
    if source.startswith(BASH):
        words = ["bash", "-eu", "-c", source.removeprefix(BASH)]
        return subprocess.run(words, stdout=subprocess.PIPE, text=True, check=True).stdout
    with redirect_stdout(io.StringIO()) as printed:
        exec(compile(source, "cell", "exec"), names)
    return printed.getvalue()


def _outputs(printed: str) -> list[dict[str, Any]]:
    lines = [line.rstrip() + "\n" for line in printed.rstrip().splitlines()]
    if not lines:
        return []
    return [{"output_type": "stream", "name": "stdout", "text": lines}]


if __name__ == "__main__":
    given, out = Path(sys.argv[1]).absolute(), Path(sys.argv[-1]).absolute()
    made = execute(json.loads(given.read_text(encoding="utf-8")))
    out.write_text(json.dumps(made, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")

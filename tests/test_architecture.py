"""The tree is the journey: what a folder may import, what an import may load, how long a file
may be."""

from __future__ import annotations

import ast
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PIPELINE = ROOT / "pipeline"
JOURNEY = (
    "weightless", "harvest", "graph", "operators", "program", "design", "tables", "compress",
    "decode", "evaluate", "registry", "search", "report",
)  # fmt: skip
ANYWHERE = {
    "atomic",
    "errors",
    "progress",
    "params",
    "places",
    "redaction",
}  # modules of the package itself
# What a Network says of itself that a later room knows: imported when it is asked, not before.
ON_DEMAND = {
    ("graph/network.py", "pipeline.design.design"),
    ("graph/network.py", "pipeline.program.program"),
}
LONGEST_FILE, LONGEST_LINE = 400, 95
HEAVY = ("torch", "pyarrow", "airflow", "timm", "lightning", "duckdb", "onnxruntime", "altair")
FILES = sorted(PIPELINE.rglob("*.py"))


def imported(path: Path, at_import_time: bool = False) -> Iterator[str]:
    """The modules a file imports, wherever it does, or only those its import loads."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    for node in tree.body if at_import_time else ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            assert node.level == 0, f"{path}: relative import"
            yield node.module


@pytest.mark.parametrize("folder", JOURNEY)
def test_a_folder_imports_only_folders_before_it(folder: str) -> None:
    allowed = {*JOURNEY[: JOURNEY.index(folder) + 1], *ANYWHERE}
    if folder in ("graph", "operators"):
        allowed.remove("harvest")  # a network is a value: where it came from is not asked
    if folder == "graph":
        allowed.remove("weightless")
    wrong = [
        f"{path.relative_to(ROOT)} imports {module}"
        for path in sorted((PIPELINE / folder).rglob("*.py"))
        for module in imported(path)
        if module.startswith("pipeline.")
        and module.split(".")[1] not in allowed
        and (path.relative_to(PIPELINE).as_posix(), module) not in ON_DEMAND
    ]
    assert not wrong


@pytest.mark.parametrize(("file", "module"), sorted(ON_DEMAND))
def test_what_is_asked_on_demand_is_not_imported_before(file: str, module: str) -> None:
    path = PIPELINE / file
    assert module in set(imported(path))
    assert module not in set(imported(path, at_import_time=True))


def test_every_folder_is_a_part_of_the_journey() -> None:
    folders = {p.parent.name for p in PIPELINE.glob("*/__init__.py")}
    assert folders == set(JOURNEY)


def loaded_by(statement: str) -> set[str]:
    """Top-level packages in memory after a statement in a fresh interpreter."""
    code = (
        f"{statement}\nimport sys\nprint(*{{name.partition('.')[0] for name in sys.modules}})"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=ROOT
    )
    return set(done.stdout.split())


@pytest.mark.parametrize(
    ("statement", "absent"),
    [
        ("import pipeline", (*HEAVY, "onnx", "numpy")),
        ("import pipeline.cli", HEAVY),
        ("from pipeline import read_onnx", HEAVY),
        ("from pipeline import read_onnx, write_onnx, read_weights", HEAVY),
        ("from pipeline import Network, ModelError", (*HEAVY, "onnx", "numpy")),
        ("import pipeline.operators.registry as r; r.registered()", HEAVY),
    ],
)
def test_imports_stay_light(statement: str, absent: tuple[str, ...]) -> None:
    assert not loaded_by(statement) & set(absent)


@pytest.mark.parametrize("folder", ["pipeline", "dags", "benchmarks", "tests"])
def test_files_are_short(folder: str) -> None:
    long = {
        str(path.relative_to(ROOT)): count
        for path in sorted((ROOT / folder).rglob("*.py"))
        if (count := len(path.read_text(encoding="utf-8").splitlines())) > LONGEST_FILE
    }
    assert not long


def test_most_files_are_shorter_still() -> None:
    lengths = sorted(len(p.read_text(encoding="utf-8").splitlines()) for p in FILES)
    assert lengths[len(lengths) // 2] < 150


def test_no_file_is_named_for_nothing() -> None:
    assert not {"utils", "base", "helpers", "manager", "misc"} & {p.stem for p in FILES}


def test_the_dags_load_nothing_heavy_when_parsed() -> None:
    for path in sorted((ROOT / "dags").glob("*.py")):
        heavy = set(HEAVY) - {"airflow"}
        tops = {m.partition(".")[0] for m in imported(path, at_import_time=True)}
        assert not tops & heavy, path

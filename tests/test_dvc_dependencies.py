"""dvc.yaml says what each stage depends on: all that its function imports, and no less."""

from __future__ import annotations

import ast
import re
import subprocess
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import yaml

ROOT = Path(__file__).parents[1]
STAGES = ROOT / "pipeline/stages.py"
# What says where and with which values: a change of it makes no stage stale.
WIRING = {
    "__init__.py", "atomic.py", "errors.py", "params.py", "places.py", "progress.py",
    "redaction.py", "stages.py",
}  # fmt: skip
FUNCTIONS = {node.name: node for node in ast.parse(STAGES.read_text("utf-8")).body
             if isinstance(node, ast.FunctionDef)}  # fmt: skip
DECLARED: dict[str, Any] = yaml.safe_load((ROOT / "dvc.yaml").read_text("utf-8"))["stages"]


def function_of(command: str) -> str:
    """``${run} evaluate zoo --codec x`` -> evaluate_zoo, the longest name there is."""
    words = re.findall(r"(?<=\s)[a-z][a-z0-9_]*", command.partition(" -")[0])
    names = ["_".join(words[:count]) for count in range(len(words), 0, -1)]
    return next(name for name in names if name in FUNCTIONS)


def path_of(module: str) -> Path | None:
    """The file of a module of this package."""
    parts = ROOT.joinpath(*module.split("."))
    found = (parts.with_suffix(".py"), parts / "__init__.py")
    return next((path for path in found if path.exists()), None)


def imports_of(node: ast.AST) -> Iterator[Path]:
    """The files of the package that an import statement names."""
    if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("pipeline."):
        for name in (node.module, *(f"{node.module}.{alias.name}" for alias in node.names)):
            path = path_of(str(name))
            if path is not None:
                yield path


@cache
def needed_by(path: Path) -> frozenset[Path]:
    """The files that one imports when it is loaded, itself among them, to any depth."""
    found, waiting = {path}, [path]
    while waiting:
        for node in ast.parse(waiting.pop().read_text("utf-8")).body:
            new = set(imports_of(node)) - found
            found |= new
            waiting += new
    return frozenset(found)


def needed_by_function(name: str, seen: frozenset[str] = frozenset()) -> set[Path]:
    """The files that a stage imports, and those of the functions beside it that it calls."""
    found: set[Path] = set()
    for node in ast.walk(FUNCTIONS[name]):
        for path in imports_of(node):
            found |= needed_by(path)
        if isinstance(node, ast.Name) and node.id in FUNCTIONS.keys() - seen - {name}:
            found |= needed_by_function(node.id, seen | {name})
    return found


@pytest.mark.parametrize("stage", sorted(DECLARED))
def test_a_stage_depends_on_what_its_function_imports(stage: str) -> None:
    body = DECLARED[stage].get("do", DECLARED[stage])
    declared = [ROOT / dep for dep in body["deps"]]
    needed = needed_by_function(function_of(body["cmd"]))
    assert needed
    missing = {
        str(path.relative_to(ROOT))
        for path in needed
        if path.name not in WIRING
        and not any(path == dep or dep in path.parents for dep in declared)
    }
    assert not missing


def left_by(stage: dict[str, Any]) -> Iterator[str]:
    """The paths of the outputs and metrics of a stage, with its items filled in."""
    body = stage.get("do", stage)
    for entry in [*body.get("outs", ()), *body.get("metrics", ())]:
        path = entry if isinstance(entry, str) else next(iter(entry))
        for item in stage.get("foreach", [""]):
            yield path.replace("${item}", item)


def test_what_a_run_leaves_git_ignores() -> None:
    left = ["dvc.lock", "datasets/${dataset}/shelf.dvc", "datasets/${dataset}/shelf/a.json"]
    left += [path for stage in DECLARED.values() for path in left_by(stage)]
    paths = [path.replace("${dataset}", name) for path in left for name in ("starter", "zoo")]
    asked = subprocess.run(
        ["git", "check-ignore", "--no-index", *paths],
        capture_output=True, text=True, cwd=ROOT, check=False,
    )  # fmt: skip
    if asked.returncode == 128:
        pytest.skip("no Git repository")
    assert set(asked.stdout.split()) == set(paths)

"""A project of its own: two networks from the onnx wheel, one cheap stage, Git and DVC."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import yaml

SOURCES = {"onnx_wheel": {"limit": 2}}
ABOUT = {
    "title": "Two networks",
    "description": "For trying out",
    "licence": "MIT",
    "how_made": "Harvested from the onnx wheel",
    "known_limits": ["Two networks only"],
}
STAGE = {
    "cmd": f"{sys.executable} -m pipeline.cli normalise",
    "deps": ["datasets/zoo/shelf"],
    "params": ["normalise"],
    "outs": ["datasets/zoo/build/normalised"],
}
IDENTITY = {
    f"GIT_{role}_{what}": value
    for role in ("AUTHOR", "COMMITTER")
    for what, value in (("NAME", "Test"), ("EMAIL", "test@example.org"))
}
ENVIRONMENT = os.environ | IDENTITY | {"DVC_NO_ANALYTICS": "1"}


def make_project(root: Path) -> Path:
    """Git, DVC with a remote beside ``root``, params.yaml and dvc.yaml; committed."""
    root.mkdir(parents=True)
    run(root, "git", "init", "--quiet")
    run_dvc(root, "init", "--quiet")
    run_dvc(root, "remote", "add", "--default", "beside", f"../{root.name}-remote")
    write_params(root, max_vertices=20_000)
    (root / "dvc.yaml").write_text(yaml.safe_dump({"stages": {"normalise": STAGE}}))
    run(root, "git", "add", ".")
    run(root, "git", "commit", "--quiet", "--message", "A project")
    return root


def write_params(root: Path, max_vertices: int) -> None:
    """``params.yaml``; a small ``max_vertices`` makes normalise refuse larger networks."""
    plain = {
        "harvest": {"zoo": {"sources": SOURCES}},
        "normalise": {"max_vertices": max_vertices, "processes": 1},
        "validate": {"run": 1},
        "default_codec": "none",
        "datasets": {"zoo": ABOUT},
    }
    (root / "params.yaml").write_text(yaml.safe_dump(plain))


def run_dvc(root: Path, *arguments: str) -> None:
    """One DVC command in the project."""
    run(root, sys.executable, "-m", "dvc", *arguments)


def run(root: Path, *command: str) -> None:
    """One command in the project; CalledProcessError if it fails."""
    subprocess.run(command, cwd=root, env=ENVIRONMENT, check=True, timeout=120)

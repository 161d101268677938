"""Versions in Git: the revision a dataset was made at, and the tag that names a version.

Tags are GTO's (``zoo@v1.2.0``), so that ``dvc get --rev`` and ``dvc artifacts get`` find them.
"""

from __future__ import annotations

import subprocess
from pathlib import Path

from pipeline.errors import DataError


def git_revision(path: Path) -> str | None:
    """The commit checked out around ``path``, or None outside a repository."""
    return _git(path, "rev-parse", "HEAD")


def tag_name(dataset: str, version: str) -> str:
    """The Git tag of a version."""
    return f"{dataset}@v{version}"


def tag_command(dataset: str, version: str) -> str:
    """The command that tags a version, once its manifest is committed."""
    return f"gto register {dataset} --version v{version}"


def tag_version(repository: Path, dataset: str, version: str) -> str:
    """Tag the current commit as a version -> the tag. Raises DataError if it exists."""
    from gto.api import register
    from gto.exceptions import GTOException

    try:
        register(str(repository), dataset, ref="HEAD", version=f"v{version}")
    except GTOException as e:
        raise DataError(f"{repository}: no tag {tag_name(dataset, version)}: {e}") from e
    return tag_name(dataset, version)


def resolve_revision(path: Path, *candidates: str) -> tuple[Path, str] | None:
    """The repository's root around ``path`` and the first of these that is a commit there."""
    root = _git(path, "rev-parse", "--show-toplevel")
    for name in candidates:
        commit = _git(path, "rev-parse", "--verify", "--quiet", f"{name}^{{commit}}")
        if root and commit:
            return Path(root), commit
    return None


def _git(path: Path, *arguments: str) -> str | None:
    try:
        done = subprocess.run(
            ["git", "-C", str(path), *arguments], capture_output=True, text=True, check=False
        )
    except FileNotFoundError:  # no git on this machine
        return None
    return done.stdout.strip() if done.returncode == 0 else None

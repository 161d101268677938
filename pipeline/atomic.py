"""Files that are there whole or not at all."""

from __future__ import annotations

import os
import tempfile
import time
from pathlib import Path


def write_atomically(path: Path, content: bytes) -> None:
    """Put ``content`` at ``path``: a killed process leaves the old file or the new one.

    The temporary name starts with ``.tmp-`` and stands in the same folder; only a kill leaves
    one behind, and :func:`sweep` takes it away.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, temporary = tempfile.mkstemp(prefix=".tmp-", dir=path.parent)
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        Path(temporary).chmod(0o644)
        Path(temporary).replace(path)
    except BaseException:
        Path(temporary).unlink(missing_ok=True)
        raise


def sweep(folder: Path, older_than_seconds: float = 3600.0) -> None:
    """Remove what killed writers left under ``folder``; young ones may still be written to."""
    limit = time.time() - older_than_seconds
    for leftover in folder.rglob(".tmp-*"):
        try:
            if leftover.stat().st_mtime < limit:
                leftover.unlink(missing_ok=True)
        except FileNotFoundError:  # its writer has just finished
            continue

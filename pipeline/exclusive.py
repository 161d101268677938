"""One at a time: what uses DVC and what it writes holds the project's lock meanwhile.

``python -m pipeline.exclusive ROOT COMMAND...`` runs a command under the lock of the project
at ROOT and ends with its exit status.
"""

from __future__ import annotations

import fcntl
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

LOCK = Path("datasets/zoo/.cache/exclusive.lock")


@contextmanager
def exclusive(root: Path) -> Iterator[None]:
    """Hold the lock of the project at ``root``, waiting for whoever has it; a process that
    dies lets go of it."""
    path = root / LOCK
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


if __name__ == "__main__":
    with exclusive(Path(sys.argv[1])):
        sys.exit(subprocess.run(sys.argv[2:], check=False).returncode)

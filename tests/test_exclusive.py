"""The project's lock: one at a time, and gone with its process."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from pipeline.exclusive import exclusive

SECOND = (
    "import fcntl, sys; from pathlib import Path; from pipeline.exclusive import LOCK\n"
    "try: fcntl.flock((Path(sys.argv[1]) / LOCK).open('w'), fcntl.LOCK_EX | fcntl.LOCK_NB)\n"
    "except BlockingIOError: sys.exit(7)"
)


def take(root: Path) -> int:
    """0 where another process gets the lock, 7 where it does not."""
    done = subprocess.run([sys.executable, "-c", SECOND, str(root)], check=False)
    return done.returncode


def test_who_comes_second_waits(tmp_path: Path) -> None:
    with exclusive(tmp_path):
        assert take(tmp_path) == 7
    assert take(tmp_path) == 0


def test_a_command_runs_under_it_and_its_status_is_kept(tmp_path: Path) -> None:
    words = [sys.executable, "-m", "pipeline.exclusive", str(tmp_path)]
    held = subprocess.run([*words, sys.executable, "-c", SECOND, str(tmp_path)], check=False)
    assert held.returncode == 7

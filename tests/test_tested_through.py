"""Every module has a test of its name, or a line that says which others test it."""

from __future__ import annotations

from collections.abc import Iterator
from fnmatch import fnmatch
from pathlib import Path

from tested_through import TESTED_THROUGH

TESTS = Path(__file__).parent
PIPELINE = TESTS.parent / "pipeline"


def without_own_test() -> Iterator[str]:
    """Modules, relative to the package, for which neither tests/ROOM/test_NAME.py nor one in
    a folder within stands."""
    for path in sorted(PIPELINE.rglob("*.py")):
        module = path.relative_to(PIPELINE)
        rooms = [TESTS / folder for folder in module.parents][: max(1, len(module.parts) - 1)]
        if path.name != "__init__.py" and not any(
            (room / f"test_{module.name}").exists() for room in rooms
        ):
            yield module.as_posix()


def test_every_module_has_a_test_of_its_name_or_a_reason() -> None:
    assert [
        m for m in without_own_test() if not any(fnmatch(m, p) for p in TESTED_THROUGH)
    ] == []


def test_no_line_is_out_of_date() -> None:
    missing = list(without_own_test())
    for pattern, (tests, why) in TESTED_THROUGH.items():
        assert any(fnmatch(module, pattern) for module in missing), f"{pattern}: needless"
        assert [test for test in tests if not (TESTS / test).exists()] == [], pattern
        assert why

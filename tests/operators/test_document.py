"""docs/operators.md says what the registry holds."""

from pathlib import Path

from pipeline.operators.document import document

DOCUMENT = Path(__file__).parents[2] / "docs" / "operators.md"


def test_the_document_is_current() -> None:
    assert DOCUMENT.read_text(encoding="utf-8") == document()

"""Documents point at what is there."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
DOCUMENTS = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]
LINK = re.compile(r"\]\(([^)\s]+)\)")
FENCED = re.compile(r"^```.*?^```$", re.DOTALL | re.MULTILINE)


def relative_links(document: Path) -> list[str]:
    """The targets within the project, without their anchors."""
    text = FENCED.sub("", document.read_text(encoding="utf-8"))
    found = [target.partition("#")[0] for target in LINK.findall(text)]
    return [target for target in found if target and "://" not in target]


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.name)
def test_every_relative_link_leads_somewhere(document):
    missing = [
        link for link in relative_links(document) if not (document.parent / link).exists()
    ]
    assert not missing


def test_links_are_found_at_all():
    assert "docs/operators.md" in relative_links(ROOT / "README.md")

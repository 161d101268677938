"""The site: built without a warning, every public name on it, its links and pages whole."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

import nn2vec

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("site")
    words = ("-m", "mkdocs", "build", "--strict", "--site-dir", str(folder))
    built = subprocess.run(
        [sys.executable, *words], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert built.returncode == 0, built.stderr
    return folder


def headings(page: Path) -> set[str]:
    return set(re.findall(r'<h\d id="([^"]+)"', page.read_text(encoding="utf-8")))


def test_the_api_page_has_every_public_name_and_no_other(site):
    known = headings(site / "api/index.html")
    public = {name for name in nn2vec.__all__ if name != "__version__"}
    assert public == {h.split(".")[1] for h in known if re.fullmatch(r"nn2vec\.\w+", h)}


def test_docstrings_stand_on_the_pages_of_modules(site):
    page = (site / "modules/index.html").read_text(encoding="utf-8")
    assert "pipeline.graph.canonical.canonicalise" in page
    assert "Raises" in page
    assert ":func:" not in page


def test_the_start_page_is_the_readme_with_links_of_the_site(site):
    page = (site / "index.html").read_text(encoding="utf-8")
    for link in ("codecs/", "contributing/", "images/resnet18.png"):
        assert f'"{link}"' in page, link
    assert "docs/codecs" not in page


def test_no_page_asks_for_anything_from_elsewhere(site):
    for page in site.rglob("*.html"):
        text = page.read_text(encoding="utf-8")
        fetched = re.findall(r'<(?:script|link|img)[^>]+(?:src|href)="(https?:[^"]+)"', text)
        assert not fetched, page

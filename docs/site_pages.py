"""Hooks of mkdocs: pages of what lies outside of docs/, and links that lead there.

On the forge a document links to files of the checkout; on the site such a link leads to the
file's page, and where a file has none, its text stands without a link.
"""

from __future__ import annotations

import posixpath
import re
from pathlib import Path

from mkdocs.config.defaults import MkDocsConfig
from mkdocs.structure.files import File, Files
from mkdocs.structure.pages import Page

ROOT = Path(__file__).parents[1]
DOCS = "docs/"
PAGES = {
    "README.md": "index.md",
    "CONTRIBUTING.md": "contributing.md",
    "CHANGELOG.md": "changelog.md",
    "docker/README.md": "airflow.md",
}
FILES = {page: file for file, page in PAGES.items()}
LINK = re.compile(r"\[([^\]\[]*)\]\(([^)\s]+)\)")

ROLE = re.compile(r":(?:func|mod|class|meth):<code>~?")  # of docstrings


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """README and the like as pages of the site."""
    for file, page in PAGES.items():
        content = (ROOT / file).read_text(encoding="utf-8")
        files.append(File.generated(config, page, content=content))
    return files


def on_page_markdown(markdown: str, page: Page, config: MkDocsConfig, files: Files) -> str:
    """The page with links that hold on the site."""
    place = FILES.get(page.file.src_uri, DOCS + page.file.src_uri)
    return LINK.sub(lambda link: _relinked(link, place, files), markdown)


def on_page_content(html: str, page: Page, config: MkDocsConfig, files: Files) -> str:
    """The page without the marks by which docstrings say what a name is."""
    return ROLE.sub("<code>", html)


def _relinked(link: re.Match[str], place: str, files: Files) -> str:
    """A link of the file at ``place`` in the checkout -> one of the site, or its text."""
    text, (target, mark, anchor) = link[1], link[2].partition("#")
    if not target or ":" in target:
        return link[0]
    file = posixpath.normpath(posixpath.join(posixpath.dirname(place), target))
    page = PAGES.get(file, file.removeprefix(DOCS) if file.startswith(DOCS) else None)
    if page is None or files.get_file_from_path(page) is None:
        return text
    here = posixpath.dirname(PAGES.get(place, place.removeprefix(DOCS)))
    return f"[{text}]({posixpath.relpath(page, here or '.')}{mark}{anchor})"

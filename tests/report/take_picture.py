"""The page's picture for the README: ``python tests/report/take_picture.py PAGE PICTURE``."""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

import browser

WIDTH, HEIGHT = 1200, 1500

if __name__ == "__main__":
    page, picture = map(Path, sys.argv[1:])
    with (
        tempfile.TemporaryDirectory() as profile,
        browser.open_browser(Path(profile)) as window,
    ):
        browser.open_page(window, page, WIDTH)
        browser.picture(window, picture, WIDTH, HEIGHT)

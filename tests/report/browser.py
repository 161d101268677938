"""Headless Chromium, as a person's window: any width, light or dark."""

from __future__ import annotations

import shutil
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from selenium.webdriver import Chrome, ChromeOptions
from selenium.webdriver.chrome.service import Service
from selenium.webdriver.support.ui import WebDriverWait

FLAGS = (
    "--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage",
    "--disable-background-networking", "--disable-component-update", "--disable-sync",
    "--no-first-run", "--hide-scrollbars",
    # Nothing may be fetched: every name leads nowhere.
    "--host-resolver-rules=MAP * ~NOTFOUND",
)  # fmt: skip
IS_DRAWN = "return document.documentElement.dataset.charts"


def is_installed() -> bool:
    """Whether Chromium and its driver are on this machine."""
    return bool(shutil.which("chromium") and shutil.which("chromedriver"))


@contextmanager
def open_browser(profile: Path) -> Iterator[Chrome]:
    """A browser with a fresh profile; closed at the end."""
    options = ChromeOptions()
    options.binary_location = shutil.which("chromium") or ""
    for flag in (*FLAGS, f"--user-data-dir={profile}"):
        options.add_argument(flag)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
    browser = Chrome(options, Service(shutil.which("chromedriver")))
    try:
        yield browser
    finally:
        browser.quit()


def open_page(browser: Chrome, page: Path, width: int, scheme: str = "light") -> None:
    """Show a page at a width in pixels, in a colour scheme, and wait for its charts."""
    media: dict[str, Any] = {"features": [{"name": "prefers-color-scheme", "value": scheme}]}
    browser.execute_cdp_cmd("Emulation.setEmulatedMedia", media)
    set_height(browser, width, 900)
    browser.get(page.absolute().as_uri())
    WebDriverWait(browser, 60).until(lambda b: b.execute_script(IS_DRAWN) is not None)


def set_height(browser: Chrome, width: int, height: int) -> None:
    """The size of the window in pixels."""
    metrics = {"width": width, "height": height, "deviceScaleFactor": 1, "mobile": width < 600}
    browser.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", metrics)


def picture(browser: Chrome, file: Path, width: int, height: int | None = None) -> None:
    """A PNG of the page, or of its first ``height`` pixels."""
    whole = browser.execute_script("return document.documentElement.scrollHeight")
    set_height(browser, width, height or whole)
    time.sleep(0.5)
    browser.save_screenshot(str(file))

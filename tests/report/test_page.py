"""The page, as text and as a browser shows it."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote

import browser as chromium
import pytest
import small_project
from selenium.webdriver import Chrome

from pipeline.errors import DataError
from pipeline.models import find_model
from pipeline.program.picture import draw
from pipeline.report import write_report
from pipeline.report.inputs import Inputs
from pipeline.report.page import render_page
from pipeline.report.parts import Drawing, Section

ROOT = Path(__file__).parents[2]

SECTIONS = [
    "dataset",
    "programs",
    "map",
    "enas6",
    "zoo",
    "before-after",
    "retraining",
    "rejected",
    "lineage",
]
CHARTS = {
    "sizes", "operators", "latent", "reconstruction", "divergence", "exactness", "residuals",
    "resnet18-accuracy", "resnet18-loss",
}  # fmt: skip


class Reader(HTMLParser):
    """Sections, addresses, charts and all visible text of a page."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.sections: list[str] = []
        self.links: list[str] = []
        self.loaded: list[str] = []
        self.charts: dict[str, str] = {}
        self.text = ""
        self._inside = ""
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        found = dict(attrs)
        self._inside = found.get("data-chart") or ("" if tag != "script" else "script")
        if tag == "section":
            self.sections.append(str(found["id"]))
        if tag == "a":
            self.links.append(str(found["href"]))
        if tag != "a":
            self.loaded += [str(v) for k, v in attrs if k in {"src", "href"} and v != "data:,"]

    def handle_data(self, data: str) -> None:
        if self._inside.startswith("chart-"):
            self.charts[self._inside.removeprefix("chart-")] = data
        elif self._inside != "script":
            self.text += data

    def handle_endtag(self, tag: str) -> None:
        self._inside = ""


@pytest.fixture(scope="module")
def page(project: Path) -> Path:
    return write_report(project, project / "pages/report.html")


@pytest.fixture(scope="module")
def window(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Chrome]:
    if not chromium.is_installed():
        pytest.skip("chromium and chromedriver are not installed")
    with chromium.open_browser(tmp_path_factory.mktemp("profile")) as browser:
        yield browser


def read(page: Path) -> Reader:
    return Reader(page.read_text(encoding="utf-8"))


def test_it_shows_everything_that_stands(page: Path) -> None:
    found = read(page)
    assert found.sections == SECTIONS
    assert set(found.charts) == CHARTS
    assert all(json.loads(spec)["width"] == "container" for spec in found.charts.values())
    for shown in (
        "99.96 %",
        "0.381 ± 0.002",
        "92.7 % (80.6\u201397.5)",
        "85.37 ± 0.31",
        "version",
    ):
        assert shown in found.text


def test_published_numbers_stand_beside_ours(page: Path) -> None:
    text = read(page).text
    for published in ("99.99 %", "79.17 ± 0.23", "60.44 ± 0.39", "-11.10", "0.248"):
        assert published in text


def test_rows_of_codecs_that_are_gone_are_left_out(tmp_path: Path) -> None:
    results = small_project.roundtrip_result("resnet18")
    results |= {"variants": [*results["variants"], "gone"], "gone": results["zoo-vae"]}
    file = tmp_path / "results/roundtrip/resnet18.json"
    file.parent.mkdir(parents=True)
    file.write_text(json.dumps(results))
    text = read(write_report(tmp_path, tmp_path / "report.html")).text
    assert "through zoo-vae" in text
    assert "through gone" not in text


def test_it_loads_nothing_and_its_links_lead_to_files(page: Path) -> None:
    found = read(page)
    assert found.loaded == []
    files = [unquote(link) for link in found.links if not link.startswith("#")]
    assert len(files) > 9
    assert all((page.parent / file).is_file() for file in files)


def test_names_from_files_are_only_text(page: Path) -> None:
    assert small_project.HOSTILE in read(page).text
    assert "<script>window.hacked" not in page.read_text()


def test_an_empty_project_says_what_to_run(tmp_path: Path) -> None:
    found = read(write_report(tmp_path, tmp_path / "report.html"))
    assert found.sections == SECTIONS
    assert found.charts == {}
    commands = re.findall(r"not made yet\. Run\s+(nn2vec \w+)", found.text)
    assert {"nn2vec harvest", "nn2vec normalise", "nn2vec embed", "nn2vec evaluate",
            "nn2vec register"} == set(commands)  # fmt: skip


def test_tables_are_shown_before_they_are_registered(tmp_path: Path) -> None:
    small_project.write_tables_of_project(tmp_path)
    found = read(write_report(tmp_path, tmp_path / "report.html"))
    assert {"sizes", "operators", "latent", "exactness", "residuals"} <= set(found.charts)
    assert "not registered yet" in found.text


def test_another_dataset_than_the_zoo(tmp_path: Path) -> None:
    small_project.write_tables_of_project(tmp_path)
    small_project.register_project(tmp_path, "starter")
    (tmp_path / "results/zoo").mkdir(parents=True)
    (tmp_path / "results/zoo/zoo-seq2seq.json").write_text('{"networks": 817}')
    page = write_report(tmp_path, tmp_path / "pages/report.html", "starter")
    assert "not registered yet" not in read(page).text
    assert "zoo-seq2seq" not in read(page).text  # measured of another dataset
    assert "../datasets/starter/card.md" in read(page).links


def test_a_damaged_file_is_named(tmp_path: Path) -> None:
    (tmp_path / "results/zoo").mkdir(parents=True)
    (tmp_path / "results/zoo/broken.json").write_text('{"networks": ')
    with pytest.raises(DataError, match=r"broken\.json: damaged"):
        write_report(tmp_path, tmp_path / "report.html")
    assert not (tmp_path / "report.html").exists()


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [390, 1200])
def test_a_browser_draws_it(page: Path, window: Chrome, width: int, scheme: str) -> None:
    chromium.open_page(window, page, width, scheme)
    assert window.get_log("browser") == []
    ask = window.execute_script
    assert ask("return document.querySelectorAll('.vega svg .mark-group').length") > len(
        CHARTS
    )
    assert int(ask(chromium.IS_DRAWN)) == len(CHARTS)
    assert ask("return document.documentElement.scrollWidth") <= width
    assert ask("return window.hacked") is None
    paper, ink = (
        ask(f"return getComputedStyle(document.body).{name}")
        for name in ("backgroundColor", "color")
    )
    dark, light = sorted((paper, ink), key=brightness)
    assert paper == (dark if scheme == "dark" else light)
    label = ask("return getComputedStyle(document.querySelector('.vega svg text')).fill")
    assert abs(brightness(label) - brightness(paper)) > 250


def test_no_table_is_cut_off_on_a_screen_of_1440_pixels(page: Path, window: Chrome) -> None:
    chromium.open_page(window, page, 1440)
    cut = window.execute_script(
        "return [...document.querySelectorAll('.table .scroll')]"
        ".filter(box => box.scrollWidth > box.clientWidth).map(box => box.ariaLabel)"
    )
    assert cut == []


def test_a_block_of_a_program_opens_and_closes(window: Chrome, tmp_path: Path) -> None:
    picture = Drawing("resnet50", draw(find_model("zoo:resnet50", ROOT).network, "resnet50"))
    inputs = Inputs(tmp_path, tmp_path)
    section = Section("programs", "Programs", "", (picture,))
    page = tmp_path / "report.html"
    page.write_text(render_page(inputs, (section,)), encoding="utf-8")
    chromium.open_page(window, page, 1200)
    ask = window.execute_script
    shown = (
        "return [...document.querySelectorAll('.line')].filter(l => !l.style.display).length"
    )
    height = "return Number(document.querySelector('svg.program').getAttribute('height'))"
    lines, tall = ask(shown), ask(height)
    header = window.find_elements("css selector", "[data-opens]")[0]
    turn = "arguments[0].dispatchEvent(new KeyboardEvent('keydown', {key: 'Enter'}))"
    ask(turn, header)
    assert header.get_attribute("aria-expanded") == "false"
    assert (lines - ask(shown), ask(height) < tall) == (4, True)  # of the bottleneck block
    ask(turn, header)
    assert (ask(shown), ask(height)) == (lines, tall)
    assert window.get_log("browser") == []


def brightness(colour: str) -> int:
    """``rgb(r, g, b)`` -> r + g + b."""
    return sum(map(int, re.findall(r"\d+", colour)[:3]))

"""The figures as files, and DVC's page of plots without a network."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import browser as chromium
import pytest
import small_project
import vl_convert

from pipeline.report.plots import TEMPLATE, write_plots

SERIES = Path(__file__).parents[2] / "pipeline/report/dvc_series.json"
PLOTS = """
plots:
  - accuracy:
      template: series.json
      x: epoch
      y: {plots/resnet18-accuracy.json: value}
  - residuals:
      template: scatter
      x: vertices
      y: {plots/residuals.json: bits}
"""


@pytest.fixture(scope="module")
def plots(project: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("dvc") / "plots"
    written = write_plots(project, folder)
    assert sorted(written) == sorted(folder.iterdir())
    return folder


def test_every_figure_is_vega_lite(plots: Path) -> None:
    specs = sorted(plots.glob("*.vl.json"))
    assert len(specs) == 9
    spec = json.loads((plots / "reconstruction.vl.json").read_text()) | {"width": 300}
    assert vl_convert.vegalite_to_svg(spec).startswith("<svg")


def test_rows_hold_no_foreign_names(plots: Path) -> None:
    rows = json.loads((plots / "residuals.json").read_text())
    assert {"vertices", "bits", "kind"} == set(rows[0])
    files = [file for file in plots.glob("*.json") if not file.name.endswith(".vl.json")]
    assert not any(small_project.HOSTILE in file.read_text() for file in files)


def test_dvc_shows_them_without_a_network(plots: Path, tmp_path: Path) -> None:
    root = plots.parent

    def dvc(*arguments: str) -> None:
        subprocess.run([sys.executable, "-m", "dvc", *arguments], cwd=root, check=True)

    (root / "dvc.yaml").write_text(PLOTS)
    (root / "series.json").write_text(SERIES.read_text())
    dvc("init", "--no-scm", "--quiet")
    dvc("config", "plots.html_template", f"../plots/{TEMPLATE}")
    dvc("plots", "show", "--out", "shown")
    page = root / "shown/index.html"
    assert "cdn.jsdelivr" not in page.read_text()
    if not chromium.is_installed():
        pytest.skip("chromium and chromedriver are not installed")
    with chromium.open_browser(tmp_path) as window:
        window.get(page.as_uri())
        drawn = "return document.querySelectorAll('.chart-wrapper > .marks').length"
        chromium.WebDriverWait(window, 30).until(lambda w: w.execute_script(drawn) == 2)
        severe = [line for line in window.get_log("browser") if line["level"] == "SEVERE"]
    assert severe == []

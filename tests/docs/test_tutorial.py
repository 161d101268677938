"""The tutorial's blocks, run in their order as a reader would."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path
from typing import NamedTuple

import pytest

ROOT = Path(__file__).parents[2]
MARK = "<!-- needs the dataset -->\n"
BLOCK = re.compile(rf"({MARK})?^```(\w+)\n(.*?)^```$", re.DOTALL | re.MULTILINE)


class Block(NamedTuple):
    needs_dataset: bool
    language: str
    text: str


def read_blocks() -> list[Block]:
    text = (ROOT / "docs/tutorial.md").read_text(encoding="utf-8")
    return [Block(bool(m[1]), m[2], m[3]) for m in BLOCK.finditer(text)]


def run(block: Block, folder: Path) -> str:
    """What the block prints; fails with its errors."""
    shell = {"bash": ["bash", "-euo", "pipefail", "-c"], "python": ["python", "-c"]}
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    done = subprocess.run(
        [*shell[block.language], block.text],
        cwd=folder,
        env={**os.environ, "PATH": path, "OMP_NUM_THREADS": "1"},
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert done.returncode == 0, f"{block.text}\n{done.stdout}\n{done.stderr}"
    return done.stdout


@pytest.fixture(scope="module")
def printed(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """Block -> what it printed, the whole page run once beside a small registered dataset."""
    for folder in ("tables", "registry"):
        sys.path.insert(0, str(ROOT / "tests" / folder))
    from small_dataset import register_small_zoo

    folder = tmp_path_factory.mktemp("tutorial")
    blocks = read_blocks()
    printed = {b.text: run(b, folder) for b in blocks if not b.needs_dataset}
    register_small_zoo(folder)
    return printed | {b.text: run(b, folder) for b in blocks if b.needs_dataset}


def find_printed(printed: dict[str, str], part: str) -> str:
    """What the one block that holds ``part`` printed."""
    (found,) = (output for text, output in printed.items() if part in text)
    return found


def fingerprint_in(text: str) -> str:
    return re.search(r"fingerprint\s+([0-9a-f]{32})", text)[1]


def test_blocks_are_of_known_languages_and_each_stands_once():
    blocks = read_blocks()
    assert {b.language for b in blocks} == {"bash", "python"}
    assert len({b.text for b in blocks}) == len(blocks) > 6
    fences = (ROOT / "docs/tutorial.md").read_text(encoding="utf-8").count("```")
    assert fences == 2 * len(blocks)


def test_the_network_goes_round_and_comes_back(printed):
    first = find_printed(printed, "roundtrip")
    last = find_printed(printed, "nn2vec inspect back.onnx")
    assert re.search(r"^exact_with_residual\s+yes", first, re.MULTILINE)
    ends = [fingerprint_in(first), *re.findall(r"fingerprint\s+([0-9a-f]{32})", last)]
    assert len(ends) == 5  # inspect; encode, decode to ONNX and to source, inspect
    assert set(ends) == {ends[0]}


def test_the_source_is_a_network_of_a_thousand_classes(printed):
    assert find_printed(printed, "from back import") == "torch.Size([1, 1000])\n"


def test_the_wheels_networks_are_told_apart_nearest_first(printed):
    lines = find_printed(printed, "np.linalg.norm").splitlines()
    distances = [float(line.split()[0]) for line in lines]
    assert len(set(distances)) == len(lines) == 9
    assert distances == sorted(distances)


def test_sql_finds_neighbours_of_names_and_of_vectors(printed):
    assert "plain8" in find_printed(printed, "nearest('resnet18'")
    assert "distance" in find_printed(printed, "nn2vec sql < mine.sql")

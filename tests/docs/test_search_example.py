"""The example in docs/search.md runs as it stands."""

from __future__ import annotations

import re
from pathlib import Path

from torch import nn

PAGE = Path(__file__).parents[2] / "docs/search.md"


def test_somebodys_own_training_is_asked_and_told():
    (example,) = re.findall(
        r"^```python\n(.*?)^```$", PAGE.read_text(), re.DOTALL | re.MULTILINE
    )
    trained: list[float] = []

    def train(module: nn.Module) -> float:
        trained.append(float(sum(p.numel() for p in module.parameters())))
        return trained[-1]

    names = {"train": train}
    exec(example, names)
    assert names["worth"] in {0.0, *trained}
    assert len(trained) >= 3
    assert max(trained) < 2_000_000

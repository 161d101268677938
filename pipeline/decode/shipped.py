"""The codecs in a folder, by their cards alone: looking at them loads no torch."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from pipeline.errors import DataError

SHIPPED = Path(__file__).parent.parent / "codecs"


def read_plain_card(path: Path) -> dict[str, Any]:
    """The card NAME.json as it stands. Raises DataError naming it where it is damaged."""
    file = path.with_name(path.name + ".json")
    try:
        card = json.loads(file.read_bytes())
    except (OSError, ValueError) as e:
        raise DataError(f"{file}: damaged codec: {e}") from e
    if not isinstance(card, dict):
        raise DataError(f"{file}: damaged codec: no card")
    return card


def codec_names(directory: Path = SHIPPED, domain: str | None = None) -> list[str]:
    """The codecs in a folder, sorted; those of one domain ("networks", "enas6") if named."""
    names = sorted(path.stem for path in directory.glob("*.json"))
    return [n for n in names if domain is None or domain_of(directory, n) == domain]


def domain_of(directory: Path, name: str) -> str:
    """What a codec compresses: any ``networks``, or the cells of ``enas6``."""
    return str(read_plain_card(directory / name).get("domain"))

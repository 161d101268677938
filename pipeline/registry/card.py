"""A dataset's card: what it is, where it comes from, how it was made, what it cannot do."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from pydantic import BaseModel, ConfigDict

from pipeline.tables.tables import table_of

if TYPE_CHECKING:
    from pipeline.registry.manifest import Manifest


class About(BaseModel):
    """What a person has to say about a dataset; the numbers come from the tables."""

    model_config = ConfigDict(frozen=True, extra="forbid")
    title: str
    description: str
    licence: str
    """Licence of the dataset itself, an SPDX name; those of its files stand in ``files``."""
    how_made: str
    known_limits: tuple[str, ...]
    creators: tuple[str, ...] = ()
    url: str = ""
    keywords: tuple[str, ...] = ()
    sources: Mapping[str, str] = {}
    """Source, as in the table ``files``, -> where it is and what it holds."""


def write_card(about: About, manifest: Manifest) -> str:
    """The card as Markdown."""
    facts = manifest.statistics
    parts = [
        f"# {about.title}",
        about.description,
        f"Version {manifest.version}"
        + (f", after {manifest.parent}" if manifest.parent else "")
        + f". Vectors for search: codec `{manifest.default_codec}`.",
        "## What it holds",
        _tables(manifest),
        _sizes(facts),
        "## Where it comes from",
        _counts("source", "files", facts.get("files_by_source", {}), about.sources),
        f"Made from {manifest.lineage.files} files, together `{manifest.lineage.digest}`.",
        "## Licences",
        f"The dataset: {about.licence}. The files it describes:",
        _counts("licence", "files", facts.get("files_by_licence", {})),
        "## How it was made",
        about.how_made,
        "## What was refused",
        _counts("reason", "files", facts.get("rejected_by_reason", {})),
        "## Known limits",
        "\n".join(f"- {limit}" for limit in about.known_limits),
    ]
    return "\n\n".join(part for part in parts if part) + "\n"


def _tables(manifest: Manifest) -> str:
    lines = ["| table | rows | bytes | key | what |", "|---|---:|---:|---|---|"]
    for name, facts in manifest.tables.items():
        table = table_of(name)
        key = ", ".join(table.key)
        lines.append(
            f"| {name} | {facts.rows:,} | {facts.bytes:,} | {key} | {table.meaning} |"
        )
    return "\n".join(lines)


def _sizes(facts: Mapping[str, object]) -> str:
    if "vertices_max" not in facts:
        return ""
    return (
        f"{facts['families']} families; a network has {facts['vertices_median']:g} vertices "
        f"in the median and {facts['vertices_max']} at most."
    )


def _counts(
    what: str, of: str, counts: Mapping[str, int], meanings: Mapping[str, str] | None = None
) -> str:
    if not counts:
        return "None."
    meanings = meanings or {}
    lines = [f"| {what} | {of} |", "|---|---:|"]
    for value, count in counts.items():
        meaning = f": {meanings[value]}" if value in meanings else ""
        lines.append(f"| {value}{meaning} | {count:,} |")
    return "\n".join(lines)

"""Which networks train and which only measure: groups whole, so that training sees no relative
of a measured network.

The split of a dataset is two small tables in Git: ``splits.csv``, each group's part, and
``near_relatives.csv``, the networks that stand in a held-out group because they are nearly one
of its networks, though their names say otherwise. ``nn2vec split`` writes both.
"""

from __future__ import annotations

import csv
import hashlib
import io
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal, get_args

from pipeline.errors import DataError
from pipeline.graph.network import Network
from pipeline.tables.groups import group_of
from pipeline.tables.near import Relative, near_relatives, vertex_words

Part = Literal["train", "test"]
SPLITS, NEAR_RELATIVES = "splits.csv", "near_relatives.csv"
HELD_OUT = ("alexnet", "resnet")  # whatever the draw says
SHARE = 0.2  # of all other groups
SEED = 1  # the first that holds out one sampled space and trains on the largest group


@dataclass(frozen=True, slots=True)
class Split:
    """``parts``: group -> its part. ``groups``: fingerprint -> its network's group, where
    ``near`` says it another than by name."""

    parts: Mapping[str, Part]
    groups: Mapping[str, str]
    near: Mapping[str, Relative] = field(default_factory=dict)

    def part_of(self, fingerprint: str) -> Part:
        """``"train"`` or ``"test"``. Raises DataError for a network that is not known, or
        whose group has no part."""
        group = self.groups.get(fingerprint)
        if group is None:
            raise DataError(f"{fingerprint}: the split knows no such network")
        if group not in self.parts:
            raise DataError(f"{SPLITS}: has no part for the group {group}")
        return self.parts[group]

    def summary(self) -> dict[str, int]:
        """Networks in each part, groups, and how many were moved for being near."""
        parts = Counter[str](self.part_of(fingerprint) for fingerprint in self.groups)
        return {**parts, "groups": len(self.parts), "moved": len(self.near)}

    def splits_csv(self) -> bytes:
        """The content of SPLITS: a line a group."""
        return _csv(("group", "part"), self.parts.items())

    def near_relatives_csv(self, names: Mapping[str, str]) -> bytes:
        """The content of NEAR_RELATIVES; ``names``: fingerprint -> name."""
        header = ("name", "fingerprint", "group", "near", "distance")
        return _csv(
            header,
            (
                (names[f], f, self.groups[f], names[r.near], f"{r.distance:.3f}")
                for f, r in self.near.items()
            ),
        )


def make_split(names: Mapping[str, str], networks: Mapping[str, Network]) -> Split:
    """Names and networks, by fingerprint -> their split: by name, then nearest relatives of
    held-out networks join those."""
    groups = {fingerprint: group_of(name) for fingerprint, name in names.items()}
    parts = {group: draw_part(group) for group in groups.values()}
    words = {fingerprint: vertex_words(networks[fingerprint]) for fingerprint in names}
    held_out = {f: w for f, w in words.items() if parts[groups[f]] == "test"}
    near = near_relatives(held_out, {f: w for f, w in words.items() if f not in held_out})
    for fingerprint, relative in near.items():  # a near one's own group was set before
        groups[fingerprint] = groups[relative.near]
    return Split(parts, groups, near)


def draw_part(group: str) -> Part:
    """HELD_OUT is test, and a SHARE of the others by a hash of the name, so that a new group
    changes no other's part."""
    digest = hashlib.blake2b(f"{SEED}:{group}".encode(), digest_size=8).digest()
    drawn = int.from_bytes(digest, "big") / 2**64 < SHARE
    return "test" if drawn or group in HELD_OUT else "train"


def split_rows(groups: Iterable[str]) -> list[dict[str, Any]]:
    """Groups -> the rows of the table splits."""
    return [{"group": group, "part": draw_part(group)} for group in sorted(set(groups))]


def read_split(dataset: Path, names: Mapping[str, str]) -> Split:
    """The split in a dataset's folder. ``names``: fingerprint -> name of its networks.

    Raises DataError, naming the file, when one of its tables is missing or damaged.
    """
    path = dataset / SPLITS
    parts: dict[str, Part] = {}
    for row in _read_rows(path, ("group", "part")):
        if row["part"] not in get_args(Part):
            raise DataError(f"{path}: {row['group']}: {row['part']!r} is not train or test")
        parts[row["group"]] = row["part"]
    moved = read_moved(dataset)
    return Split(parts, {f: moved.get(f) or group_of(name) for f, name in names.items()})


def read_moved(dataset: Path) -> dict[str, str]:
    """Fingerprint -> group of the networks that stand with a near relative; none where no
    table says so. Raises DataError for a damaged one.
    """
    if not (dataset / NEAR_RELATIVES).exists():
        return {}
    rows = _read_rows(dataset / NEAR_RELATIVES, ("fingerprint", "group"))
    return {row["fingerprint"]: row["group"] for row in rows}


def _csv(header: tuple[str, ...], rows: Iterable[tuple[Any, ...]]) -> bytes:
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(header)
    writer.writerows(sorted(rows))
    return text.getvalue().encode()


def _read_rows(path: Path, columns: tuple[str, ...]) -> list[dict[str, Any]]:
    try:
        reader = csv.DictReader(io.StringIO(path.read_text(encoding="utf-8")))
    except (OSError, UnicodeDecodeError) as e:
        raise DataError(f"{path}: cannot be read: {e}") from e
    rows = list(reader)
    missing = [name for name in columns if name not in (reader.fieldnames or ())]
    if missing or any(row[name] is None for row in rows for name in columns):
        raise DataError(f"{path}: its columns are not {', '.join(columns)}")
    return rows

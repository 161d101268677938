"""What a network is called: ``timm/resnet18`` and ``torchvision/resnet18`` are two.

A full name is where a file came from and its name there, so it never means two networks; a
bare one (``resnet18``) may.
"""

from __future__ import annotations

import difflib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

import pyarrow as pa

from pipeline.errors import DataError

STORES = ("file", "hf", "http", "https", "s3")  # where files lie: any folder, any name
SHOWN = 5  # names that a refusal lists


def full_name(address: str) -> str:
    """``"timm://resnet18"`` -> ``"timm/resnet18"``; any other address is a full name as it
    stands."""
    scheme, separator, name = address.partition("://")
    if not separator or scheme in STORES:
        return address
    return f"{scheme}/{name.removesuffix('.onnx')}"


@dataclass(frozen=True)
class Names:
    """``full``: full name -> fingerprint. ``bare``: fingerprint -> the name in networks."""

    full: Mapping[str, str]
    bare: Mapping[str, str]

    @classmethod
    def of(cls, networks: pa.Table, files: pa.Table) -> Names:
        """The names in the tables networks and files."""
        rows = files.select(["address", "fingerprint"]).to_pylist()
        full = {full_name(r["address"]): r["fingerprint"] for r in rows if r["fingerprint"]}
        bare = networks.select(["fingerprint", "name"]).to_pylist()
        return cls(full, {row["fingerprint"]: row["name"] for row in bare})

    @cached_property
    def _by_bare_name(self) -> dict[str, list[str]]:
        """Bare name -> full names, or fingerprints where a network has none."""
        found: dict[str, list[str]] = {}
        for name in sorted(self.full):
            found.setdefault(name.rpartition("/")[2], []).append(name)
        for fingerprint, name in self.bare.items():
            if all(self.full[known] != fingerprint for known in found.get(name, ())):
                found.setdefault(name, []).append(fingerprint)
        return found

    def resolve(self, wanted: str) -> str:
        """A fingerprint, a full name, or a bare name of one network -> its fingerprint.

        Raises DataError for none, naming near ones, and for several, naming each.
        """
        if wanted in self.bare:
            return wanted
        if wanted in self.full:
            return self.full[wanted]
        found = self._by_bare_name.get(wanted, [])
        networks = {self.full.get(name, name): name for name in reversed(found)}
        if len(networks) == 1:
            return next(iter(networks))
        if not networks:
            known = {*self.full, *self._by_bare_name}
            near = difflib.get_close_matches(wanted, known, SHOWN)
            hint = f"; there are: {', '.join(near)}" if near else ""
            raise DataError(f"no network has the name or fingerprint {wanted}{hint}")
        shown = ", ".join(sorted(networks.values())[:SHOWN])
        raise DataError(f"{wanted} is {len(networks)} networks, say which: {shown}")

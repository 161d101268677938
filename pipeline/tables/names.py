"""What a network is called: ``timm/resnet18`` and ``torchvision/resnet18`` are two.

A full name is where a file came from and its name there, so it never means two networks; a
bare one (``resnet18``) may, and then it is said which of them it was taken for.
"""

from __future__ import annotations

import difflib
import warnings
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

import pyarrow as pa

from pipeline.errors import DataError

STORES = ("file", "hf", "http", "https", "s3")  # where files lie: any folder, any name
SHOWN = 5  # names that a refusal lists


class AmbiguousName(UserWarning):
    """A name that several networks have, and which of them was taken."""


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
    def of(cls, networks: pa.Table, files: pa.Table | None = None) -> Names:
        """The names in the tables networks and files; without files all names are bare."""
        rows = files.select(["address", "fingerprint"]).to_pylist() if files else ()
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
        """A fingerprint, a full name, or a bare name -> the fingerprint of the network.

        A bare name of several networks is that of the one with the first fingerprint among
        those that the table networks calls so, as in SQL; AmbiguousName warns and names all.
        Raises DataError for none, naming near ones.
        """
        if wanted in self.bare:
            return wanted
        if wanted in self.full:
            return self.full[wanted]
        names = self._by_bare_name.get(wanted, [])
        if not names:
            raise DataError(
                f"no network has the name or fingerprint {wanted}{self._near(wanted)}"
            )
        called = {self.full.get(name, name): name for name in reversed(names)}
        first = min(called, key=lambda network: (self.bare.get(network) != wanted, network))
        if len(called) > 1:
            others = ", ".join(sorted(n for f, n in called.items() if f != first)[:SHOWN])
            said = f"{wanted} is {len(called)} networks; this is {called[first]}, not {others}"
            warnings.warn(said, AmbiguousName, stacklevel=2)
        return first

    def __contains__(self, wanted: str) -> bool:
        """Whether some network is called so."""
        return wanted in self.bare or wanted in self.full or wanted in self._by_bare_name

    def _near(self, wanted: str) -> str:
        near = difflib.get_close_matches(wanted, {*self.full, *self._by_bare_name}, SHOWN)
        return f"; alike are: {', '.join(near)}" if near else ""

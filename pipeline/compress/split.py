"""Which networks train and which only measure: families whole, so that training sees no
relative of a measured network."""

from __future__ import annotations

import hashlib

from pydantic import BaseModel, ConfigDict, Field


class SplitParams(BaseModel):
    """Section ``split``: families are held out whose name holds one of ``held_out`` (resnet:
    preresnet and seresnet as well), and a ``share`` of all others."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    held_out: tuple[str, ...] = ("resnet", "alexnet")
    share: float = Field(default=0.2, ge=0, lt=1)


def is_held_out(family: str, params: SplitParams) -> bool:
    """Whether a family is test: by its name, or by a hash of its name."""
    if any(relative in family for relative in params.held_out):
        return True
    number = int.from_bytes(hashlib.blake2b(family.encode(), digest_size=8).digest(), "big")
    return number / 2**64 < params.share

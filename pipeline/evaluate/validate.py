"""The conversion itself, measured over a whole dataset: ONNX and back, and torch."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pydantic import BaseModel, ConfigDict, Field

from pipeline.errors import ModelError
from pipeline.evaluate.runs import runs
from pipeline.graph.network import Network
from pipeline.operators.read_onnx import read_skeleton_network
from pipeline.operators.write_onnx import to_skeleton
from pipeline.progress import track


class ValidateParams(BaseModel):
    """Section ``validate``: how many of the smallest networks are run as well."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    run: int = Field(default=10, ge=0)


def validate(networks: Mapping[str, Network], params: ValidateParams) -> dict[str, Any]:
    """Networks by fingerprint -> shares that come back the same, and that run."""
    unequal = [f for f, n in track(list(networks.items()), "validate") if not is_restored(n)]
    smallest = sorted(networks.values(), key=len)[: params.run]
    reasons = [runs(network) for network in track(smallest, "run")]
    return {
        "networks": len(networks),
        "exact": 1 - len(unequal) / max(1, len(networks)),
        "unequal": unequal,
        "runs": sum(r is None for r in reasons) / max(1, len(reasons)),
        "runs_measured": len(reasons),
        "failures": sorted({r for r in reasons if r}),
    }


def is_restored(network: Network) -> bool:
    """Whether writing and reading a network, weights left out, gives the same fingerprint."""
    try:
        return read_skeleton_network(to_skeleton(network)) == network
    except ModelError:
        return False

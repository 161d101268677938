"""Networks that no vector was made from: what a codec's space says between and beside those
that it knows."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from pipeline.decode.codec import Draft, accept_or_repair, valid
from pipeline.errors import ModelError
from pipeline.graph.network import Network
from pipeline.operators.write_onnx import write_onnx


def describe_drafts(
    names: Sequence[str], drafts: Sequence[Draft | None], folder: Path | None
) -> Iterator[dict[str, Any]]:
    """Names and drafts -> a row each: whether it was valid, the repairs it took, its size;
    written as NAME.onnx into ``folder`` where one is given, or why it was not."""
    if folder is not None:
        folder.mkdir(parents=True, exist_ok=True)
    for name, draft in zip(names, drafts, strict=True):
        row: dict[str, Any] = {"name": name, "valid": valid(draft or ()) is not None}
        try:
            repaired = accept_or_repair(draft or ())
        except ModelError as e:
            yield row | {"repairs": None, "vertices": 0, "instructions": 0, "why": e.reason}
            continue
        network = repaired.network
        row |= {
            "repairs": len(repaired.edits),
            "vertices": len(network),
            "instructions": len(network.program),
            "fingerprint": network.fingerprint,
        }
        if folder is not None:
            row |= _written(network, folder / f"{name}.onnx")
        yield row


def _written(network: Network, path: Path) -> dict[str, Any]:
    """Nothing to say of a network that was written, else why it was not."""
    try:
        write_onnx(network, path)
    except ModelError as e:
        return {"why": str(e)}
    return {}

"""Result files: metrics, and what a reader needs to get them again."""

from __future__ import annotations

import json
import os
import platform
from collections.abc import Mapping
from importlib.metadata import version
from pathlib import Path
from typing import Any

from pydantic import BaseModel

from pipeline.atomic import write_atomically

PACKAGES = ("onnx", "onnxruntime", "onnxsim", "torch", "torchvision")


def write_results(
    output: Path | None, metrics: Mapping[str, Any], parameters: Mapping[str, BaseModel]
) -> dict[str, Any]:
    """Metrics with their parameters, versions and machine; written to ``output`` if given."""
    results = {
        **metrics,
        "parameters": metrics.get("parameters")
        or {name: p.model_dump(mode="json") for name, p in parameters.items()},
        "versions": {name: version(name) for name in PACKAGES} | metrics.get("versions", {}),
        "machine": metrics.get("machine") or describe_machine(),
    }
    if output is not None:
        write_atomically(output, (json.dumps(results, indent=1) + "\n").encode())
    return results


def describe_machine() -> dict[str, Any]:
    """Cores, processor and accelerator."""
    import torch

    gpu = torch.cuda.get_device_name() if torch.cuda.is_available() else None
    return {"cores": os.cpu_count(), "processor": platform.machine(), "accelerator": gpu}

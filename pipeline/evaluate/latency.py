"""How long a network takes in ONNX Runtime on one thread: our own measured label.

A network's time is one file, ``FINGERPRINT.json``: its row of the table labels, or why there
is none. What is there is not measured again, so an interrupted run goes on.
"""

from __future__ import annotations

import json
import platform
import re
import time
from collections.abc import Callable, Iterable
from importlib.metadata import version
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np
import onnxruntime

from pipeline.atomic import write_atomically
from pipeline.decode.trial import first_line, why_too_large
from pipeline.errors import ModelError
from pipeline.graph.network import Network
from pipeline.operators.shapes import infer_layers
from pipeline.operators.write_onnx import to_onnx

WARM_UP, RUNS = 3, 15
PROCESSORS = Path("/proc/cpuinfo")


def measure_latencies(
    networks: Iterable[tuple[str, Network]],
    folder: Path,
    measure: Callable[[Network], float] | None = None,
) -> dict[str, int]:
    """Fingerprints and networks -> their files in ``folder``, where they are missing; how many
    were measured and refused. ``measure``: network -> milliseconds, or ModelError."""
    measure = measure or latency_ms
    counts = {"measured": 0, "refused": 0}
    for fingerprint, network in networks:
        path = folder / f"{fingerprint}.json"
        if path.exists():
            continue
        try:
            row = _row(fingerprint, network, measure(network))
            counts["measured"] += 1
        except ModelError as error:
            row = {"fingerprint": fingerprint, "refused": str(error)}
            counts["refused"] += 1
        write_atomically(path, (json.dumps(row, indent=1) + "\n").encode())
    return counts


def latency_ms(network: Network) -> float:
    """Milliseconds of one image with random weights: the median of RUNS runs.

    Raises ModelError for a network that is too large or does not run.
    """
    layers = infer_layers(network)
    reason = why_too_large(layers)
    if reason is not None:
        raise ModelError("too_large", reason)
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    options.log_severity_level = 4
    try:
        session = onnxruntime.InferenceSession(
            to_onnx(network).SerializeToString(), options, providers=["CPUExecutionProvider"]
        )
        (given,) = session.get_inputs()
        image = np.random.default_rng(0).random(layers[0].outputs[0].shape, np.float32)
        return 1000 * median(_times(lambda: session.run(None, {given.name: image})))
    except Exception as error:  # ONNX Runtime has a class of its own for every failure
        raise ModelError("does_not_run", first_line(error)) from error


def _times(run: Callable[[], object]) -> list[float]:
    for _ in range(WARM_UP):
        run()
    taken = []
    for _ in range(RUNS):
        start = time.perf_counter()
        run()
        taken.append(time.perf_counter() - start)
    return taken


def _row(fingerprint: str, network: Network, value: float) -> dict[str, Any]:
    shape = infer_layers(network)[0].outputs[0].shape
    runtime = f"onnxruntime {version('onnxruntime')}"
    return {
        "fingerprint": fingerprint,
        "source": "nn2vec",
        "data_set": "none",
        "metric": "latency_ms",
        "recipe": f"{runtime}, {processor()}, 1 thread, batch 1, float32, median of {RUNS}",
        "value": round(value, 4),
        "epochs": None,
        "resolution": shape[-1] if len(shape) == 4 else None,
        "licence": "MIT",
    }


def processor() -> str:
    """The name of this machine's processor, else its kind."""
    try:
        named = re.search(r"model name\s*: (.+)", PROCESSORS.read_text(encoding="utf-8"))
    except OSError:
        named = None
    return named[1].strip() if named else platform.machine()

"""Reading a model without its weights against ``onnx.load``: time, memory, bytes over HTTP.

    python benchmarks/weightless.py --megabytes 500 --output results/benchmarks/weightless.json

Every reader runs in a process of its own: on a tiny network to load its code, then once for
the growth of peak memory (and to warm the page cache), then several times for the median.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from importlib.metadata import version
from pathlib import Path

import numpy as np
import onnx
from onnx import TensorProto, helper

ROOT = Path(__file__).resolve().parent.parent
CONV_BLOCKS = 40  # three tensors each: weight, bias, slope

READERS = {
    "onnx.load": "from onnx import load as read",
    "read_skeleton": "from pipeline.weightless.skeleton import read_skeleton as read",
    "pipeline.read_onnx": "from pipeline import read_onnx as read",
}

# VmHWM is the peak of resident memory, the pages of a mapped file that were touched included.
PROBE = """
import json, sys, time
{importing}
from pathlib import Path
path, repeats = sys.argv[1], int(sys.argv[2])
def peak():
    status = Path("/proc/self/status").read_text()
    return int(status.split("VmHWM:")[1].split()[0]) / 1024
read(sys.argv[3])
Path("/proc/self/clear_refs").write_text("5")
before = peak()
held = read(path)
grown = peak() - before
del held
times, cpu = [], []
for _ in range(repeats):
    began = time.perf_counter(), time.process_time()
    held = read(path)
    cpu.append(time.process_time() - began[1])
    times.append(time.perf_counter() - began[0])
    del held
print(json.dumps({{"seconds": times, "cpu_seconds": cpu, "peak_megabytes": grown}}))
"""


def write_network(path: Path, megabytes: float, blocks: int = CONV_BLOCKS) -> int:
    """Writes a Conv/PRelu chain with that much random weight -> the number of its tensors."""
    head = 1000
    width = max(8, round((megabytes * 1e6 / 4 / (blocks * 9)) ** 0.5))
    shapes = dict(_block_shapes(width, blocks))
    shapes |= {"head.weight": (head, width), "head.bias": (head,)}
    generator = np.random.default_rng(0)
    weights = [_random_tensor(name, shape, generator) for name, shape in shapes.items()]
    nodes, last = list(_block_nodes(blocks)), f"out{blocks - 1}"
    nodes += [
        helper.make_node("GlobalAveragePool", [last], ["pooled"]),
        helper.make_node("Flatten", ["pooled"], ["flat"]),
        helper.make_node("Gemm", ["flat", "head.weight", "head.bias"], ["y"], transB=1),
    ]
    x = helper.make_tensor_value_info("x", TensorProto.FLOAT, (1, width, 16, 16))
    y = helper.make_tensor_value_info("y", TensorProto.FLOAT, (1, head))
    graph = helper.make_graph(nodes, "benchmark", [x], [y], weights)
    opsets = [helper.make_opsetid("", 20)]
    onnx.save(helper.make_model(graph, opset_imports=opsets, ir_version=10), path)
    return len(weights)


def _block_shapes(width: int, blocks: int) -> Iterator[tuple[str, tuple[int, ...]]]:
    for i in range(blocks):
        yield f"conv{i}.weight", (width, width, 3, 3)
        yield f"conv{i}.bias", (width,)
        yield f"slope{i}", (width, 1, 1)


def _block_nodes(blocks: int) -> Iterator[onnx.NodeProto]:
    last = "x"
    for i in range(blocks):
        inputs = [last, f"conv{i}.weight", f"conv{i}.bias"]
        last = f"out{i}"
        yield helper.make_node("Conv", inputs, [f"conv{i}"], pads=[1, 1, 1, 1])
        yield helper.make_node("PRelu", [f"conv{i}", f"slope{i}"], [last])


def _random_tensor(
    name: str, shape: tuple[int, ...], generator: np.random.Generator
) -> TensorProto:
    raw = generator.standard_normal(shape, np.float32).tobytes()
    return helper.make_tensor(name, TensorProto.FLOAT, shape, raw, raw=True)


def measure_reader(name: str, path: Path, tiny: Path, repeats: int) -> dict[str, float] | None:
    """Median seconds and peak growth in MiB of one reader; None where it is not installed."""
    probe = PROBE.format(importing=READERS[name])
    command = [sys.executable, "-c", probe, str(path), str(repeats), str(tiny)]
    done = subprocess.run(command, capture_output=True, text=True, cwd=ROOT, check=False)
    if done.returncode:
        if "ImportError" in done.stderr and name.startswith("pipeline."):
            return None
        raise RuntimeError(f"{name} failed:\n{done.stderr}")
    found = json.loads(done.stdout)
    return {
        "seconds": statistics.median(found["seconds"]),
        "cpu_seconds": statistics.median(found["cpu_seconds"]),
        "peak_megabytes": round(found["peak_megabytes"], 1),
    }


def measure_http(path: Path) -> dict[str, float]:
    """Body bytes and requests that reading the skeleton over HTTP ranges takes."""
    sys.path.append(str(ROOT / "tests" / "weightless"))
    from servers import serve_folder

    from pipeline.weightless.skeleton import read_skeleton

    with serve_folder(path.parent) as served:
        over_http = read_skeleton(f"{served.address}/{path.name}")
    if over_http != read_skeleton(path):
        raise RuntimeError("the skeleton read over HTTP is another one")
    share = served.body_bytes / path.stat().st_size
    return {"bytes": served.body_bytes, "requests": served.requests, "share": share}


def run(megabytes: float, repeats: int) -> dict[str, object]:
    """Builds the file in a temporary folder and measures every reader on it."""
    with tempfile.TemporaryDirectory() as folder:
        path, tiny = Path(folder) / "network.onnx", Path(folder) / "tiny.onnx"
        write_network(tiny, 0.1, blocks=1)
        tensors = write_network(path, megabytes)
        readers = {name: measure_reader(name, path, tiny, repeats) for name in READERS}
        result: dict[str, object] = {
            "file_bytes": path.stat().st_size,
            "tensors": tensors,
            "readers": readers,
            "times_faster_than_onnx_load": _ratios(readers, "seconds"),
            "times_less_cpu_than_onnx_load": _ratios(readers, "cpu_seconds"),
            "http": measure_http(path),
        }
    return result | {"machine": describe_machine()}


def _ratios(readers: dict[str, dict[str, float] | None], measure: str) -> dict[str, float]:
    baseline = readers["onnx.load"]
    return {
        name: round(baseline[measure] / found[measure], 1)
        for name, found in readers.items()
        if found and baseline and name != "onnx.load"
    }


def describe_machine() -> dict[str, object]:
    """What the figures depend on."""
    return {
        "system": f"{platform.system()} {platform.machine()}",
        "cores": os.cpu_count(),
        "python": platform.python_version(),
        "onnx": version("onnx"),
        "protobuf": version("protobuf"),
    }


def main() -> None:
    """Prints the figures and, with ``--output``, writes them as JSON."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--megabytes", type=float, default=500)
    parser.add_argument("--repeats", type=int, default=7)
    parser.add_argument("--output", type=Path)
    options = parser.parse_args()
    text = json.dumps(run(options.megabytes, options.repeats), indent=2)
    print(text)
    if options.output:
        options.output.parent.mkdir(parents=True, exist_ok=True)
        partial = options.output.with_suffix(".partial")
        partial.write_text(text + "\n")
        partial.replace(options.output)


if __name__ == "__main__":
    main()

"""Models per second against a plain loop, on one process and two, and what a refresh costs.

    python benchmarks/throughput.py

writes results/benchmarks/throughput.json. Everything is measured in one run on the same files,
each measurement in a fresh process whose imports are done before the clock starts (a harvest's
own workers start within it), files read from the page cache, medians of several rounds.

- files: real networks with their weights, on disk. *plain* is onnx.load, shape inference of
  the whole model by onnx, and a walk in Python that collects rows of nodes, edges and
  attributes in lists. *pipeline* is harvest by the source ``files`` (SHA-256 of every file,
  skeleton and record onto an empty shelf) and normalise without a cache: rows of Arrow with
  ONNX's defaults filled in, in canonical order, fingerprinted, duplicates folded.
- skeletons: the same networks from the shelf, weights gone before the clock starts: plain on
  the skeleton files against normalise.
- processes: normalise of the larger sampled zoo, no cache, 1 process and 2.
- refresh: zoos of sampled networks, one ten times the other. *build* is harvest, normalise and
  the writing of the tables from nothing; *nothing_new* the same again; *one_new* the same when
  the listing has one model more; *alone* that of one model on an empty shelf.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import statistics
import sys
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from importlib.metadata import version
from itertools import chain
from multiprocessing import get_context
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import onnx
import torch
import torchvision

from pipeline.harvest.export import export_with_weights
from pipeline.harvest.harvest import harvest
from pipeline.harvest.params import HarvestParams
from pipeline.harvest.shelf import Shelf
from pipeline.harvest.sources import files, random_cnn  # noqa: F401 - before the clock starts
from pipeline.operators.registry import registered
from pipeline.tables.normalise import NormaliseParams, normalise
from pipeline.tables.write import write_parts

ROOT = Path(__file__).resolve().parents[1]
RESULT = ROOT / "results/benchmarks/throughput.json"
SEED, GROWTH, ROUNDS, PROCESSES = 0, 10, 3, 2
PACKAGES = ("onnx", "protobuf", "pyarrow", "torch", "torchvision")
NAMES = (
    "resnet18", "mobilenet_v2", "densenet121", "squeezenet1_0",
    "shufflenet_v2_x1_0", "efficientnet_b0", "alexnet", "regnet_y_400mf",
    "mnasnet1_0", "resnet50", "mobilenet_v3_large", "convnext_tiny",
    "resnext50_32x4d", "regnet_x_400mf", "efficientnet_b1", "squeezenet1_1",
    "shufflenet_v2_x0_5", "mobilenet_v3_small", "resnet34", "densenet169",
    "mnasnet0_5", "regnet_y_800mf", "efficientnet_b2", "shufflenet_v2_x1_5",
    "regnet_x_800mf", "densenet201", "resnet101", "efficientnet_v2_s",
    "mnasnet1_3", "shufflenet_v2_x2_0", "regnet_y_1_6gf", "efficientnet_b3",
    "regnet_x_1_6gf", "mnasnet0_75", "wide_resnet50_2", "resnet152",
)  # fmt: skip
Rows = dict[str, list[tuple[Any, ...]]]
Seconds = dict[str, float]


def write_files(folder: Path, names: list[str]) -> None:
    """Networks of torchvision with random weights, as ONNX files."""
    torch.manual_seed(SEED)
    for name in names:
        module = torchvision.models.get_model(name, weights=None)
        export_with_weights(module, torch.zeros(1, 3, 224, 224), folder / f"{name}.onnx")


def plain_loop(paths: list[Path]) -> Rows:
    """What one would write without this project: rows of every model, in Python's lists."""
    rows: Rows = {"nodes": [], "edges": [], "attributes": []}
    for path in paths:
        model = onnx.shape_inference.infer_shapes(onnx.load(path))
        walk(path.stem, model.graph, rows)
    return rows


def walk(name: str, graph: onnx.GraphProto, rows: Rows) -> None:
    """One graph's nodes with their output shapes, edges and attributes."""
    shapes = {
        value.name: tuple(dim.dim_value for dim in value.type.tensor_type.shape.dim)
        for value in (*graph.value_info, *graph.output)
    }
    producers: dict[str, tuple[int, int]] = {}
    for index, node in enumerate(graph.node):
        rows["nodes"].append((name, index, node.op_type, shapes.get(node.output[0])))
        for operand, value in enumerate(node.input):
            if value in producers:
                rows["edges"].append((name, index, operand, *producers[value]))
        for attribute in node.attribute:
            value = onnx.helper.get_attribute_value(attribute)
            rows["attributes"].append((name, index, attribute.name, value))
        producers.update((output, (index, slot)) for slot, output in enumerate(node.output))


def time_plain(folder: Path) -> Seconds:
    paths = sorted(folder.rglob("*.onnx"))
    return clock({"plain": lambda: plain_loop(paths)})


def time_files(folder: Path, processes: int) -> Seconds:
    """Harvest of files with weights, then normalise."""
    sources = {"files": {"addresses": [f"{folder}/*.onnx"]}}
    params = HarvestParams.model_validate({"sources": sources, "processes": processes})
    with TemporaryDirectory() as empty:
        shelf = Shelf(empty)
        return clock(
            {
                "harvest": lambda: harvest(shelf, params),
                "normalise": lambda: normalise(shelf, NormaliseParams(processes=processes)),
            }
        )


def time_normalise(root: Path, processes: int) -> Seconds:
    params = NormaliseParams(processes=processes)
    return clock({"normalise": lambda: normalise(Shelf(root), params)})


def time_refresh(root: Path, networks: int, seed: int, processes: int) -> Seconds:
    """Bring a zoo of that many sampled networks up to date, whatever of it is there."""
    sources = {"random_cnn": {"limit": networks, "seed": seed}}
    params = HarvestParams.model_validate({"sources": sources, "processes": processes})
    shelf, found = Shelf(root / "shelf"), []

    def read() -> None:
        found.append(normalise(shelf, NormaliseParams(processes=processes), root / "cache"))

    seconds = clock(
        {
            "harvest": lambda: harvest(shelf, params),
            "normalise": read,
            "write": lambda: write_parts(
                root / "tables", chain([found[0].facts], found[0].graphs)
            ),
        }
    )
    count = len(found[0].facts["files"])
    if count != networks:
        raise RuntimeError(f"{networks} networks became {count} files")
    return seconds


def clock(steps: dict[str, Callable[[], Any]]) -> Seconds:
    """Wall seconds of each step and in all, and CPU seconds with those of child processes."""
    registered()  # imports the operators
    seconds: Seconds = {}
    cpu = sum(os.times()[:4])
    for name, step in steps.items():
        started = time.perf_counter()
        step()
        seconds[name] = time.perf_counter() - started
    return {**seconds, "all": sum(seconds.values()), "cpu": sum(os.times()[:4]) - cpu}


def apart(function: Callable[..., Any], *arguments: Any) -> Any:
    """The result of a call in a fresh process."""
    with ProcessPoolExecutor(1, mp_context=get_context("fork")) as pool:
        return pool.submit(function, *arguments).result()


def medians(rounds: list[Seconds]) -> Seconds:
    return {n: round(statistics.median(s[n] for s in rounds), 4) for n in rounds[0]}


def compare(sides: dict[str, tuple[Any, ...]], models: int, rounds: int) -> dict[str, Any]:
    """Each side's median seconds and models a second; the first is what others are faster
    than. A round measures every side once."""
    found: dict[str, list[Seconds]] = {name: [] for name in sides}
    for _ in range(rounds):
        for name, call in sides.items():
            found[name].append(apart(*call))
    result: dict[str, Any] = {"models": models}
    seconds = {name: medians(values) for name, values in found.items()}
    first = seconds[next(iter(sides))]
    for name, of in seconds.items():
        result[name] = {
            "seconds": of,
            "models_per_second": round(models / of["all"], 2),
            "times_faster": round(first["all"] / of["all"], 2),
            "times_less_cpu": round(first["cpu"] / of["cpu"], 2),
        }
    return result


def measure_files(folder: Path, names: list[str], rounds: int) -> Iterator[tuple[str, Any]]:
    """The comparisons with the plain loop, on files with weights and on their skeletons."""
    held, shelf = folder / "files", folder / "shelf"
    held.mkdir()
    apart(write_files, held, names)
    sizes = [path.stat().st_size for path in held.iterdir()]
    sides: dict[str, tuple[Any, ...]] = {
        "plain": (time_plain, held),
        "pipeline": (time_files, held, 1),
        "pipeline_2_processes": (time_files, held, PROCESSES),
    }
    yield "files", compare(sides, len(names), rounds) | {"bytes": sum(sizes)}
    sources = {"files": {"addresses": [f"{held}/*.onnx"]}}
    apart(harvest, Shelf(shelf), HarvestParams.model_validate({"sources": sources}))
    sides = {"plain": (time_plain, shelf), "pipeline": (time_normalise, shelf, 1)}
    yield "skeletons", compare(sides, len(names), rounds)


def measure_zoo(folder: Path, networks: int, rounds: int) -> dict[str, Any]:
    """One size: from nothing, then with nothing new, then with one new model a round."""
    found: dict[str, list[Seconds]] = {"build": [], "nothing_new": [], "one_new": []}
    found["build"].append(apart(time_refresh, folder, networks, SEED, PROCESSES))
    for _ in range(rounds):
        found["nothing_new"].append(apart(time_refresh, folder, networks, SEED, PROCESSES))
    for more in range(1, rounds + 1):
        grown = (time_refresh, folder, networks + more, SEED, PROCESSES)
        found["one_new"].append(apart(*grown))
    result: dict[str, Any] = {"networks": networks}
    for name, values in found.items():
        seconds = medians(values)
        each = round(seconds["all"] / networks, 6)
        result[name] = {"seconds": seconds, "seconds_per_model": each}
    return result


def measure_alone(folder: Path, rounds: int) -> Seconds:
    """One model on an empty shelf, another in each round."""
    calls = [(folder / str(n), 1, SEED + 1 + n, PROCESSES) for n in range(rounds)]
    return medians([apart(time_refresh, *call) for call in calls])


def measure_refresh(folder: Path, networks: int, rounds: int) -> Iterator[tuple[str, Any]]:
    """What a refresh costs at two sizes, and normalise of the larger one by processes."""
    small = measure_zoo(folder / "small", networks, rounds)
    large = measure_zoo(folder / "large", networks * GROWTH, rounds)
    alone = measure_alone(folder / "alone", rounds)

    def ratio(a: Seconds, b: Seconds) -> float:
        return round(a["all"] / b["all"], 4)

    nothing, new = (
        [zoo[kind]["seconds"] for zoo in (small, large)] for kind in ("nothing_new", "one_new")
    )
    yield (
        "refresh",
        {
            "zoos": [small, large],
            "alone": {"seconds": alone},
            "ratios": {
                "nothing_new_to_build": ratio(nothing[0], small["build"]["seconds"]),
                "nothing_new_to_build_grown": ratio(nothing[1], large["build"]["seconds"]),
                "nothing_new_grown": ratio(nothing[1], nothing[0]),
                "one_new_grown": ratio(new[1], new[0]),
                "one_new_to_alone": ratio(new[0], alone),
                "one_new_to_alone_grown": ratio(new[1], alone),
            },
        },
    )
    shelf = folder / "large" / "shelf"
    sides = {
        "1": (time_normalise, shelf, 1),
        str(PROCESSES): (time_normalise, shelf, PROCESSES),
    }
    yield "processes", compare(sides, networks * GROWTH + rounds, 1)


def report(options: argparse.Namespace) -> dict[str, Any]:
    """Everything measured, and what it depends on."""
    started = time.perf_counter()
    loads = [round(os.getloadavg()[0], 1)]
    with TemporaryDirectory() as temporary:
        folder = Path(temporary)
        measured = dict(measure_files(folder, NAMES[: options.files], options.rounds))
        measured |= measure_refresh(folder, options.networks, options.rounds)
    loads.append(round(os.getloadavg()[0], 1))
    return {
        "command": " ".join(["python benchmarks/throughput.py", *sys.argv[1:]]),
        "seed": SEED,
        "parameters": {
            "files": NAMES[: options.files],
            "networks": [options.networks, options.networks * GROWTH],
            "rounds": options.rounds,
            "processes": PROCESSES,
        },
        "versions": {name: version(name) for name in PACKAGES},
        "machine": {
            "cores": os.cpu_count(),
            "processor": platform.machine(),
            "python": platform.python_version(),
            "load_before_and_after": loads,
        },
        "wall_seconds": round(time.perf_counter() - started, 1),
        **measured,
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--files", type=int, default=len(NAMES), help="real networks")
    parser.add_argument("--networks", type=int, default=150, help="in the smaller zoo")
    parser.add_argument("--rounds", type=int, default=ROUNDS)
    parser.add_argument("--output", type=Path, default=RESULT)
    options = parser.parse_args()
    os.environ["OMP_NUM_THREADS"] = "1"  # one core a process, on either side
    text = json.dumps(report(options), indent=1) + "\n"
    options.output.parent.mkdir(parents=True, exist_ok=True)
    partial = options.output.with_suffix(".partial")
    partial.write_text(text)
    partial.replace(options.output)
    print(text)


if __name__ == "__main__":
    main()

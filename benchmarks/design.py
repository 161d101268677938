"""One network exported in several ways: one design?

    python benchmarks/design.py --output results/design.json

A seeded sample of the classifiers of three libraries. Every model is built with weights as
after training and exported by PyTorch's two exporters: as harvest does it (``preserving``), in
evaluation mode with and without constant folding, and by the newer one. Then some at older
opsets, and the same architecture out of several libraries. Where designs differ, the first
lines that do are in the file. What the output file holds already is not done again.
"""

from __future__ import annotations

import argparse
import difflib
import io
import json
import logging
import os
import platform
import signal
import time
import warnings
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from functools import partial
from importlib.metadata import version
from itertools import zip_longest
from pathlib import Path
from random import Random
from typing import Any

from conversion import perturb

from pipeline.evaluate.intervals import share

PACKAGES = ("torch", "torchvision", "timm", "pytorchcv", "onnx", "onnxscript")
LARGEST = 100_000_000  # parameters; what is larger is not exported, and counted as such
LONGEST = 120  # CPU seconds of one export; likewise
SAMPLE = {"torchvision": 12, "timm": 14, "pytorchcv": 14}  # models drawn of each
SEED = 0
MOST_LINES = 8  # of a difference
SIZES = {"inception": 299, "xception": 299}  # pixels a side; 224 for all others

ACROSS = """
    torchvision:resnet50 timm:resnet50 pytorchcv:resnet50b
    torchvision:resnet18 timm:resnet18 pytorchcv:resnet18
    torchvision:mobilenet_v2 timm:mobilenetv2_100 pytorchcv:mobilenetv2b_w1
    torchvision:mobilenet_v3_large timm:mobilenetv3_large_100 pytorchcv:mobilenetv3_large_w1
    torchvision:densenet121 timm:densenet121 pytorchcv:densenet121
    torchvision:vgg16 timm:vgg16 pytorchcv:vgg16
    torchvision:efficientnet_b0 timm:efficientnet_b0 pytorchcv:efficientnet_b0
    torchvision:shufflenet_v2_x1_0 pytorchcv:shufflenetv2_w1
    torchvision:squeezenet1_0 pytorchcv:squeezenet_v1_0
    torchvision:resnext50_32x4d timm:resnext50_32x4d pytorchcv:resnext50_32x4d
    torchvision:wide_resnet50_2 timm:wide_resnet50_2 pytorchcv:wrn50_2
    torchvision:mnasnet1_0 timm:mnasnet_100 pytorchcv:mnasnet_b1
    torchvision:regnet_x_400mf timm:regnetx_004 pytorchcv:regnetx004
    torchvision:regnet_y_400mf timm:regnety_004 pytorchcv:regnety004
    torchvision:inception_v3 timm:inception_v3 pytorchcv:inceptionv3
    torchvision:convnext_tiny timm:convnext_tiny"""


OPSETS = (20, 16, 13, 11)
CHAINED = """
    torchvision:convnext_tiny torchvision:mobilenet_v3_small torchvision:efficientnet_b0
    torchvision:shufflenet_v2_x0_5 timm:convnextv2_atto timm:mambaout_femto timm:poolformer_s12
    timm:hardcorenas_a"""  # that have what older opsets spell as chains


def preserve(module: Any, x: Any) -> bytes:
    """As harvest exports."""
    from pipeline.harvest.export import export_skeleton

    return export_skeleton(module, x)


def export(module: Any, x: Any, **options: Any) -> bytes:
    """In evaluation mode by the TorchScript exporter, at its own opset."""
    import torch

    buffer = io.BytesIO()
    torch.onnx.export(module.eval(), (x,), buffer, dynamo=False, **options)  # type: ignore[arg-type]
    return buffer.getvalue()


def export_dynamo(module: Any, x: Any) -> bytes:
    """In evaluation mode by the newer exporter, as it is by default."""
    import torch

    program = torch.onnx.export(module.eval(), (x,), dynamo=True, verbose=False)
    assert program is not None
    return program.model_proto.SerializeToString()


Exporter = Callable[[Any, Any], bytes]
WAYS: dict[str, Exporter] = {
    "preserving": preserve,
    "eval": lambda module, x: export(module, x, do_constant_folding=True),
    "eval, not folded": lambda module, x: export(module, x, do_constant_folding=False),
    "dynamo": export_dynamo,
}


def build(source: str, name: str) -> tuple[Any, Any]:
    """A classifier of a library, with weights as after training, and an image for it."""
    import torch

    from pipeline.harvest.export import uninitialised

    with uninitialised():
        if source == "torchvision":
            import torchvision

            from pipeline.harvest.sources.torchvision_zoo import ARGUMENTS

            more = ARGUMENTS.get(name, {})
            module = torchvision.models.get_model(name, weights=None, **more)
        elif source == "timm":
            import timm

            module = timm.create_model(name, pretrained=False, exportable=True)
        else:
            from pytorchcv.model_provider import get_model

            module = get_model(name, pretrained=False)
    perturb(module)
    with torch.no_grad():  # exporters make one tensor of two that hold the same numbers
        for parameter in module.parameters():
            if parameter.dim() > 1:
                parameter.normal_(0, 0.01)
    size = next((size for part, size in SIZES.items() if part in name), 224)
    side = getattr(module, "in_size", (size, size)) if source == "pytorchcv" else (size, size)
    return module.eval(), torch.zeros(1, 3, *side)


def measure(source: str, name: str) -> dict[str, Any]:
    """One model in every way."""
    module, x = build(source, name)
    parameters = sum(p.numel() for p in module.parameters())
    if parameters > LARGEST:
        return {"refused": {"all": f"{parameters:,} parameters"}}
    return compare(module, x, WAYS)


def measure_opsets(source: str, name: str) -> dict[str, Any]:
    """One model at several opsets, in evaluation mode."""
    ways = {f"opset {o}": partial(export, opset_version=o) for o in OPSETS}
    return compare(*build(source, name), ways)


def compare(module: Any, x: Any, ways: Mapping[str, Exporter]) -> dict[str, Any]:
    """The designs of a module's exports, and where they differ from the first."""
    from pipeline.design.design import design_of
    from pipeline.errors import ModelError
    from pipeline.operators.read_onnx import read_onnx

    row: dict[str, Any] = {"fingerprints": {}, "designs": {}, "refused": {}, "differs": {}}
    first = None
    for way, exported in ways.items():
        try:
            with at_most(LONGEST):
                network = read_onnx(io.BytesIO(exported(module, x)))
                design = design_of(network)
        except ModelError as e:
            row["refused"][way] = f"{e.reason}: {e.detail}"[:200]
            continue
        except Exception as e:  # an exporter may raise anything: that export there is not
            row["refused"][way] = f"{type(e).__name__}: {e}".splitlines()[0][:200]
            continue
        row["fingerprints"][way] = network.fingerprint[:12]
        row["designs"][way] = design.fingerprint[:12]
        first = first or design
        if design != first:
            row["differs"][way] = differences(first, design)
    return {name: value for name, value in row.items() if value}


@contextmanager
def at_most(seconds: int) -> Iterator[None]:
    """Raises TimeoutError where what is inside takes more CPU seconds."""
    late = TimeoutError(f"more than {seconds} CPU seconds")
    stopped = []

    def stop(*_: object) -> None:
        stopped.append(True)
        raise late

    signal.signal(signal.SIGPROF, stop)
    signal.setitimer(signal.ITIMER_PROF, seconds)
    try:
        yield
    except Exception as e:
        if stopped:  # an exporter wraps what interrupts it
            raise late from e
        raise
    finally:
        signal.setitimer(signal.ITIMER_PROF, 0)


def differences(one: Any, other: Any) -> list[str]:
    """The first lines in which two networks differ."""
    lines = difflib.unified_diff(rows(one), rows(other), lineterm="", n=0)
    return [line for line in lines if line[:2] not in ("--", "++", "@@")][:MOST_LINES]


def rows(network: Any) -> list[str]:
    """A line a vertex; operands by how far back they stand."""
    return [
        f"{v.operator} {dict(v.attributes)} {[(i - o.source, o.output) for o in v.operands]}"[
            :200
        ]
        for i, v in enumerate(network.vertices)
    ]


def measure_across(group: str) -> dict[str, Any]:
    """One architecture of several libraries, each exported as harvest does it."""
    from pipeline.design.design import design_of
    from pipeline.operators.read_onnx import read_onnx

    designs = {}
    for spelled in group.split():
        network = read_onnx(io.BytesIO(preserve(*build(*spelled.split(":")))))
        designs[spelled] = design_of(network)
    first = next(iter(designs.values()))
    return {
        "designs": {spelled: d.fingerprint[:12] for spelled, d in designs.items()},
        "differs": {s: differences(first, d) for s, d in designs.items() if d != first},
    }


def candidates() -> list[tuple[str, str]]:
    """(source, name) of the classifiers drawn of each library, one library after the other."""
    from importlib import import_module

    from pipeline.harvest.params import Library

    drawn = []
    for source, size in SAMPLE.items():
        module = import_module(f"pipeline.harvest.sources.{source}_zoo")
        names = sorted(candidate.name for candidate in module.list_candidates(Library()))
        drawn.append([(source, name) for name in Random(SEED).sample(names, size)])
    return [model for row in zip_longest(*drawn) for model in row if model]


def summarise(held: dict[str, dict[str, Any]]) -> dict[str, Any]:
    """Shares of models with one design, by library; fingerprints beside them."""
    counts = {}
    for source in (*SAMPLE, "all"):
        rows = [
            r for key, r in held["models"].items() if source in (key.partition(":")[0], "all")
        ]
        whole = [r for r in rows if len(r.get("designs", {})) == len(WAYS)]
        counts[source] = {
            "models": len(rows),
            "exported_in_all_ways": len(whole),
            "one_fingerprint": sum(len(set(r["fingerprints"].values())) == 1 for r in whole),
            "one_design": share([is_one(r) for r in whole]),
        }
    opsets, across = list(held["opsets"].values()), list(held["across"].values())
    return {
        "exports": counts,
        "opsets": {"one_design": share([is_one(r) for r in opsets])},
        "libraries": {"one_design": share([is_one(r) for r in across])},
    }


def is_one(row: dict[str, Any]) -> bool:
    """Whether all its designs are equal."""
    return len(set(row["designs"].values())) == 1


def write(output: Path, held: dict[str, Any]) -> None:
    """The whole results file, at once."""
    results = {
        "command": "python benchmarks/design.py --output results/design.json",
        "ways": list(WAYS),
        "sample": {
            "seed": SEED,
            "seconds_an_export": LONGEST,
            "parameters": LARGEST,
            **SAMPLE,
        },
        "summary": summarise(held),
        "seconds": round(sum(r.get("seconds", 0) for r in held["models"].values())),
        "versions": {name: version(name) for name in PACKAGES},
        "machine": {"cores": os.cpu_count(), "processor": platform.machine(), "threads": 1},
        **held,
    }
    partial = output.with_suffix(".partial")
    partial.write_text(json.dumps(results, indent=1) + "\n")
    partial.replace(output)


def main() -> None:
    """Does what is not yet in the output file, and prints a line a model."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--output", type=Path, default=Path("results/design.json"))
    parser.add_argument("--only", default="", help="part of a source:name")
    options = parser.parse_args()
    import torch

    torch.set_num_threads(1)
    warnings.simplefilter("ignore")
    logging.disable(logging.WARNING)
    held: dict[str, Any] = {"models": {}, "opsets": {}, "across": {}}
    if options.output.exists():
        written = json.loads(options.output.read_text())
        for table, key, _ in tasks():
            if key in written[table]:
                held[table][key] = written[table][key]
    for table, key, measured in tasks():
        if key in held[table] or options.only not in key:
            continue
        began = time.monotonic()
        row = measured()
        held[table][key] = {**row, "seconds": round(time.monotonic() - began, 1)}
        print(key, "differs" if row.get("differs") else "", row.get("refused", ""), flush=True)
        write(options.output, held)
    print(json.dumps(summarise(held), indent=1))


def tasks() -> Iterator[tuple[str, str, Callable[[], dict[str, Any]]]]:
    """(table, key, what measures it), in order."""
    for group in ACROSS.strip().splitlines():
        yield "across", group.strip(), lambda group=group: measure_across(group)
    for spelled in CHAINED.split():
        source, name = spelled.split(":")
        yield "opsets", spelled, lambda s=source, n=name: measure_opsets(s, n)
    for source, name in candidates():
        yield "models", f"{source}:{name}", lambda s=source, n=name: measure(s, n)


if __name__ == "__main__":
    main()

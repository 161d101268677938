"""Real networks with real weights through the graph: is it the same network, the same numbers?

    python benchmarks/conversion.py --output results/conversion.json

Every model is built with random weights and perturbed statistics, exported, read, rebuilt in
torch, as Python source and as ONNX, and run. Where torch and ONNX Runtime disagree, the
library's own module is asked as well: how far it is from ONNX Runtime, and ours from it. Each
in a process of its own; what the output file holds already is not measured again.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import subprocess
import sys
import tempfile
import time
from collections import Counter
from importlib.metadata import version
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
AGREE = 1e-4  # of the largest output
SEED = 0
SECONDS = 300  # for one model
PACKAGES = ("torch", "torchvision", "timm", "pytorchcv", "onnx", "onnxruntime")

# name, or name@pixels a side where 64 are not enough (or not what it is made for)
MODELS = {
    "onnx_wheel": """
        bvlc_alexnet densenet121 inception_v1 inception_v2 resnet50 shufflenet squeezenet vgg19
        zfnet512""",
    "torchvision": """
        alexnet@224 convnext_tiny densenet121 efficientnet_b0 efficientnet_v2_s googlenet
        inception_v3@139 mnasnet0_5 mnasnet1_0 mobilenet_v2 mobilenet_v3_large
        mobilenet_v3_small regnet_x_400mf regnet_y_400mf resnet18 resnet34 resnet50
        resnext50_32x4d shufflenet_v2_x0_5 shufflenet_v2_x1_0 squeezenet1_0 squeezenet1_1
        vgg11@224 vgg11_bn@224 wide_resnet50_2""",
    "timm": """
        convmixer_768_32 convnext_atto convnextv2_atto cspresnet50 darknet53 dla34 dpn68
        efficientnet_lite0 ese_vovnet19b_dw fasternet_t0 fbnetc_100 focalnet_tiny_srf gernet_s
        ghostnet_100 hardcorenas_a hgnetv2_b0 hrnet_w18_small inception_next_atto lcnet_050
        mambaout_femto mixnet_s mobilenetv4_conv_small mobileone_s0 nf_regnet_b0 nfnet_l0
        poolformer_s12 regnety_002 repghostnet_050 repvgg_a0 repvit_m0_9 res2net50_26w_4s
        resnest14d resnet26d resnetv2_50 resnetv2_50x1_bit rexnet_100 selecsls42b
        semnasnet_075 skresnet18 spnasnet_100 starnet_s1 tf_efficientnetv2_b0 tinynet_e
        tresnet_m xception41""",
    "pytorchcv": """
        bam_resnet18@224 cbam_resnet18@224 darknet_ref@224 densenet40_k12_cifar10@32
        diaresnet20_cifar10@32 fdmobilenet_wd4@224 hardnet39ds@224 igcv3_wd4@224
        menet108_8x1_g3@224 mobilenet_wd4@224 nin_cifar10@32 peleenet@224
        preresnet20_cifar10@32 pyramidnet110_a48_cifar10@32 resnet10@224 resnet20_cifar10@32
        resnext29_32x4d_cifar10@32 rir_cifar10@32 ror3_56_cifar10@32 selecsls42@224
        sepreresnet20_cifar10@32 seresnet20_cifar10@32 shakeshakeresnet20_2x16d_cifar10@32
        shufflenet_g1_wd4@224 shufflenetv2_wd2@224 sqnxt23_w1@224 squeezeresnet_v1_1@224
        xdensenet40_2_k24_bc_cifar10@32""",
}


def build(source: str, name: str) -> Any:
    """A classifier of a library, its weights as the library draws them, then perturbed."""
    import torch

    torch.manual_seed(SEED)
    if source == "torchvision":
        import torchvision

        auxiliary = {"aux_logits": False} if name in ("googlenet", "inception_v3") else {}
        module = torchvision.models.get_model(name, weights=None, **auxiliary)
    elif source == "timm":
        import timm

        module = timm.create_model(name, pretrained=False, exportable=True)
    else:
        from pytorchcv.model_provider import get_model

        module = get_model(name, pretrained=False)
    perturb(module)
    return module.eval()


def perturb(module: Any) -> None:
    """Scales, shifts and statistics as after training: none is 0 or 1 any more."""
    import torch

    with torch.no_grad():
        for name, tensor in [*module.named_parameters(), *module.named_buffers()]:
            if tensor.dim() > 1 or not tensor.is_floating_point():
                continue
            if name.endswith(("weight", "running_var", "gamma")):
                tensor.uniform_(0.5, 1.5)
            else:
                tensor.normal_(0, 0.1)


def measure(source: str, name: str, size: int, folder: Path) -> dict[str, Any]:
    """One model: whether it comes back the same, and how far its numbers are off."""
    import torch

    from pipeline import read_onnx, read_weights, to_torch
    from pipeline.operators.write_onnx import to_onnx

    torch.set_num_threads(1)
    path, module = folder / "model.onnx", None
    if source == "onnx_wheel":
        from pipeline.harvest.sources.onnx_wheel import FOLDER

        path, size = FOLDER / f"light_{name}.onnx", 224
    else:
        from pipeline.harvest.export import export_with_weights

        module = build(source, name)
        export_with_weights(module, torch.zeros(1, 3, size, size), path)
    network = read_onnx(path)
    found: dict[str, Any] = {"vertices": len(network)}
    weights = read_weights(path, network)
    rewritten = folder / "rewritten.onnx"
    rewritten.write_bytes(to_onnx(network, weights).SerializeToString())
    again = read_onnx(rewritten)
    found["exact"] = again.fingerprint == network.fingerprint
    x = torch.randn(1, 3, size, size, generator=torch.Generator().manual_seed(SEED))
    expected = run_onnx(path, x)
    found["rewritten_difference"] = difference(run_onnx(rewritten, x), expected)
    with torch.inference_mode():
        rebuilt = to_torch(network, weights).eval()
        output = rebuilt(x)
        found["torch_difference"] = difference(output.numpy(), expected)
        found["source_lines"], found["source_same"] = write_source(network, rebuilt, x, output)
        if found["torch_difference"] > AGREE and module is not None:
            own = module(x).numpy()
            found["library_difference"] = difference(own, expected)
            found["difference_from_library"] = difference(output.numpy(), own)
    return found


def write_source(network: Any, module: Any, x: Any, output: Any) -> tuple[int, bool]:
    """Lines of the network's Python source, and whether it computes the same, bit for bit."""
    import torch

    from pipeline.operators.to_source import to_source

    source = to_source(network)
    space: dict[str, Any] = {}
    exec(compile(source, "network.py", "exec"), space)
    written = space["Network"]().eval()
    values = module.state_dict().values()
    written.load_state_dict(dict(zip(written.state_dict(), values, strict=True)))
    return source.count("\n"), bool(torch.equal(written(x), output))


def run_onnx(path: Path, x: Any) -> Any:
    """ONNX Runtime's output, Dropout at rest."""
    import onnx
    import onnxruntime

    model = onnx.load(path)
    for node in model.graph.node:
        if node.op_type == "Dropout":
            del node.input[2:]
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    options.log_severity_level = 3
    session = onnxruntime.InferenceSession(
        model.SerializeToString(), options, providers=["CPUExecutionProvider"]
    )
    initialised = {i.name for i in model.graph.initializer}
    inputs = [i.name for i in session.get_inputs() if i.name not in initialised]
    return session.run(None, {inputs[0]: x.numpy()})[0]


def difference(found: Any, expected: Any) -> float:
    """max |difference| over max |expected|."""
    import numpy as np

    return float(np.abs(found - expected).max() / max(float(np.abs(expected).max()), 1e-30))


def measure_apart(source: str, name: str, size: int) -> dict[str, Any]:
    """The same in a process of its own; a refusal is a result too."""
    command = [sys.executable, __file__, "--one", source, name, str(size)]
    environment = {**os.environ, "OMP_NUM_THREADS": "1", "PYTHONPATH": str(ROOT)}
    began = time.monotonic()
    try:
        done = subprocess.run(
            command, capture_output=True, text=True, timeout=SECONDS, check=False,
            env=environment, cwd=ROOT,
        )  # fmt: skip
    except subprocess.TimeoutExpired:
        return {"refused": "timeout", "detail": f"{SECONDS} seconds"}
    if done.returncode:
        raise RuntimeError(f"{source} {name} failed:\n{done.stderr[-3000:]}")
    found: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return {**found, "seconds": round(time.monotonic() - began, 1)}


def measure_here(source: str, name: str, size: int) -> dict[str, Any]:
    """In this process, refusals as rows."""
    from pipeline import ModelError

    with tempfile.TemporaryDirectory() as folder:
        try:
            return measure(source, name, size, Path(folder))
        except ModelError as e:
            return {"refused": e.reason, "detail": e.detail}


def agrees(row: dict[str, Any]) -> bool:
    """Whether torch and the rewritten file both give the file's own numbers."""
    return max(row["torch_difference"], row["rewritten_difference"]) <= AGREE


def summarise(models: dict[str, dict[str, Any]]) -> dict[str, Any]:
    """Counts by source and over all."""
    sources = {}
    for source in [*MODELS, "all"]:
        rows = [r for key, r in models.items() if source in (key.partition(":")[0], "all")]
        read = [r for r in rows if "refused" not in r]
        sources[source] = {
            "models": len(rows),
            "read": len(read),
            "exact": sum(r["exact"] for r in read),
            "agree": sum(agrees(r) for r in read),
            "source_same": sum(r["source_same"] for r in read),
            "largest_torch_difference": max((r["torch_difference"] for r in read), default=0),
            "refused": dict(Counter(r["refused"] for r in rows if "refused" in r)),
        }
    return sources


def write(output: Path, models: dict[str, dict[str, Any]]) -> None:
    """The whole results file, at once."""
    machine = {"cores": os.cpu_count(), "processor": platform.machine(), "threads": 1}
    results = {
        "command": "python benchmarks/conversion.py --output results/conversion.json",
        "seed": SEED,
        "agree_at": AGREE,
        "sources": summarise(models),
        "seconds": round(sum(r.get("seconds", 0) for r in models.values())),
        "versions": {name: version(name) for name in PACKAGES},
        "machine": {**machine, "python": platform.python_version()},
        "models": models,
    }
    output.parent.mkdir(parents=True, exist_ok=True)
    partial = output.with_suffix(".partial")
    partial.write_text(json.dumps(results, indent=1) + "\n")
    partial.replace(output)


def main() -> None:
    """Measures what is not yet in the output file, and prints a line a model."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--output", type=Path, default=Path("results/conversion.json"))
    parser.add_argument("--only", help="part of a source:name")
    parser.add_argument("--one", nargs=3, metavar=("SOURCE", "NAME", "SIZE"))
    options = parser.parse_args()
    if options.one:
        source, name, size = options.one
        print(json.dumps(measure_here(source, name, int(size))))
        return
    held = json.loads(options.output.read_text())["models"] if options.output.exists() else {}
    for source, names in MODELS.items():
        for entry in names.split():
            name, _, size = entry.partition("@")
            key = f"{source}:{name}"
            if key in held or (options.only or "") not in key:
                continue
            held[key] = measure_apart(source, name, int(size or 64))
            print(key, held[key], flush=True)
            write(options.output, held)
    print(json.dumps(summarise(held), indent=1))


if __name__ == "__main__":
    main()

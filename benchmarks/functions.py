"""Does every change of function change the fingerprint? Single changes of real graphs, run.

    python benchmarks/functions.py --changes 600 --output results/functions.json

Real networks of the ``onnx`` wheel are written with random weights; one attribute, constant,
operator or wire is changed; where ONNX Runtime still runs the file, its numbers and its
fingerprint are compared with those of the original. A fingerprint that stays must mean equal
numbers: all others are listed, with the change that was made.
"""

from __future__ import annotations

import argparse
import io
import json
import random
import time
from collections import Counter
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import onnxruntime
from onnx import ModelProto, NodeProto, helper, numpy_helper

from pipeline import read_onnx
from pipeline.errors import ModelError
from pipeline.evaluate.results import write_results
from pipeline.operators.schema import schema_of
from pipeline.operators.write_onnx import to_onnx

LIGHT = Path(onnx.__file__).parent / "backend/test/data/light"
REAL = ("squeezenet", "shufflenet")
ALIKE = (
    ("Relu", "Tanh", "Sigmoid", "Abs", "Identity", "Exp", "Neg"),
    ("Add", "Mul", "Sub", "Div", "Max", "Min"),
    ("MaxPool", "AveragePool"),
    ("GlobalAveragePool", "GlobalMaxPool"),
)
PACKAGES = ("numpy", "onnx", "onnxruntime")


def change(model: ModelProto, draw: random.Random) -> str:
    """Change one thing, in place -> what it was; empty where nothing was changed."""
    node = draw.choice(model.graph.node)
    match draw.randrange(5):
        case 0 if node.op_type == "Constant":
            return _change_constant(node, draw)
        case 0 | 1:
            return _change_attribute(node, draw)
        case 2:
            return _change_operator(node, draw)
        case 3 if len(node.input) > 1:
            a, b = draw.sample(range(len(node.input)), 2)
            node.input[a], node.input[b] = node.input[b], node.input[a]
            return f"{node.op_type}: inputs {a} and {b} exchanged"
        case _:
            values = [n for other in model.graph.node for n in other.output]
            place, value = draw.randrange(len(node.input) or 1), draw.choice(values)
            if not node.input or node.input[place] == value:
                return ""
            node.input[place] = value
            return f"{node.op_type}: input {place} is {value}"


def _change_constant(node: NodeProto, draw: random.Random) -> str:
    array = numpy_helper.to_array(node.attribute[0].t).copy()
    if not array.size:
        return ""
    place = draw.randrange(array.size)
    array.flat[place] += draw.choice((1, -1, 2))
    node.attribute[0].t.CopyFrom(numpy_helper.from_array(array))
    return f"Constant {node.output[0]}: value {place}"


def _change_attribute(node: NodeProto, draw: random.Random) -> str:
    known = schema_of(node.op_type).attributes
    names = [n for n in known if known[n].type.value in (1, 2, 7)]
    if not names or node.op_type == "Constant":
        return ""
    name = draw.choice(names)
    given = {a.name: helper.get_attribute_value(a) for a in node.attribute}
    value: Any = given.get(name, getattr(known[name].default_value, "i", 0) or 0)
    if isinstance(value, float):
        value = draw.choice((value * 2 + 0.1, 0.5))
    elif isinstance(value, int):
        value = draw.choice((value + 1, value - 1, 1 - value))
        value = float(value) if known[name].type.value == 1 else value
        value = [value] * 2 if known[name].type.value == 7 else value
    else:
        value = list(value)
        value[draw.randrange(len(value))] += draw.choice((1, -1))
    kept = [a for a in node.attribute if a.name != name]
    del node.attribute[:]
    node.attribute.extend([*kept, helper.make_attribute(name, value)])
    return f"{node.op_type}: {name} = {value}"


def _change_operator(node: NodeProto, draw: random.Random) -> str:
    for group in ALIKE:
        if node.op_type in group:
            before, node.op_type = node.op_type, draw.choice(group)
            return f"{before} -> {node.op_type}"
    return ""


def run(model: ModelProto, x: np.ndarray) -> list[np.ndarray] | None:
    """The outputs, None where ONNX Runtime refuses the file."""
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 4
    options.intra_op_num_threads = 1
    try:
        session = onnxruntime.InferenceSession(
            model.SerializeToString(), options, providers=["CPUExecutionProvider"]
        )
        return session.run(None, {"v0": x})  # type: ignore[no-any-return]
    except Exception:  # whatever the runtime says of a file that is none
        return None


def compare(changes: int, seed: int) -> dict[str, Any]:
    """So many changes of each network in turn -> counts, and what contradicts the promise."""
    draw = random.Random(seed)
    counts: Counter[str] = Counter()
    contradictions: list[dict[str, str]] = []
    originals = []
    for name in REAL:
        network = read_onnx(LIGHT / f"light_{name}.onnx")
        shape = network.vertices[0].get("shape")
        x = np.random.default_rng(seed).standard_normal((1, *shape), dtype=np.float32)  # type: ignore[misc]
        model = to_onnx(network, seed=seed)
        originals.append((name, network, model, x, run(model, x)))
    for number in range(changes):
        name, network, model, x, expected = originals[number % len(originals)]
        changed = ModelProto()
        changed.CopyFrom(model)
        what = change(changed, draw)
        if not what:
            counts["nothing changed"] += 1
            continue
        found = run(changed, x)
        try:
            same = read_onnx(io.BytesIO(changed.SerializeToString())) == network
        except ModelError:
            counts["refused by both" if found is None else "refused, though it runs"] += 1
            continue
        if found is None:
            counts["read, though it does not run"] += 1
            continue
        equal = len(found) == len(expected) and all(
            a.shape == b.shape and np.array_equal(a, b, equal_nan=True)
            for a, b in zip(found, expected, strict=True)
        )
        word = f"{'same' if same else 'another'} fingerprint, {'equal' if equal else 'other'}"
        counts[f"{word} numbers"] += 1
        if same and not equal:
            contradictions.append({"network": name, "change": what})
    return {
        "changes": changes,
        "contradictions": contradictions,
        "counts": dict(counts.most_common()),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--changes", type=int, default=200)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--output", type=Path)
    given = parser.parse_args()
    began = time.monotonic()
    results = compare(given.changes, given.seed) | {
        "seed": given.seed,
        "seconds": round(time.monotonic() - began, 1),
        "versions": {name: version(name) for name in PACKAGES},
    }
    print(json.dumps(write_results(given.output, results, {}), indent=1))


if __name__ == "__main__":
    main()

"""Inputs that nobody should send, drawn from a seed: one number is one input, always the same.

Every kind has a maker, ``draw -> bytes of a model file``; what reading it gave is one word.
"""

from __future__ import annotations

import io
import random
import sys
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import onnx
from onnx import AttributeProto, ModelProto, NodeProto, TensorProto, helper, numpy_helper

from pipeline.errors import ModelError
from pipeline.operators.fold import FOLDS
from pipeline.operators.read_onnx import read_onnx
from pipeline.operators.shapes import infer_layers
from pipeline.operators.write_onnx import to_skeleton
from pipeline.tables.networks import network_rows
from pipeline.weightless.skeleton import read_skeleton

LIGHT = Path(onnx.__file__).parent / "backend/test/data/light"
REAL = ("squeezenet", "shufflenet", "bvlc_alexnet", "inception_v1")
INTEGERS = (0, 1, -1, 2, 3, 4, 7, -7, 64, 255, 2**31 - 1, 2**31, -(2**31), 2**53, 2**62,
            2**63 - 1, -(2**63))  # fmt: skip
FLOATS = (0.0, -0.0, 1.0, -1.0, 0.5, 2.0, 1e30, -1e30, 1e-30, float("inf"), float("-inf"),
          float("nan"))  # fmt: skip
DTYPES = (np.int64, np.int64, np.int64, np.int32, np.float32, np.float32, np.uint64, np.bool_,
          np.float64, np.float16, np.complex64, np.int8)  # fmt: skip
WORDS = (b"SAME_UPPER", b"SAME_LOWER", b"VALID", b"linear", b"nearest", b"sum", b"\xff", b"")
DECOY = "decoy.bin"
Draw = random.Random


class Input(NamedTuple):
    """Which input: its kind, and the number it is drawn from."""

    kind: str
    seed: int


@cache
def skeletons() -> tuple[ModelProto, ...]:
    return tuple(read_skeleton(LIGHT / f"light_{name}.onnx") for name in REAL)


def make_truncated(draw: Draw) -> bytes:
    content = _small(draw).SerializeToString()
    return content[: draw.randrange(len(content))]


def make_bytes(draw: Draw) -> bytes:
    content = bytearray(_small(draw).SerializeToString())
    for _ in range(draw.randint(1, 4)):
        at = draw.randrange(len(content))
        match draw.randrange(4):
            case 0:
                content[at] ^= 1 << draw.randrange(8)
            case 1:
                content[at] = draw.choice((0, 0x7F, 0x80, 0xFF))
            case 2:
                content[at:at] = draw.randbytes(draw.randint(1, 12))
            case _:
                del content[at : at + draw.randint(1, 50)]
        content = content or bytearray(1)
    return bytes(content)


def make_structure(draw: Draw) -> bytes:
    """A real graph with a few wires, operators, types or dims changed."""
    model = _copy(draw.choice(skeletons()) if draw.random() < 0.5 else _small(draw))
    graph = model.graph
    for _ in range(draw.randint(1, 3)):
        node = draw.choice(graph.node)
        names = [name for n in graph.node for name in (*n.input, *n.output)] or [""]
        match draw.randrange(9):
            case 0:
                node.op_type = draw.choice(_operators())
            case 1 if node.input:
                node.input[draw.randrange(len(node.input))] = draw.choice(names)
            case 2 if node.input:
                del node.input[draw.randrange(len(node.input))]
            case 3:
                node.input.append(draw.choice((*names, "")))
            case 4:
                node.output.append(draw.choice((*names, "another", "")))
            case 5 if len(graph.node) > 1:
                graph.node.remove(node)
            case 6:
                value = draw.choice(graph.input).type.tensor_type
                value.elem_type = draw.randrange(28)
            case 7:
                dims = draw.choice(graph.input).type.tensor_type.shape.dim
                if dims:
                    draw.choice(dims).dim_value = draw.choice(INTEGERS)
            case _:
                model.opset_import[0].version = draw.randrange(0, 30)
        if not graph.node:
            break
    return model.SerializeToString()


def make_attributes(draw: Draw) -> bytes:
    """A graph with attributes of extreme values, of other kinds, given twice, or unknown."""
    model = _copy(draw.choice(skeletons()) if draw.random() < 0.3 else _small(draw))
    for _ in range(draw.randint(1, 3)):
        node = draw.choice(model.graph.node)
        known = list(_schema_attributes(node.op_type)) or ["axis"]
        name = draw.choice(known) if draw.random() < 0.9 else "nonsense"
        kept = [a for a in node.attribute if a.name != name or draw.random() < 0.1]
        del node.attribute[:]
        node.attribute.extend([*kept, _attribute(draw, node.op_type, name)])
    return model.SerializeToString()


def make_constants(draw: Draw) -> bytes:
    """Chains of arithmetic on odd constants, to where a node wants a shape or a bound."""
    nodes: list[NodeProto] = []
    names = []
    for number in range(draw.randint(1, 4)):
        names.append(f"c{number}")
        nodes.append(helper.make_node("Constant", [], [names[-1]], value=_tensor(draw)))
    for number in range(draw.randint(0, 6)):
        operator = draw.choice(tuple(FOLDS))
        given = [draw.choice(names) for _ in range(draw.randint(1, 3))]
        outputs = [f"f{number}"] + (["g"] if operator == "Split" else [])
        node = helper.make_node(operator, given, outputs)
        for name in _schema_attributes(operator):
            if draw.random() < 0.5:
                node.attribute.append(_attribute(draw, operator, name))
        nodes.append(node)
        names.append(f"f{number}")
    user, slots = draw.choice((
        ("Reshape", 1), ("Expand", 1), ("Tile", 1), ("Slice", 4), ("Pad", 3), ("Resize", 3),
        ("Clip", 2), ("Squeeze", 1), ("Unsqueeze", 1), ("ReduceMean", 1), ("Split", 1),
        ("Gather", 1), ("Add", 1), ("Where", 2), ("TopK", 1), ("OneHot", 2), ("Conv", 2),
        ("ConstantOfShape", 0), ("Range", 2), ("Pow", 1), ("Concat", 2), ("ScatterND", 2),
    ))  # fmt: skip
    given = ["x", *(draw.choice((*names, names[-1])) for _ in range(slots))]
    nodes.append(helper.make_node(user, given, ["y"]))
    return _model(nodes, draw).SerializeToString()


def make_operators(draw: Draw) -> bytes:
    """Any operator of ONNX on data, weights and constants, with any attributes, any opset."""
    operator = draw.choice(_operators())
    names = ["x", "x", "w", "c", ""]
    given = [draw.choice(names) for _ in range(draw.randint(1, 5))]
    given[0] = draw.choice(("x", "x", given[0]))
    outputs = ["y", *(f"o{n}" for n in range(draw.choice((0, 0, 1, 5))))]
    node = helper.make_node(operator, given, outputs)
    for name in _schema_attributes(operator):
        if draw.random() < 0.6:
            node.attribute.append(_attribute(draw, operator, name))
    constant = helper.make_node("Constant", [], ["c"], value=_tensor(draw))
    return _model([constant, node], draw).SerializeToString()


def make_external(draw: Draw) -> bytes:
    """A tensor whose values stand in another file, wherever a tensor may stand."""
    model = _copy(_small(draw))
    location = draw.choice((DECOY, f"./{DECOY}", f"../{DECOY}", "/etc/hostname", "/dev/zero"))
    tensor = TensorProto(name="t", data_type=draw.choice((1, 2, 7)), dims=[1])
    tensor.data_location = TensorProto.EXTERNAL
    tensor.external_data.add(key="location", value=location)
    node = draw.choice(model.graph.node)
    match draw.randrange(4):
        case 0:
            node.attribute.append(AttributeProto(name="value", type=4, t=tensor))
        case 1:
            model.graph.initializer.append(tensor)
            node.input[-1:] = ["t"]
        case 2:
            graph = helper.make_graph([], "g", [], [], [tensor])
            node.attribute.append(AttributeProto(name="body", type=5, g=graph))
        case _:
            made = NodeProto(
                op_type=draw.choice(("Constant", "ConstantOfShape")), output=["e"]
            )
            made.attribute.append(AttributeProto(name="value", type=4, t=tensor))
            model.graph.node.insert(0, made)
            node.input[-1:] = ["e"]
    return model.SerializeToString()


MAKERS: dict[str, Callable[[Draw], bytes]] = {
    "truncated": make_truncated,
    "bytes": make_bytes,
    "structure": make_structure,
    "attributes": make_attributes,
    "constants": make_constants,
    "operators": make_operators,
    "external": make_external,
}


def content_of(given: Input) -> bytes:
    """The file that one input is."""
    return MAKERS[given.kind](random.Random(f"{given.kind} {given.seed}"))


def try_input(given: Input) -> str:
    """What came of reading it as normalise does: ``network``, or ``refused: REASON``; or, as
    findings, ``opened: FILE`` and ``unstable``: written and read again it is another."""
    content = content_of(given)
    with _Watch() as watch:
        try:
            network = read_onnx(io.BytesIO(content))
            layers = infer_layers(network)
            network_rows(network, [layer.outputs[0].shape for layer in layers])
            outcome = "network"
            again = read_onnx(io.BytesIO(to_skeleton(network).SerializeToString()))
            if again != network:
                outcome = "unstable"
        except ModelError as error:
            outcome = (
                f"refused: {error.reason}"
                if "network" not in locals()
                else (f"unstable: {error}")
            )
    return f"opened: {watch.opened[0]}" if watch.opened else outcome


class _Watch:
    """Which files Python opens inside the block, but for its own modules."""

    current: _Watch | None = None
    hooked = False

    def __enter__(self) -> _Watch:
        self.opened: list[str] = []
        if not _Watch.hooked:
            sys.addaudithook(_note_open)
            _Watch.hooked = True
        _Watch.current = self
        return self

    def __exit__(self, *_: object) -> None:
        _Watch.current = None


def _note_open(event: str, arguments: tuple[Any, ...]) -> None:
    if event == "open" and _Watch.current is not None:
        path = str(arguments[0])
        if not path.endswith((".py", ".pyc", ".so")):
            _Watch.current.opened.append(path)


@cache
def _operators() -> tuple[str, ...]:
    return tuple(sorted({s.name for s in onnx.defs.get_all_schemas() if s.domain == ""}))


@cache
def _schema_attributes(operator: str) -> dict[str, int]:
    """Name -> kind (AttributeProto.AttributeType) of an operator's attributes."""
    try:
        found = onnx.defs.get_schema(operator, 20).attributes
    except onnx.defs.SchemaError:
        return {}
    return {name: attribute.type.value for name, attribute in found.items()}


def _small(draw: Draw) -> ModelProto:
    """A small network with what real ones have: windows, shape arithmetic, branches."""
    number = draw.randrange(4)
    nodes = [helper.make_node("Conv", ["x", "w"], ["a"], pads=[1, 1, 1, 1])]
    if number == 0:
        nodes += [
            helper.make_node("Shape", ["a"], ["s"]),
            helper.make_node("Constant", [], ["i"], value_ints=[0]),
            helper.make_node("Gather", ["s", "i"], ["b"]),
            helper.make_node("Constant", [], ["r"], value_ints=[-1]),
            helper.make_node("Concat", ["b", "r"], ["t"], axis=0),
            helper.make_node("Reshape", ["a", "t"], ["y"]),
        ]
    elif number == 1:
        nodes += [
            helper.make_node("MaxPool", ["a"], ["p"], kernel_shape=[2, 2], strides=[2, 2]),
            helper.make_node("Split", ["p"], ["q", "r"], axis=1, num_outputs=2),
            helper.make_node("Concat", ["r", "q"], ["y"], axis=1),
        ]
    elif number == 2:
        nodes += [
            helper.make_node("Constant", [], ["n"], value_float=0.0),
            helper.make_node("Clip", ["a", "n"], ["c"]),
            helper.make_node("ReduceMean", ["c"], ["m"]),
            helper.make_node("Mul", ["c", "m"], ["y"]),
        ]
    else:
        nodes += [
            helper.make_node("Constant", [], ["z"], value_floats=[1.0, 1.0, 2.0, 2.0]),
            helper.make_node("Resize", ["a", "", "z"], ["u"], mode="nearest"),
            helper.make_node("AveragePool", ["u"], ["v"], kernel_shape=[3, 3]),
            helper.make_node("Transpose", ["v"], ["y"], perm=[0, 2, 3, 1]),
        ]
    return _model(nodes, None)


def _model(nodes: list[NodeProto], draw: Draw | None) -> ModelProto:
    value = helper.make_tensor_value_info
    shape = [1, 4, 8, 8] if draw is None else draw.choice(([1, 4, 8, 8], [2, 4], [1, 6, 5]))
    weight = numpy_helper.from_array(np.ones((4, 4, 3, 3), np.float32), "w")
    inputs, outputs = [value("x", 1, shape)], [helper.make_empty_tensor_value_info("y")]
    graph = helper.make_graph(nodes, "g", inputs, outputs, [weight])
    opset = 20 if draw is None or draw.random() < 0.7 else draw.randrange(1, 24)
    return helper.make_model(
        graph, opset_imports=[helper.make_opsetid("", opset)], ir_version=9
    )


def _copy(model: ModelProto) -> ModelProto:
    made = ModelProto()
    made.CopyFrom(model)
    return made


def _tensor(draw: Draw) -> TensorProto:
    if draw.random() < 0.05:
        return helper.make_tensor("c", TensorProto.STRING, [2], [b"ab", b"c"])
    dtype = draw.choice(DTYPES)
    shape = tuple(
        draw.choice((0, 1, 1, 2, 3, 4)) for _ in range(draw.choice((0, 1, 1, 1, 2, 3)))
    )
    pool = INTEGERS if np.dtype(dtype).kind in "iub" else FLOATS
    pool = tuple(range(-2, 9)) if draw.random() < 0.5 else pool
    values = [draw.choice(pool) for _ in range(int(np.prod(shape)))]
    with np.errstate(all="ignore"):
        array = np.array(values, object).reshape(shape)
        kind = np.dtype(dtype).kind
        if kind in "iu":
            modulus = 2 ** (8 * np.dtype(dtype).itemsize - (kind == "i"))
            array = np.asarray(array % modulus, object)
        return numpy_helper.from_array(np.asarray(array.astype(dtype)), "c")


def _attribute(draw: Draw, operator: str, name: str) -> AttributeProto:
    """An attribute of an extreme value, mostly of the kind that the operator's is."""
    count = draw.choice((0, 1, 2, 2, 4, 4, 5))
    kind = _schema_attributes(operator).get(name, 0) if draw.random() < 0.85 else 0
    match kind or draw.choice((1, 2, 3, 4, 6, 7)):
        case 2:
            return AttributeProto(name=name, type=2, i=draw.choice((*INTEGERS, 0, 1, 1)))
        case 7:
            ints = [draw.choice((*INTEGERS, 1, 1, 1, 2)) for _ in range(count)]
            return AttributeProto(name=name, type=7, ints=ints)
        case 1:
            return AttributeProto(name=name, type=1, f=draw.choice(FLOATS))
        case 6:
            return AttributeProto(name=name, type=6, floats=[draw.choice(FLOATS)] * count)
        case 6:
            words = (
                b"SAME_UPPER",
                b"SAME_LOWER",
                b"VALID",
                b"linear",
                b"nearest",
                b"\xff",
                b"",
            )
            return AttributeProto(name=name, type=3, s=draw.choice(words))
        case _:
            return AttributeProto(name=name, type=4, t=_tensor(draw))

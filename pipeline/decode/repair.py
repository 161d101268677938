"""Repair: whatever vertices a decoder gives -> a valid network that runs.

Rules act on the graph first, then, vertex by vertex in order, on shapes, with ONNX's own shape
inference as the judge. They change as little as they can and say what they changed and why; a
valid network comes back untouched.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from math import prod

from pipeline.errors import InvalidNetwork, ModelError
from pipeline.graph.canonical import canonicalise
from pipeline.graph.network import INPUT, OUTPUT, Attributes, Network, Operand, Value, Vertex
from pipeline.operators.operands import FLOAT, Tensor
from pipeline.operators.registry import operator_of
from pipeline.operators.schema import schema_of
from pipeline.operators.shapes import infer_layer, infer_layers

DEFAULT_INPUT = Vertex(INPUT, (("dtype", "float32"), ("shape", (3, 224, 224))))
MAX_ELEMENTS, MAX_PARAMETERS = 2**25, 2**26  # of one tensor in a network that was changed
MAX_AXIS = 2**12
ELEMENTWISE = {"Add", "Sub", "Mul", "Div", "Sum", "Max", "Min", "Mean", "Pow"}
# With random weights these leave the finite numbers; a changed network does without them.
UNSAFE = {"Sqrt", "Log", "Pow", "Div", "Reciprocal", "Exp"}


@dataclass(frozen=True, slots=True)
class Edit:
    """One change: the rule that made it, the vertex of the draft, the reason."""

    rule: str
    vertex: int
    reason: str


@dataclass(frozen=True)
class Repaired:
    """A valid network, and what it took."""

    network: Network
    edits: tuple[Edit, ...] = ()


@dataclass
class Workshop:
    """The network under repair: new vertices with their tensors, where old ones went."""

    vertices: list[Vertex] = field(default_factory=list)
    outputs: list[tuple[Tensor, ...]] = field(default_factory=list)
    places: dict[int, tuple[int, int] | None] = field(default_factory=dict)
    edits: list[Edit] = field(default_factory=list)
    counts: Sequence[int] = ()

    def tensor(self, operand: Operand) -> Tensor:
        return self.outputs[operand.source][operand.output]

    def add(self, vertex: Vertex, outputs: int = 1) -> int:
        """Append a vertex; its index. Raises ModelError when its shapes do not fit."""
        operands = [self.tensor(o) for o in vertex.operands]
        layer = infer_layer(len(self.vertices), vertex, operands, outputs)
        sizes = [prod(t.shape) for t in layer.outputs]
        weights = [prod(t.shape) for t in layer.parameters.values()]
        if max(sizes) > MAX_ELEMENTS or max(weights, default=0) > MAX_PARAMETERS:
            raise InvalidNetwork("too_large", f"{vertex.operator}: larger than is run")
        if vertex.operator != INPUT and layer.outputs[0].dtype != FLOAT:
            raise InvalidNetwork("dtype", f"{vertex.operator}: gives no float32")
        if vertex.operator != OUTPUT and any(0 in t.shape for t in layer.outputs):
            raise InvalidNetwork("empty", f"{vertex.operator}: an empty tensor")
        self.vertices.append(vertex)
        self.outputs.append(layer.outputs)
        return len(self.vertices) - 1


def repair(draft: Sequence[Vertex]) -> Repaired:
    """Vertices in their intended order -> a network. A valid draft is returned as it is."""
    untouched = as_network(draft)
    if untouched is not None:
        return Repaired(untouched)
    shop = Workshop()
    shop.counts = _used_outputs(draft)
    body = list(one_source(shop, draft))
    for index, vertex in body:
        mend_vertex(shop, index, vertex)
    sink = one_sink(shop, draft)
    network, _ = canonicalise(shop.vertices, sink)
    return Repaired(network, tuple(shop.edits))


def as_network(draft: Sequence[Vertex]) -> Network | None:
    """The network that a draft already is, or None."""
    try:
        network, order = canonicalise(draft, len(draft) - 1)
        if order != list(range(len(draft))) or network.vertices[-1].operator != OUTPUT:
            return None
        infer_layers(network)
    except (ModelError, IndexError):
        return None
    return network


def one_source(shop: Workshop, draft: Sequence[Vertex]) -> Iterator[tuple[int, Vertex]]:
    """Rule: the first Input is the source, or a default one; everything else is body."""
    first = next((i for i, v in enumerate(draft) if v.operator == INPUT), None)
    source = DEFAULT_INPUT if first is None else replace(draft[first], operands=())
    try:
        shop.add(source)
    except ModelError as e:
        shop.add(DEFAULT_INPUT)
        shop.edits.append(Edit("input", first or 0, e.detail))
    if first is None:
        shop.edits.append(Edit("one_source", 0, "there is no Input"))
    for index, vertex in enumerate(draft):
        if index == first or (vertex.operator == OUTPUT and index == len(draft) - 1):
            shop.places[index] = (0, 0) if index == first else None
        elif vertex.operator in (INPUT, OUTPUT):
            shop.places[index] = None
            shop.edits.append(Edit("one_source", index, f"a second {vertex.operator}"))
        else:
            yield index, vertex


def one_sink(shop: Workshop, draft: Sequence[Vertex]) -> int:
    """Rule: the Output takes what the draft's own takes, else the last vertex; what does not
    reach it goes."""
    last = draft[-1] if draft and draft[-1].operator == OUTPUT else None
    taken = [shop.places.get(o.source) for o in last.operands] if last is not None else []
    found = [place for place in dict.fromkeys(taken) if place is not None and place[0]]
    if not found:
        found = [(len(shop.vertices) - 1, 0)]
        shop.edits.append(
            Edit("one_sink", max(0, len(draft) - 1), "no vertex feeds the Output")
        )
    operands = tuple(Operand(v, s, p) for p, (v, s) in enumerate(found))
    return shop.add(Vertex(OUTPUT, (), operands))


def mend_vertex(shop: Workshop, index: int, vertex: Vertex) -> None:
    """Rules for one vertex: its operands, then its operator, attributes and shapes."""
    operands = mend_operands(shop, index, vertex)
    if operator_of(vertex.operator) is None:
        return bypass(shop, index, operands, f"{vertex.operator} is no operator that runs")
    if vertex.operator in UNSAFE and shop.edits:
        return bypass(shop, index, operands, f"{vertex.operator} may leave the finite numbers")
    wanted = replace(vertex, operands=operands)
    reason = _try(shop, index, wanted)
    if reason is None:
        return None
    for rule, changed in proposals(shop, wanted):
        if _try(shop, index, changed) is None:
            shop.edits.append(Edit(rule, index, reason))
            return None
    return bypass(shop, index, operands, reason)


def mend_operands(shop: Workshop, index: int, vertex: Vertex) -> tuple[Operand, ...]:
    """Rule: an operand names an earlier vertex and a slot it has; a vertex has one at least."""
    kept = []
    for operand in vertex.operands:
        place = shop.places.get(operand.source)
        if place is None or operand.source >= index:
            shop.edits.append(Edit("order", index, "an operand that does not come before it"))
            continue
        slot = operand.output if place[1] == 0 else place[1]
        if slot >= len(shop.outputs[place[0]]):
            shop.edits.append(Edit("slot", index, f"output {slot} is not there"))
            slot = 0
        kept.append(Operand(place[0], slot, operand.position))
    if not kept:
        shop.edits.append(Edit("unreachable", index, "no operand: takes the vertex before it"))
        kept.append(Operand(len(shop.vertices) - 1, 0, 0))
    return tuple(kept)


def bypass(shop: Workshop, index: int, operands: tuple[Operand, ...], reason: str) -> None:
    """Rule of last resort: the vertex's users take its first operand instead."""
    shop.places[index] = (operands[0].source, operands[0].output)
    shop.edits.append(Edit("bypass", index, reason))


def proposals(shop: Workshop, vertex: Vertex) -> Iterator[tuple[str, Vertex]]:
    """Changed vertices to try, the smallest change first, with the rule's name."""
    yield from fit_arity(vertex)
    if vertex.operator in ELEMENTWISE or vertex.operator == "Concat":
        yield from agreeing_operands(shop, vertex)
    if vertex.operator in ("Conv", "ConvTranspose", "MaxPool", "AveragePool"):
        yield from fit_window(shop, vertex)
    if vertex.operator in ("Gemm", "MatMul") and vertex.operands:
        yield from flatten_first(shop, vertex)
    yield from default_attributes(vertex)


def fit_arity(vertex: Vertex) -> Iterator[tuple[str, Vertex]]:
    """Rule: no more operands than the operator takes, at the lowest positions; no fewer."""
    schema = schema_of(vertex.operator)
    count = len(vertex.operands)
    if count > schema.max_input:
        yield "arity", _with(vertex, vertex.operands[: schema.max_input])
    if count > 1:
        yield "arity", _with(vertex, vertex.operands[:1])
    if count < schema.min_input and vertex.operator in ELEMENTWISE:
        yield "arity", _with(vertex, vertex.operands * schema.min_input)


def agreeing_operands(shop: Workshop, vertex: Vertex) -> Iterator[tuple[str, Vertex]]:
    """Rule: channels that disagree: a 1x1 Conv brings an operand to the first one's channels;
    operands of another size are dropped."""
    first = shop.tensor(vertex.operands[0]).shape
    matched = []
    for operand in vertex.operands:
        shape = shop.tensor(operand).shape
        if shape == first:
            matched.append(operand)
        elif len(shape) == len(first) == 4 and shape[2:] == first[2:]:
            if vertex.operator == "Concat":
                matched.append(operand)
            else:
                source = _pointwise(shop, operand, first[1])
                matched.append(replace(operand, source=source, output=0))
    if len(matched) > 1:
        yield "channels", _with(vertex, tuple(matched))
    yield "channels", _with(vertex, (vertex.operands[0],) * 2)


def fit_window(shop: Workshop, vertex: Vertex) -> Iterator[tuple[str, Vertex]]:
    """Rule: groups divide the channels, the kernel fits its input, sizes are sensible."""
    x = shop.tensor(vertex.operands[0]).shape
    rank = len(x) - 2
    if rank < 1:
        return
    values = dict(vertex.attributes)
    kernel = _ints(values.get("kernel_shape"), rank, 1)
    strides = _ints(values.get("strides"), rank, 1)
    pads = _ints(values.get("pads"), 2 * rank, 0)
    dilations = _ints(values.get("dilations"), rank, 1)
    kernel = tuple(k if 1 <= k <= 64 else 1 for k in kernel)
    strides = tuple(s if 1 <= s <= 64 else 1 for s in strides)
    dilations = tuple(
        d if d >= 1 and (k - 1) * d < size + 2 * k else 1
        for d, k, size in zip(dilations, kernel, x[2:], strict=True)
    )
    limits = kernel * 2
    pads = tuple(p if 0 <= p < k else 0 for p, k in zip(pads, limits, strict=True))
    settled: dict[str, Value] = {
        **values,
        "kernel_shape": kernel,
        "strides": strides,
        "pads": pads,
        "dilations": dilations,
    }
    group, out = values.get("group", 1), values.get("out_channels", x[1])
    if vertex.operator.startswith("Conv"):
        out = out if isinstance(out, int) and 1 <= out <= MAX_AXIS else min(x[1], MAX_AXIS)
        group = group if isinstance(group, int) and group >= 1 else 1
        divides = x[1] % group == 0 and (vertex.operator != "Conv" or out % group == 0)
        settled |= {"out_channels": out, "group": group if divides else 1}
        settled["bias"] = int(bool(values.get("bias", 0)))
        if vertex.operator == "ConvTranspose":
            settled |= {"auto_pad": "NOTSET", "output_padding": (0,) * rank}
            settled.pop("output_shape", None)
    else:
        settled |= {"ceil_mode": 0}
    one = vertex.operands[:1]
    yield "window", replace(_with(vertex, one), attributes=_sorted(settled))
    small = tuple(min(k, size) for k, size in zip(kernel, x[2:], strict=True))
    settled |= {"kernel_shape": small, "dilations": (1,) * rank, "pads": (0,) * 2 * rank}
    yield "window", replace(_with(vertex, one), attributes=_sorted(settled))


def flatten_first(shop: Workshop, vertex: Vertex) -> Iterator[tuple[str, Vertex]]:
    """Rule: a matrix product of a map takes the map flattened."""
    operand = vertex.operands[0]
    if len(shop.tensor(operand).shape) > 2:
        flat = Vertex("Flatten", (("axis", 1),), (Operand(operand.source, operand.output),))
        operand = Operand(shop.add(flat), 0, 0)
    yield "flatten", _with(vertex, (operand,))
    width = shop.tensor(operand).shape[-1]
    settled: dict[str, Value] = {
        "alpha": 1.0, "beta": 1.0, "transA": 0, "transB": 1,
        "out_features": min(width, 1000), "bias": 1,
    }  # fmt: skip
    yield "flatten", Vertex("Gemm", _sorted(settled), (operand,))


def default_attributes(vertex: Vertex) -> Iterator[tuple[str, Vertex]]:
    """Rule: attributes that are missing or absurd give way to ONNX's defaults."""
    from pipeline.operators.schema import default_attributes as onnx_defaults

    defaults = dict(onnx_defaults(vertex.operator))
    completed = _sorted({**defaults, **dict(vertex.attributes)})
    yield "attributes", replace(vertex, attributes=completed)
    plain = Vertex(vertex.operator, _sorted(defaults), vertex.operands)
    yield "attributes", plain
    yield "attributes", _with(plain, plain.operands[:1])


def _try(shop: Workshop, index: int, vertex: Vertex) -> str | None:
    try:
        place = shop.add(vertex, shop.counts[index])
    except ModelError as e:
        return e.detail
    except (
        ValueError,
        TypeError,
        KeyError,
        IndexError,
        OverflowError,
        ZeroDivisionError,
    ) as e:
        return f"{vertex.operator}: attributes that make no sense ({e})"
    shop.places[index] = (place, 0)
    return None


def _pointwise(shop: Workshop, operand: Operand, channels: int) -> int:
    attributes: dict[str, Value] = {
        "bias": 0, "dilations": (1, 1), "group": 1, "kernel_shape": (1, 1),
        "out_channels": channels, "pads": (0, 0, 0, 0), "strides": (1, 1),
    }  # fmt: skip
    source = Operand(operand.source, operand.output, 0)
    return shop.add(Vertex("Conv", _sorted(attributes), (source,)))


def _with(vertex: Vertex, operands: tuple[Operand, ...]) -> Vertex:
    return replace(
        vertex, operands=tuple(replace(o, position=p) for p, o in enumerate(operands))
    )


def _sorted(values: dict[str, Value]) -> Attributes:
    return tuple(sorted(values.items()))


def _ints(value: Value | None, count: int, default: int) -> tuple[int, ...]:
    """A tuple of ``count`` ints out of whatever stands there."""
    given = value if isinstance(value, tuple) else (value,) * count
    found = [v if isinstance(v, int) else default for v in given]
    return tuple((found + [default] * count)[:count])


def _used_outputs(draft: Sequence[Vertex]) -> list[int]:
    """How many outputs each vertex of a draft has to have."""
    counts = [1] * len(draft)
    for vertex in draft:
        for operand in vertex.operands:
            if 0 <= operand.source < len(draft):
                counts[operand.source] = max(counts[operand.source], operand.output + 1)
    for index, vertex in enumerate(draft):
        operator = operator_of(vertex.operator)
        if operator is not None and operator.outputs is not None:
            try:
                counts[index] = max(counts[index], operator.outputs(dict(vertex.attributes)))
            except (KeyError, TypeError, ValueError):
                continue
    return [min(count, 64) for count in counts]

"""How large and how small values get: bounds followed along a network.

With random weights a network that was changed may divide by zero or grow without end.
``scale`` estimates log2 of a tensor's root mean square from above, for He-normal weights and
for batch normalisations that do nothing (as at inference with fresh statistics); ``low`` is a
bound that no element falls below.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import inf, log2
from typing import Any

from pipeline.decode.repair.case import ints
from pipeline.decode.repair.judge import Flow
from pipeline.graph.network import INPUT, Vertex

FLOOR = 1e-12  # the smallest denominator or radicand that networks themselves use
CLIPPED = 2.0**-7  # the one that a guard gives
LARGEST = 52.0  # of a scale that may go on: its square is far from float32's 2**127
OVERFLOWING, LOST = 60.0, 100.0  # no longer to be normalised; beyond doubt infinite
EXPONENT = 1.0  # of a scale that Exp takes: values of 10, at the utmost

ENDLESS = 2**31  # of a border of infinite numbers

BOUNDED = frozenset({
    "Sigmoid", "HardSigmoid", "Tanh", "Softsign", "Softmax", "Sin", "Cos", "Erf", "Greater",
    "Less", "Equal", "LpNormalization",
})  # fmt: skip
NORMALISED = frozenset({
    "InstanceNormalization", "LayerNormalization", "MeanVarianceNormalization",
})  # fmt: skip
WEIGHTED = frozenset({"Conv", "ConvTranspose", "Gemm", "MatMul"})
GATES = frozenset({"Sigmoid", "HardSigmoid"})
KEEPING = frozenset({
    "Add", "Sub", "BatchNormalization", "Concat", "Dropout", "AveragePool",
    "GlobalAveragePool", "ReduceMean", "Reshape", "Flatten", "Transpose", "Squeeze",
    "Unsqueeze", "Slice", "Split", "Resize", "Pad",
})  # fmt: skip
HALVING = frozenset({"Relu", "Gelu", "HardSwish"})  # of the square of what is centred
NOT_NEGATIVE = frozenset({
    "Relu", "Sigmoid", "HardSigmoid", "Softmax", "Abs", "Exp", "Softplus", "ReduceL1",
    "ReduceL2", "Sqrt", "ThresholdedRelu",
})  # fmt: skip
MOVING = frozenset({
    "MaxPool", "AveragePool", "GlobalAveragePool", "GlobalMaxPool", "Reshape", "Flatten",
    "Transpose", "Squeeze", "Unsqueeze", "Slice", "Split", "Expand", "Tile", "Gather",
    "Identity", "Concat", "DepthToSpace", "SpaceToDepth", "ReduceMean", "ReduceMax",
    "ReduceMin", "Max", "Mean", "Sqrt",
})  # fmt: skip


@dataclass(frozen=True, slots=True)
class Bounds:
    """``scale``: log2 of the root mean square, from above; ``low``: no element is below it;
    ``centred``: random weights make as many positive as negative elements; ``gate``: between
    0 and 1, about as often near the one as near the other; ``infinite``: how far it is padded
    with an infinite number, on one side."""

    scale: float = 0.0
    low: float = -inf
    centred: bool = False
    gate: bool = False
    infinite: int = 0


def bounds_after(
    vertex: Vertex, known: Sequence[Bounds], flows: Sequence[Flow], made: Flow
) -> Bounds:
    """Bounds of a vertex's output from those of its operands."""
    if vertex.operator == INPUT:
        return Bounds(centred=True)
    scale = min(_scale(vertex, known, flows, made), 1e6)
    return Bounds(
        scale, _low(vertex, known), _is_centred(vertex, known), vertex.operator in GATES,
        infinite_border(vertex),
    )  # fmt: skip


def infinite_border(vertex: Vertex) -> int:
    """How far a Pad goes with an infinite number; ENDLESS where no MaxPool takes it away: on
    the channels' axis, or with a positive number."""
    value, pads = vertex.get("constant_value"), ints(vertex.get("pads")) or ()
    if vertex.operator != "Pad" or not isinstance(value, float) or abs(value) < inf:
        return 0
    rank = len(pads) // 2
    outside = max((*pads[:2], *pads[rank : rank + 2]), default=0)
    return ENDLESS if value > 0 or outside > 0 else max((0, *pads))


def sees_beyond(vertex: Vertex, border: int) -> bool:
    """Whether every window of a MaxPool sees more than a border of this width."""
    kernel, dilations = ints(vertex.get("kernel_shape")), ints(vertex.get("dilations"))
    return (
        vertex.operator == "MaxPool"
        and min(kernel or (0,)) > border
        and max(dilations or (1,)) == 1
        and not vertex.get("ceil_mode")
    )


def _is_centred(vertex: Vertex, known: Sequence[Bounds]) -> bool:
    if vertex.operator in WEIGHTED:
        return True
    if vertex.operator not in KEEPING and not (vertex.operator == "Mul" and len(known) == 1):
        return False
    return all(b.centred for b in known) and constant_of(vertex) is None


def constant_of(vertex: Vertex) -> Any:
    """The constant that an operator of two has for one of them; None when it has none."""
    found = (vertex.get(name) for name in ("A", "B", "X", "Y", "data_0_1"))
    return next((value for value in found if value is not None), None)


def _magnitude(value: Any) -> float:
    """log2 of the largest absolute value of a constant."""
    numbers = value if isinstance(value, tuple) else (value,)
    finite = [abs(float(n)) for n in numbers if abs(float(n)) < inf]
    return log2(max(finite, default=0.0) or 2.0**-20)


def _scale(
    vertex: Vertex, known: Sequence[Bounds], flows: Sequence[Flow], made: Flow
) -> float:
    name, largest = vertex.operator, max(b.scale for b in known)
    constant = constant_of(vertex)
    fixed = 0.0 if constant is None else _magnitude(constant)
    first, ratio = flows[0].shape, flows[0].elements / max(1, made.elements)
    if name in BOUNDED:
        return 0.0
    if name in NORMALISED:
        return 1.0
    if name in ("ArgMax", "ArgMin"):
        return log2(max(first))
    if name in HALVING and known[0].centred:
        return largest - 0.5
    if name in WEIGHTED:
        products = sum(b.scale for b in known) + log2(max(first)) * (len(known) > 1)
        width = made.shape[1] if len(made.shape) > 1 else 1
        wide = max(0.0, log2(max(first[1:], default=1) / width)) / 2
        alpha = max(0.0, _magnitude(vertex.get("alpha", 1.0)))
        return products + alpha + (0.5 if name in ("Conv",) else 0.5 + wide)
    if name in ("Add", "Sub", "Sum"):
        both = [b.scale for b in known] + ([] if constant is None else [fixed])
        if len(both) == 1:
            return largest
        # Tensors of weights of their own do not point the same way: their squares add up.
        sources = {(o.source, o.output) for o in vertex.operands}
        apart = len(sources) == len(both) and any(b.centred for b in known)
        power = 2.0 if apart else 1.0
        return log2(sum(2.0 ** min(power * b, 900.0) for b in both)) / power
    if name == "Mul":
        tails = len(known) > 1 and min(b.scale for b in known) > 0
        halved = 0.5 if len(known) > 1 and any(b.gate for b in known) else 0.0
        return sum(b.scale for b in known) + fixed + tails - halved
    if name == "Div":
        return known[0].scale + (6.7 if constant is None else -min(fixed, 0.0))
    if name == "Reciprocal":
        return -log2(max(known[0].low, FLOOR)) if known[0].low < 1 else 0.0
    if name == "Log":
        return 5.0
    if name == "Pow":
        exponent = vertex.get("Y")
        if isinstance(exponent, int | float) and exponent < 0:
            return -exponent * max(0.0, -log2(max(known[0].low, FLOOR)))
        if not isinstance(exponent, int | float):
            return 3 * max(0.0, largest, -log2(max(known[0].low, FLOOR)))
        return max(0.0, largest) * exponent
    if name == "Exp":
        return 10 * 2 ** min(largest, 4.0)
    if name == "Clip":
        limits = [vertex.get("min"), vertex.get("max")]
        both = [abs(v) for v in limits if isinstance(v, int | float) and abs(v) < inf]
        return min(largest, log2(max(both) or 1)) if len(both) == 2 else largest
    if name in ("ReduceSum", "ReduceL1", "ReduceL2"):
        return largest + log2(max(1.0, ratio))
    if name == "ReduceProd":
        return (max(0.0, largest) + 1) * max(1.0, ratio)
    if name in ("BatchNormalization", "Elu", "Celu", "Selu"):
        return max(largest, 2.0)
    if name in ("Max", "Min", "Mean") and constant is not None:
        return max(largest, fixed)
    return max(largest, 0.0) if name in ("Softplus", "LogSoftmax") else largest


def _low(vertex: Vertex, known: Sequence[Bounds]) -> float:
    name, lows = vertex.operator, [b.low for b in known]
    constant = constant_of(vertex)
    added = None if constant is None else _smallest(constant)
    is_even = name == "Pow" and vertex.get("Y") in (2, 2.0, 4, 4.0)
    if name == "Clip":
        limit = vertex.get("min")
        return max(lows[0], float(limit) if isinstance(limit, int | float) else -inf)
    if name in ("Add", "Sum"):
        if any(key.endswith(".parameter") for key, _ in vertex.attributes):
            return -inf
        return sum(lows) + (added or 0.0)
    if name == "Max" and added is not None:
        return max(*lows, added)
    if name in MOVING:
        moved = min(lows)
        return max(0.0, moved**0.5 if moved >= 0 else 0.0) if name == "Sqrt" else moved
    if name in ("Mul", "Div") and len({"A", "B"} & dict(vertex.attributes).keys()) <= 1:
        positive = min(lows) >= 0 and (added is None or added >= 0)
        return 0.0 if positive and not _has_parameter(vertex) else -inf
    return 0.0 if name in NOT_NEGATIVE or is_even else -inf


def _has_parameter(vertex: Vertex) -> bool:
    return any(key.endswith(".parameter") for key, _ in vertex.attributes)


def _smallest(value: Any) -> float:
    return float(min(value) if isinstance(value, tuple) else value)

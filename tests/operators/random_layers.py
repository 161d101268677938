"""Layers drawn at random: any registered operator, any attributes that ONNX lets it have."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from random import Random
from typing import Any

from pipeline.operators.normalisation import STATISTICS
from pipeline.operators.registry import Example, registered

Draw = Callable[[Random], Example]
FAR = 2**63 - 1
SCALES = (0.5, 1.0, 1.5, 2.0, 2.5, 3.0)


def draw_layer(name: str, seed: int) -> Example:
    """One use of an operator; the same seed is the same use. Some are refused by ONNX."""
    return LAYERS[name](Random(f"{name} {seed}"))


def image(r: Random, rank: int | None = None, least: int = 3) -> tuple[int, ...]:
    """(1, channels, *spatial) of one to three spatial axes."""
    spatial = r.choice((1, 2, 2, 2, 3)) if rank is None else rank
    return (1, r.choice((1, 2, 4, 6)), *(r.randint(least, 9) for _ in range(spatial)))


def any_shape(r: Random) -> tuple[int, ...]:
    return (1, *(r.randint(1, 6) for _ in range(r.randint(1, 4))))


def some(r: Random, **optional: Any) -> dict[str, Any]:
    """Each of these attributes with one chance in two."""
    return {name: value for name, value in optional.items() if r.random() < 0.5}


def window(r: Random, shape: tuple[int, ...], dilated: bool = True) -> dict[str, Any]:
    """kernel_shape, and perhaps strides, dilations, pads, auto_pad or ceil_mode."""
    rank = len(shape) - 2
    kernel = [r.randint(1, 4) for _ in range(rank)]
    found = {"kernel_shape": kernel}
    found |= some(r, strides=[r.randint(1, 3) for _ in range(rank)])
    if dilated:
        found |= some(r, dilations=[r.randint(1, 2) for _ in range(rank)])
    if r.random() < 0.3 and "dilations" not in found:
        return found | {"auto_pad": r.choice(("SAME_UPPER", "SAME_LOWER", "VALID"))}
    even = [r.randint(0, k - 1) for k in kernel]
    uneven = [r.randint(0, k - 1) for k in kernel]
    return found | some(r, pads=even + (even if r.random() < 0.5 else uneven))


def convolution(r: Random) -> Example:
    shape = image(r, least=6)
    attributes = window(r, shape)
    group = r.choice([g for g in (1, 2, 3, shape[1]) if shape[1] % g == 0])
    out = group * r.randint(1, 3)
    weights = {"W": (out, shape[1] // group, *attributes["kernel_shape"])}
    weights |= some(r, B=(out,))
    return Example((shape,), attributes | {"group": group}, weights)


def transposed(r: Random) -> Example:
    shape = image(r)
    attributes = window(r, shape)
    rank = len(shape) - 2
    strides = attributes.get("strides", [1] * rank)
    dilations = attributes.get("dilations", [1] * rank)
    limits = [max(pair) for pair in zip(strides, dilations, strict=True)]
    attributes |= some(r, output_padding=[r.randrange(limit) for limit in limits])
    group = r.choice([g for g in (1, 2, 3, shape[1]) if shape[1] % g == 0])
    each = r.randint(1, 3)
    weights = {"W": (shape[1], each, *attributes["kernel_shape"])} | some(r, B=(each * group,))
    return Example((shape,), attributes | {"group": group}, weights)


def pool(*more: str) -> Draw:
    def draw(r: Random) -> Example:
        shape = image(r, least=5)
        attributes = window(r, shape) | some(r, **dict.fromkeys(more, 1))
        return Example((shape,), attributes | some(r, ceil_mode=1))

    return draw


def of_shape(shape: Callable[[Random], tuple[int, ...]], positive: bool = False, **floats: Any
             ) -> Draw:  # fmt: skip
    """An operator of one tensor; ``floats``: attribute -> its bounds, or its choices."""

    def draw(r: Random) -> Example:
        drawn = {
            n: r.choice(b) if isinstance(b, list) else round(r.uniform(*b), 3)
            for n, b in floats.items()
        }
        return Example((shape(r),), some(r, **drawn), positive=positive)

    return draw


def broadcast(weights: bool = True, positive: bool = False) -> Draw:
    """Two tensors that broadcast; either may be a weight or a constant."""

    def draw(r: Random) -> Example:
        shape = any_shape(r)
        other = tuple(r.choice((1, size)) for size in shape[r.randint(1, len(shape) - 1) :])
        name = r.choice("AB")
        match r.choice(("edge", "weight" if weights else "edge", "number", "constant")):
            case "edge":
                pair = (shape, (1,) * (len(shape) - len(other)) + other)
                return Example(pair if name == "B" else pair[::-1], positive=positive)
            case "weight":
                return Example((shape,), {}, {name: other}, positive=positive)
            case "number":
                number = round(r.uniform(0.2, 3), 2)
                return Example((shape,), constants={name: number}, positive=positive)
        row = [round(r.uniform(0.2, 3), 2) for _ in range(shape[-1])]
        return Example((shape,), constants={name: row}, positive=positive)

    return draw


def power(r: Random) -> Example:
    given = broadcast(positive=True)(r)
    names = {"A": "X", "B": "Y"}
    weights = {names[n]: v for n, v in given.parameters.items()} if given.parameters else {}
    constants = {names[n]: v for n, v in dict(given.constants).items()}
    return Example(given.inputs, {}, weights, constants, positive=True)


def variadic(r: Random) -> Example:
    shape = any_shape(r)
    shapes = [shape, *(tuple(r.choice((1, n)) for n in shape) for _ in range(r.randint(0, 2)))]
    r.shuffle(shapes)
    if len(shapes) > 1 or r.random() < 0.5:
        return Example(tuple(shapes))
    return Example((shape,), constants={"data_0_1": round(r.uniform(-1, 1), 2)})


def channels(*names: str, rank: tuple[int, ...] = (0, 1, 2, 3), **floats: Any) -> Draw:
    """A normalisation with one number a channel under each name."""

    def draw(r: Random) -> Example:
        shape = image(r, r.choice(rank))
        drawn = {n: round(r.uniform(*b), 4) for n, b in floats.items()}
        return Example((shape,), some(r, **drawn), dict.fromkeys(names, (shape[1],)))

    return draw


def layer_normalisation(r: Random) -> Example:
    shape = any_shape(r)
    axis = r.randint(1, len(shape) - 1)
    weights = {"Scale": shape[axis:]} | some(r, B=shape[axis:])
    attributes = {"axis": axis - len(shape) * r.randint(0, 1)} | some(r, epsilon=0.01)
    return Example((shape,), attributes, weights)


def with_axis(**choices: list[Any]) -> Draw:
    """An operator along one axis."""

    def draw(r: Random) -> Example:
        shape = any_shape(r)
        axis = r.randint(1, len(shape) - 1) - len(shape) * r.randint(0, 1)
        return Example((shape,), {"axis": axis} | some(r, **{n: r.choice(c) for n, c in
                                                             choices.items()}))  # fmt: skip

    return draw


def reduction(r: Random) -> Example:
    shape = any_shape(r)
    axes = r.sample(range(1, len(shape)), r.randint(1, len(shape) - 1))
    axes = [axis - len(shape) * r.randint(0, 1) for axis in axes]
    return Example((shape,), some(r, keepdims=0), constants=some(r, axes=axes))


def concat(r: Random) -> Example:
    shape = any_shape(r)
    axis = r.randint(1, len(shape) - 1)
    parts = [
        (*shape[:axis], r.randint(1, 5), *shape[axis + 1 :]) for _ in range(r.randint(1, 3))
    ]
    return Example(tuple(parts), {"axis": axis - len(shape) * r.randint(0, 1)})


def split(r: Random) -> Example:
    shape = any_shape(r)
    axis, parts = r.randint(1, len(shape) - 1), r.randint(1, 3)
    sizes = [r.randint(1, 4) for _ in range(parts)]
    shape = (*shape[:axis], sum(sizes), *shape[axis + 1 :])
    if r.random() < 0.5 and sum(sizes) >= parts:
        return Example((shape,), {"axis": axis, "num_outputs": parts}, outputs=parts)
    return Example((shape,), {"axis": axis}, constants={"split": sizes}, outputs=parts)


def reshape(r: Random) -> Example:
    a, b, c = (r.randint(1, 4) for _ in range(3))
    target = r.choice(([1, a, b * c], [1, -1], [0, -1, c], [-1, a * b * c], [0, 0, -1],
                       [1, c, 1, -1], [a, -1, c], [0, c, b, a]))  # fmt: skip
    return Example(((1, a, b, c),), some(r, allowzero=0), constants={"shape": target})


def slices(r: Random) -> Example:
    shape = any_shape(r)
    axes = r.sample(range(1, len(shape)), r.randint(1, len(shape) - 1))
    starts = [r.randint(-shape[a], shape[a] - 1) for a in axes]
    ends = [r.choice((FAR, -FAR, r.randint(-shape[a], shape[a]))) for a in axes]
    steps = [r.choice((1, 1, 2, 3, -1, -2)) for _ in axes]
    named = {"starts": starts, "ends": ends, "axes": [a - len(shape) * r.randint(0, 1)
                                                      for a in axes]}  # fmt: skip
    return Example((shape,), constants=named | {"steps": steps})


def padding(r: Random) -> Example:
    shape = image(r, least=4)
    mode = r.choice(("constant", "reflect", "edge", "wrap"))
    least = -1 if mode in ("constant", "edge") else 0
    spatial = len(shape) - 2
    ends = [[0, r.choice((0, 0, 1 if mode != "reflect" else 0))] for _ in range(2)]
    pads = [p for e in ends for p in (*e, *(r.randint(least, 3) for _ in range(spatial)))]
    constants: dict[str, Any] = {"pads": pads}
    if mode == "constant":
        constants |= some(r, constant_value=0.75)
    return Example((shape,), {"mode": mode}, constants=constants)


def resize(r: Random) -> Example:
    shape = image(r, least=2)
    mode = r.choice(("nearest", "linear", "cubic"))
    attributes = {"mode": mode} | some(r, coordinate_transformation_mode=r.choice(
        ("half_pixel", "asymmetric", "align_corners", "pytorch_half_pixel")))  # fmt: skip
    if mode == "nearest":
        attributes |= some(r, nearest_mode=r.choice(
            ("round_prefer_floor", "round_prefer_ceil", "floor", "ceil")))  # fmt: skip
    if r.random() < 0.5:
        scales = [1.0, 1.0, *(r.choice(SCALES) for _ in shape[2:])]
        return Example((shape,), attributes, constants={"scales": scales})
    sizes = [*shape[:2], *(r.randint(1, 12) for _ in shape[2:])]
    return Example((shape,), attributes, constants={"sizes": sizes})


def gather(r: Random) -> Example:
    shape = any_shape(r)
    axis = r.randint(1, len(shape) - 1)
    places = [r.randint(-shape[axis], shape[axis] - 1) for _ in range(r.randint(1, 4))]
    return Example((shape,), {"axis": axis}, constants={"indices": r.choice(
        (places, places[0], [places, places]))})  # fmt: skip


def gemm(r: Random) -> Example:
    a, b = r.randint(1, 6), r.randint(1, 6)
    turned = r.randint(0, 1)
    weights = {"B": (b, a) if turned else (a, b)} | some(r, C=r.choice(((b,), (1, b), (1,))))
    attributes = {"transB": turned} | some(r, alpha=0.5, beta=1.5)
    return Example(((1, a),), attributes, weights)


def matmul(r: Random) -> Example:
    shape = (1, *(r.randint(1, 4) for _ in range(r.randint(1, 3))))
    inner, out = shape[-1], r.randint(1, 5)
    if r.random() < 0.6 or len(shape) < 3:
        return Example((shape,), {}, {"B": (inner, out)})
    return Example((shape, (*shape[:-2], inner, out)))


def expand(r: Random) -> Example:
    shape = tuple(r.choice((1, n)) for n in any_shape(r))
    target = [1, *(r.randint(1, 5) if n == 1 else n for n in shape[1:])]
    return Example(((1, *shape[1:]),), constants={"shape": target})


def squeeze(r: Random) -> Example:
    shape = (1, *(r.choice((1, 1, 3, 5)) for _ in range(4)), 1)
    ones = [axis for axis, size in enumerate(shape) if axis and size == 1]
    axes = [a - len(shape) * r.randint(0, 1) for a in r.sample(ones, r.randint(1, len(ones)))]
    return Example((shape,), constants={"axes": axes})


def unsqueeze(r: Random) -> Example:
    shape = any_shape(r)
    rank = len(shape) + 2
    axes = [a - rank * r.randint(0, 1) for a in r.sample(range(1, rank), 2)]
    return Example((shape,), constants={"axes": axes})


def transpose(r: Random) -> Example:
    shape = any_shape(r)
    return Example((shape,), {"perm": [0, *r.sample(range(1, len(shape)), len(shape) - 1)]})


def tile(r: Random) -> Example:
    shape = any_shape(r)
    return Example((shape,), constants={"repeats": [1, *(r.randint(1, 3) for _ in shape[1:])]})


def flatten(r: Random) -> Example:
    shape = any_shape(r)
    return Example((shape,), some(r, axis=r.randint(1 - len(shape), len(shape))))


def clip(r: Random) -> Example:
    low, high = sorted(round(r.uniform(-2, 7), 2) for _ in range(2))
    low, high = r.choice(((low, high), (0.0, 6.0), (0.0, high)))
    return Example((any_shape(r),), constants=some(r, min=low, max=high))


def prelu(r: Random) -> Example:
    shape = image(r)
    slope = r.choice(((shape[1], *(1,) * (len(shape) - 2)), (1,), shape[-1:]))
    return Example((shape,), {}, {"slope": slope})


def blocks(channels_first: bool) -> Draw:
    def draw(r: Random) -> Example:
        size = r.choice((2, 3))
        if channels_first:
            shape = (1, size * size * r.randint(1, 3), r.randint(1, 4), r.randint(1, 4))
            return Example((shape,), {"blocksize": size} | some(r, mode="CRD"))
        return Example(((1, r.randint(1, 3), size * 2, size * 3),), {"blocksize": size})

    return draw


def where(r: Random) -> Example:
    shape = any_shape(r)
    condition = [r.random() < 0.5 for _ in range(shape[-1])]
    other = {"Y": round(r.uniform(-1, 1), 2)}
    return Example((shape,), constants={"condition": condition} | other)


def cast(r: Random) -> Example:
    return Example((any_shape(r),), {"to": r.choice((1, 6, 7, 9, 11))})


def remainder(r: Random) -> Example:
    return replace(broadcast(positive=True)(r), attributes={"fmod": 1})


def grid_sample(r: Random) -> Example:
    shape = image(r, 2, least=2)
    attributes = some(
        r,
        mode=r.choice(("linear", "nearest", "cubic")),
        padding_mode=r.choice(("zeros", "border", "reflection")),
        align_corners=1,
    )
    return Example((shape, (1, r.randint(1, 5), r.randint(1, 5), 2)), attributes)


def response(r: Random) -> Example:
    attributes = {"size": r.choice((1, 3, 5))} | some(r, alpha=0.3, beta=0.6, bias=2.0)
    return Example((image(r),), attributes)


UNARY = (
    "Abs", "Ceil", "Cos", "Erf", "Exp", "Floor", "HardSwish", "Identity", "Mish", "Neg",
    "Relu", "Round", "Sigmoid", "Sin", "Softplus", "Softsign", "Tanh",
)  # fmt: skip
LAYERS: dict[str, Draw] = {
    **dict.fromkeys(UNARY, of_shape(any_shape)),
    **dict.fromkeys(("Sqrt", "Log", "Reciprocal"), of_shape(any_shape, positive=True)),
    **dict.fromkeys(("Add", "Sub", "Mul"), broadcast()),
    **dict.fromkeys(("Greater", "Less", "Equal"), broadcast(weights=False)),
    **dict.fromkeys(("Sum", "Mean", "Max", "Min"), variadic),
    **dict.fromkeys((n for n in registered() if n.startswith("Reduce")), reduction),
    **dict.fromkeys(("GlobalAveragePool", "GlobalMaxPool"), of_shape(image)),
    **dict.fromkeys(("Softmax", "LogSoftmax"), with_axis()),
    **dict.fromkeys(("LeakyRelu", "Celu", "Elu", "ThresholdedRelu"),
                    of_shape(any_shape, alpha=(0.1, 2))),
    "Selu": of_shape(any_shape, alpha=(0.5, 2), gamma=(0.5, 2)),
    "HardSigmoid": of_shape(any_shape, alpha=(0.1, 0.5), beta=(0.2, 0.6)),
    "Gelu": of_shape(any_shape, approximate=["none", "tanh"]),
    "Dropout": of_shape(any_shape, seed=[1, 2]),
    "MeanVarianceNormalization": of_shape(lambda r: image(r, 2), axes=[[2, 3], [-1], [1, 2]]),
    "ArgMax": with_axis(keepdims=[0, 1], select_last_index=[0, 1]),
    "LpNormalization": with_axis(p=[1, 2]),
    "BatchNormalization": channels(*STATISTICS, epsilon=(1e-5, 0.01), momentum=(0.5, 0.99)),
    "InstanceNormalization": channels("scale", "B", rank=(1, 2, 3), epsilon=(1e-5, 0.01)),
    "LayerNormalization": layer_normalisation,
    "Conv": convolution, "ConvTranspose": transposed,
    "MaxPool": pool(), "AveragePool": pool("count_include_pad"),
    "Div": broadcast(positive=True), "Pow": power, "Where": where, "Cast": cast,
    "Concat": concat, "Split": split, "Reshape": reshape, "Slice": slices, "Pad": padding,
    "Resize": resize, "Gather": gather, "Gemm": gemm, "MatMul": matmul, "Expand": expand,
    "Squeeze": squeeze, "Unsqueeze": unsqueeze, "Transpose": transpose, "Tile": tile,
    "Flatten": flatten, "Clip": clip, "PRelu": prelu, "LRN": response,
    "GridSample": grid_sample, "Mod": remainder,
    "DepthToSpace": blocks(True), "SpaceToDepth": blocks(False),
}  # fmt: skip

"""Networks and lines at random: widths, operands and values of every kind a program spells."""

from __future__ import annotations

from random import Random

from hypothesis import strategies as st

from pipeline.errors import InvalidNetwork
from pipeline.graph.canonical import canonicalise
from pipeline.graph.network import INPUT, OUTPUT, Network, Operand, Value, Vertex
from pipeline.program.instruction import (
    Filled,
    Instruction,
    Kind,
    Line,
    Ratio,
    Recent,
    Repeat,
    Symbol,
)
from pipeline.program.repeats import LARGEST, expand

OPERATORS = ("Conv", "Gemm", "Relu", "Add", "Concat", "Split", "Slice", "NoSuchOperator")
WIDTHS = (1, 3, 8, 12, 16, 24, 32, 64, 96, 100)
SOURCE = Vertex(INPUT, (("dtype", "float32"), ("shape", (3, 8, 8))))


def random_network(seed: int, size: int) -> Network:
    """At most ``size`` layers, wired to what is near, to anything, or as an earlier one."""
    random = Random(seed)
    vertices = [SOURCE]
    for _ in range(size):
        attributes = tuple(sorted(_random_attributes(random).items()))
        vertices.append(
            Vertex(random.choice(OPERATORS), attributes, _random_operands(random, vertices))
        )
    sink = tuple(Operand(v, 0, i) for i, v in enumerate(range(max(0, size - 2), size + 1)))
    return canonicalise([*vertices, Vertex(OUTPUT, (), sink)], size + 1)[0]


def _random_attributes(random: Random) -> dict[str, Value]:
    width = random.choice(WIDTHS)
    every: dict[str, Value] = {
        "out_channels": width,
        "out_features": random.choice((width, "wide", 0.5)),
        "group": random.choice(WIDTHS),
        "split": tuple(random.choices(WIDTHS, k=random.randint(1, 3))),
        "shape": random.choice(((0, -1), (1, width, 7), ())),
        "starts": (random.choice((0, width)),),
        "ends": (random.choice((width, 2**63 - 1, -1)),),
        "B.parameter": (width, random.choice(WIDTHS)),
        "value": random.choice((float("nan"), -0.0, 1e300, -(2**63), "text", ("a", "b"), ())),
        "slope": (0.25,) * random.choice((1, 8, 9, width, 200)),
        "num_outputs": random.randint(1, 4),
        "axis": 1,
    }
    return {name: every[name] for name in random.sample(sorted(every), random.randint(0, 4))}


def _random_operands(random: Random, vertices: list[Vertex]) -> tuple[Operand, ...]:
    count = random.choice((1, 1, 1, 2, 3, 6))
    kind = random.choice(("near", "near", "any", "even", "like"))
    last = len(vertices) - 1
    sources = [random.randint(max(0, last - 3), last) for _ in range(count)]
    if kind == "any":
        sources = [random.randint(0, last) for _ in range(count)]
    elif kind == "even":
        sources = list(range(last, -1, -2))[:count]
    elif kind == "like":
        sources = [*(o.source for o in random.choice(vertices).operands), *sources]
    slots = random.choice(([0], [0], [0, 1, 2]))
    places = range(len(sources)) if random.random() < 0.8 else range(1, len(sources) + 1)
    return tuple(
        Operand(v, slots[i % len(slots)], p)
        for i, (v, p) in enumerate(zip(sources, places, strict=True))
    )


networks = st.builds(random_network, st.integers(0, 2**32), st.integers(0, 40))

_counts = st.integers(0, 6) | st.integers(0, 2**31)
_ratios = st.builds(Ratio, st.integers(1, 2**31), st.integers(1, 2**31))
_texts = st.text("aZ9 \0\né漢", max_size=4)
_scalars = st.integers(-(2**63), 2**63 - 1) | st.floats() | _texts
_values = st.one_of(
    _scalars,
    _ratios,
    st.builds(Recent, st.integers(0, 8)),
    st.builds(Filled, st.integers(-9, 9) | st.floats(), st.integers(0, 40) | _ratios),
    st.lists(_scalars | _ratios, max_size=3).map(tuple),
)
_names = st.sampled_from(
    ("out_channels", "group", "split", "shape", "starts", "ends", "axis", "num_outputs", "x")
)
_symbols = st.builds(Symbol, st.sampled_from(Kind), _counts, st.integers(0, 3))
instructions = st.builds(
    Instruction,
    st.sampled_from((INPUT, OUTPUT, *OPERATORS)),
    st.dictionaries(_names, _values, max_size=4).map(lambda d: tuple(sorted(d.items()))),
    st.lists(_symbols, max_size=4).map(tuple),
    st.none() | st.lists(st.integers(0, 9), max_size=4).map(tuple),
)
repeats = st.builds(Repeat, _counts, st.integers(0, 3) | _counts, _counts)
any_lines = st.lists(instructions | instructions | repeats, max_size=12)


def said(lines: list[Line]) -> int:
    """How many instructions lines stand for; those that are refused, more than LARGEST."""
    try:
        return len(expand(lines))
    except InvalidNetwork as e:
        if e.reason != "too_large":
            raise
        return LARGEST + 1

"""A small algebra of edits: what mutation, augmentation and search do to networks.

Each edit takes a network and a source of randomness and gives a draft: vertices that repair
can judge and canonical order can put in order. Numbers are changed in the program, where one
number is a width of a whole stage or its depth; layers are put in and taken out on the graph.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from random import Random

from pipeline.graph.network import Network, Operand, Vertex
from pipeline.program.cuts import cut_points
from pipeline.program.instruction import Instruction, Line, Number, Repeat
from pipeline.program.program import Program
from pipeline.program.repeats import expand
from pipeline.program.spell import read, spell
from pipeline.program.widths import OUT

Draft = Sequence[Vertex]
Edit = Callable[[Network, Random], Draft]

FACTORS = (0.25, 0.5, 0.75, 1.25, 1.5, 2.0, 4.0)
ACTIVATIONS = ("Relu", "Sigmoid", "Tanh", "HardSwish", "Softplus")
WINDOWS = (1, 3, 5, 7)
DEEPEST = 12  # a repeat is not made longer


def change_width(network: Network, random: Random) -> Draft:
    """One layer's own width, and with it those of all layers spelled relative to it."""
    lines = list(network.program.lines)
    places = [i for i, line in enumerate(lines) if _own(line) is not None]
    if places:
        place = random.choice(places)
        lines[place] = _with_own(lines[place], _scaled(_own(lines[place]), random))
    return Program(tuple(lines)).draft


def scale_widths(network: Network, random: Random) -> Draft:
    """All widths that are given as numbers, by one factor: a wider or narrower network."""
    factor = random.choice(FACTORS)
    lines = [
        _with_own(line, _times(own, factor))
        if isinstance(own := _own(line), int) and own >= 8
        else line
        for line in network.program.lines
    ]
    return Program(tuple(lines)).draft


def change_repeat(network: Network, random: Random) -> Draft:
    """One repeat goes on for more times, or fewer: a deeper or shallower stage."""
    lines = list(network.program.lines)
    places = [i for i, line in enumerate(lines) if isinstance(line, Repeat)]
    whole = [i for i in places if lines[i].times]  # type: ignore[union-attr]
    if places:
        place = random.choice(whole or places)
        repeat = lines[place]
        assert isinstance(repeat, Repeat)
        times = max(0, min(DEEPEST, repeat.times + random.choice((-2, -1, 1, 2, 3))))
        lines[place] = replace(repeat, times=times)
    return Program(tuple(lines)).draft


def change_operator(network: Network, random: Random) -> Draft:
    """One kind of activation becomes another, everywhere or from one place on."""
    found = sorted({v.operator for v in network.vertices} & set(ACTIVATIONS))
    if not found:
        return change_window(network, random)
    old, new = random.choice(found), random.choice(ACTIVATIONS)
    start = random.choice((0, 0, random.randrange(len(network))))
    return [
        replace(v, operator=new) if v.operator == old and i >= start else v
        for i, v in enumerate(network.vertices)
    ]


def change_window(network: Network, random: Random) -> Draft:
    """One kernel size becomes another with the padding that keeps the image's size."""
    found = sorted({w for v in network.vertices if (w := _window(v)) is not None and w > 1})
    if not found:
        return list(network.vertices)
    old, new = random.choice(found), random.choice(WINDOWS)
    start = random.choice((0, random.randrange(len(network))))
    return [
        _with_window(v, new) if _window(v) == old and i >= start else v
        for i, v in enumerate(network.vertices)
    ]


def insert_vertex(network: Network, random: Random) -> Draft:
    """A layer that keeps shapes, one the network has, behind a vertex: all its readers read
    the new one."""
    kept = [v for v in network.vertices[1:-1] if _keeps_shape(v)]
    if not kept:
        return list(network.vertices)
    place = random.randrange(1, len(network) - 1)
    vertices = list(network.vertices)
    new = len(vertices)
    readers = [replace(v, operands=_rewired(v, {place: new})) for v in vertices]
    return [*readers, replace(random.choice(kept), operands=(Operand(place),))]


def delete_vertex(network: Network, random: Random) -> Draft:
    """A layer of one operand is bypassed: its readers read what it read."""
    places = [i for i, v in enumerate(network.vertices[:-1]) if len(v.operands) == 1]
    if not places:
        return list(network.vertices)
    place = random.choice(places)
    before = network.vertices[place].operands[0].source
    return [replace(v, operands=_rewired(v, {place: before})) for v in network.vertices]


def splice(network: Network, other: Network, random: Random) -> Draft:
    """The beginning of one network, the end of another, joined where a single tensor flows."""
    head, tail = cut_points(network), cut_points(other)
    first, second = random.choice(head), random.choice(tail)
    instructions = expand(network.program.lines)[: first + 1]
    return read([*instructions, *spell(other)[second + 1 :]])


EDITS: dict[str, Edit] = {
    "width": change_width,
    "widths": scale_widths,
    "repeat": change_repeat,
    "operator": change_operator,
    "window": change_window,
    "insert": insert_vertex,
    "delete": delete_vertex,
}


def _own(line: Line) -> Number | None:
    if isinstance(line, Instruction):
        for name, value in line.attributes:
            if name in OUT:
                return value  # type: ignore[return-value]
    return None


def _with_own(line: Line, width: Number) -> Line:
    assert isinstance(line, Instruction)
    attributes = tuple((n, width if n in OUT else v) for n, v in line.attributes)
    return replace(line, attributes=attributes)


def _scaled(own: Number | None, random: Random) -> Number:
    return (
        _times(own, random.choice(FACTORS))
        if isinstance(own, int)
        else 8 * random.randint(1, 96)
    )


def _times(width: int, factor: float) -> int:
    return max(8, round(width * factor / 8) * 8)


def _window(vertex: Vertex) -> int | None:
    """The side of a square kernel whose padding keeps the size, at stride 1 or not."""
    kernel, pads = vertex.get("kernel_shape"), vertex.get("pads")
    if not isinstance(kernel, tuple) or len(kernel) != 2 or kernel[0] != kernel[1]:
        return None
    side = kernel[0]
    if vertex.get("dilations") != (1, 1) or pads != (side // 2,) * 4 or side % 2 == 0:  # type: ignore[operator]
        return None
    return side  # type: ignore[return-value]


def _with_window(vertex: Vertex, side: int) -> Vertex:
    values = dict(vertex.attributes) | {"kernel_shape": (side, side), "pads": (side // 2,) * 4}
    return replace(vertex, attributes=tuple(sorted(values.items())))


def _keeps_shape(vertex: Vertex) -> bool:
    plain = not vertex.attributes or vertex.operator == "BatchNormalization"
    return plain and len(vertex.operands) == 1 and vertex.operands[0].position == 0


def _rewired(vertex: Vertex, readings: dict[int, int]) -> tuple[Operand, ...]:
    return tuple(
        replace(o, source=readings[o.source], output=0) if o.source in readings else o
        for o in vertex.operands
    )

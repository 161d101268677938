"""Two networks, before and after, as one list of layers with arcs for the edges, in SVG."""

from __future__ import annotations

from html import escape

from pipeline.graph.network import Network, Value, Vertex

TIMES = "\u00d7"
ROW, WIDTH, ARCS, TOP = 19, 340, 74, 14
SHOWN = ("out_channels", "kernel_shape", "strides", "group", "axis", "ratio", "value")
SHORT = {"out_channels": "", "kernel_shape": "k", "strides": "s", "group": "g"}
LONGEST = 34


def draw_network(network: Network, other: Network, label: str) -> str:
    """``network`` as SVG; vertices and edges that ``other`` does not have are marked.

    A row a vertex in canonical order; edges to the next row are straight, others are arcs.
    """
    height = TOP * 2 + ROW * len(network)
    edges = "".join(_edges(network, other))
    rows = "".join(_row(i, v, other) for i, v in enumerate(network.vertices))
    return (
        f'<svg class="graph" viewBox="0 0 {WIDTH} {height}" width="{WIDTH}" height="{height}" '
        f'role="img" aria-label="{escape(label, quote=True)}">{edges}{rows}</svg>'
    )


def count_differences(before: Network, after: Network) -> int:
    """Vertices of ``before`` that do not stand in the same place in ``after``, whole."""
    return sum(not _same(i, vertex, after) for i, vertex in enumerate(before.vertices))


def _same(index: int, vertex: Vertex, other: Network) -> bool:
    # repr tells 1 from 1.0, as the fingerprint does
    return index < len(other) and repr(other.vertices[index]) == repr(vertex)


def _row(index: int, vertex: Vertex, other: Network) -> str:
    y = TOP + ROW * index + ROW // 2
    mark = "" if _same(index, vertex, other) else ' class="wrong"'
    details = (
        _details(vertex) if _same(index, vertex, other) else _changes(index, vertex, other)
    )
    full = ", ".join(f"{name}={_text(value)}" for name, value in vertex.attributes)
    return (
        f"<g{mark}><title>{index}: {escape(vertex.operator)} {escape(full)}</title>"
        f'<circle cx="{ARCS}" cy="{y}" r="3.5"/><text x="{ARCS + 12}" y="{y + 4}">'
        f'{escape(vertex.operator)} <tspan class="detail">{escape(details)}</tspan></text></g>'
    )


def _edges(network: Network, other: Network) -> list[str]:
    theirs = {(e.source, e.output, e.target, e.operand) for e in other.edges}
    drawn = []
    for edge in network.edges:
        a, b = (TOP + ROW * i + ROW // 2 for i in (edge.source, edge.target))
        same = (edge.source, edge.output, edge.target, edge.operand) in theirs
        mark = "" if same else ' class="wrong"'
        if edge.target == edge.source + 1:
            drawn.append(f'<path{mark} d="M{ARCS} {a}V{b}"/>')
        else:
            bend = min(ARCS - 6, 8 + 5 * (edge.target - edge.source))
            drawn.append(
                f'<path{mark} d="M{ARCS} {a}C{ARCS - bend} {a} {ARCS - bend} {b} {ARCS} {b}"/>'
            )
    return drawn


def _details(vertex: Vertex) -> str:
    found = ((name, vertex.get(name)) for name in SHOWN)
    return _cut([f"{SHORT.get(n, n + ' ')}{_text(v)}" for n, v in found if _tells(n, v)])


def _changes(index: int, vertex: Vertex, other: Network) -> str:
    """What ``vertex`` says that the one in its place does not."""
    place = other.vertices[index] if index < len(other) else None
    if place is None or place.operator != vertex.operator:
        return _details(vertex)
    theirs = {(name, repr(value)) for name, value in place.attributes}
    own = [(n, v) for n, v in vertex.attributes if (n, repr(v)) not in theirs]
    inputs = ["other inputs"] if place.operands != vertex.operands else []
    return _cut([*(f"{name} {_text(value)}" for name, value in own), *inputs])


def _cut(words: list[str]) -> str:
    text = " ".join(words)
    return text if len(text) <= LONGEST else text[: LONGEST - 1] + "…"


def _tells(name: str, value: Value | None) -> bool:
    """Whether a value is worth a place: ones and absent ones are not."""
    return (
        value is not None
        and value not in {(1, 1), (1, 1, 1)}
        and (name, value) != ("group", 1)
    )


def _text(value: object) -> str:
    if isinstance(value, tuple):
        return TIMES.join(map(_text, value))
    return f"{value:.6g}" if isinstance(value, float) else str(value)

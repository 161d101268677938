"""A network while rules rewrite it: vertices by number, what each makes, who reads it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from pipeline.graph.canonical import canonical_order, canonicalise
from pipeline.graph.network import Network, Operand, Shape, Value, Vertex
from pipeline.operators.operands import FLOAT, Tensor
from pipeline.operators.shapes import infer_layers


class Rewriter:
    """The graph under rewriting. Numbers of vertices stay what they are; a vertex that nobody
    reads any more is gone, and what only it read goes with it."""

    def __init__(self, network: Network) -> None:
        self.vertices = list(network.vertices)
        self.outputs = [layer.outputs for layer in infer_layers(network)]
        self._readers: list[dict[int, None]] = [{} for _ in self.vertices]
        for index, vertex in enumerate(self.vertices):
            self._read(index, vertex)
        self._sink = len(self.vertices) - 1

    def order(self) -> list[int]:
        """The numbers of all vertices that are left, operands first."""
        return canonical_order(
            [[o.source for o in v.operands] for v in self.vertices], self._sink
        )

    def network(self) -> Network:
        """What the rules have made of it, in canonical order."""
        return canonicalise(self.vertices, self._sink)[0]

    def tensor(self, operand: Operand) -> Tensor:
        """Element type and shape of what an operand brings."""
        return self.outputs[operand.source][operand.output]

    def readers(self, index: int) -> list[int]:
        """The vertices that read this one."""
        return list(self._readers[index])

    def is_read(self, index: int) -> bool:
        """Whether any vertex still reads this one."""
        return bool(self._readers[index])

    def only(self, index: int, operator: str = "") -> Vertex | None:
        """The vertex ``index`` if exactly one vertex reads it, and it is an ``operator``."""
        vertex = self.vertices[index]
        alone = len(self._readers[index]) == 1
        return vertex if alone and operator in ("", vertex.operator) else None

    def replace(self, index: int, vertex: Vertex) -> None:
        """Put another vertex, making tensors of the same shapes, in the place of ``index``."""
        before = self.vertices[index]
        self.vertices[index] = vertex
        self._read(index, vertex)
        kept = {operand.source for operand in vertex.operands}
        self._unread(index, {o.source for o in before.operands} - kept)

    def insert(self, vertex: Vertex, *shapes: Shape) -> Operand:
        """Add a vertex that makes tensors of these shapes, of its first operand's type."""
        index = len(self.vertices)
        self.vertices.append(vertex)
        dtype = self.tensor(vertex.operands[0]).dtype
        self.outputs.append(tuple(Tensor(dtype, shape) for shape in shapes))
        self._readers.append({})
        self._read(index, vertex)
        return Operand(index)

    def bypass(self, index: int, instead: Operand) -> None:
        """Whoever reads the one output of ``index`` reads ``instead``."""
        for reader in list(self._readers[index]):
            vertex = self.vertices[reader]
            operands = tuple(
                Operand(instead.source, instead.output, o.position) if o.source == index else o
                for o in vertex.operands
            )
            self.replace(reader, Vertex(vertex.operator, vertex.attributes, operands))

    def _read(self, index: int, vertex: Vertex) -> None:
        for operand in vertex.operands:
            self._readers[operand.source][index] = None

    def _unread(self, index: int, sources: set[int]) -> None:
        waiting = [(index, source) for source in sources]
        while waiting:
            reader, source = waiting.pop()
            self._readers[source].pop(reader, None)
            if not self._readers[source]:
                waiting += [(source, o.source) for o in self.vertices[source].operands]


@dataclass(frozen=True, slots=True)
class Rule:
    """One thing that exporters spell in several ways, and its one form.

    ``rewrite`` looks at a vertex that is one of ``operators`` and says whether it changed
    anything. It computes the same function afterwards, with other weights if need be.
    """

    name: str
    operators: tuple[str, ...]
    rewrite: Callable[[Rewriter, int], bool]


def vertex_of(operator: str, values: Mapping[str, Value], *operands: Operand) -> Vertex:
    """A vertex whose operands stand in this order, from position 0."""
    placed = (Operand(o.source, o.output, position) for position, o in enumerate(operands))
    return Vertex(operator, tuple(sorted(values.items())), tuple(placed))


def same(a: Operand, b: Operand) -> bool:
    """Whether two operands bring the same tensor."""
    return (a.source, a.output) == (b.source, b.output)


def is_float(tensor: Tensor) -> bool:
    """Whether arithmetic on it is arithmetic of real numbers, in the usual precision."""
    return tensor.dtype == FLOAT

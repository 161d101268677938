"""The network that a walk makes, with all that is known of its tensors."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field

from pipeline.decode.repair.case import Case
from pipeline.decode.repair.edits import Edit
from pipeline.decode.repair.graph import Plan
from pipeline.decode.repair.judge import NONSENSE, Flow, Verdict, judge
from pipeline.decode.repair.numbers import Bounds, bounds_after
from pipeline.decode.repair.sizes import Budget
from pipeline.graph.network import Operand, Vertex
from pipeline.operators.registry import operator_of


@dataclass
class Made:
    """The network so far. ``origins``: which vertex of the plan each was; ``places``: where
    the first output of each of the plan's went; ``split``: those of them that kept all their
    outputs; ``lasting``: edits that are not taken back with the vertex they were made for."""

    plan: Plan
    vertices: list[Vertex] = field(default_factory=list)
    origins: list[int] = field(default_factory=list)
    outputs: list[tuple[Flow, ...]] = field(default_factory=list)
    bounds: list[Bounds] = field(default_factory=list)
    places: dict[int, Operand] = field(default_factory=dict)
    split: set[int] = field(default_factory=set)
    users: Counter[int] = field(default_factory=Counter)
    budget: Budget = field(default_factory=Budget)
    edits: list[Edit] = field(default_factory=list)
    lasting: list[Edit] = field(default_factory=list)

    def __post_init__(self) -> None:
        for vertex in self.plan.vertices:
            self.users.update(operand.source for operand in vertex.operands)

    def log(self, rule: str, index: int, reason: str) -> None:
        self.edits.append(Edit(rule, max(0, self.plan.origins[index]), reason))

    def draft_index(self, operand: Operand) -> int:
        """The vertex of the draft that an operand's source was; 0 for an inserted one."""
        origin = self.origins[operand.source]
        return max(0, self.plan.origins[origin]) if origin >= 0 else 0

    def flow(self, operand: Operand) -> Flow:
        return self.outputs[operand.source][operand.output]

    def append(self, vertex: Vertex, verdict: Verdict, origin: int) -> Operand:
        """Take a vertex that was judged; where its first output is."""
        known = [self.bounds[o.source] for o in vertex.operands]
        flows = [self.flow(o) for o in vertex.operands]
        self.vertices.append(vertex)
        self.origins.append(origin)
        self.outputs.append(verdict.outputs)
        self.bounds.append(bounds_after(vertex, known, flows, verdict.outputs[0]))
        self.budget.spend(verdict)
        return Operand(len(self.vertices) - 1)

    def forget(self, count: int) -> None:
        """Take back all but the first ``count`` vertices."""
        while len(self.vertices) > count:
            for column in (self.vertices, self.origins, self.outputs, self.bounds):
                column.pop()


def case_of(made: Made, vertex: Vertex) -> Case:
    return Case(vertex, tuple(made.flow(o) for o in vertex.operands))


def outputs_of(vertex: Vertex) -> int:
    """How many outputs a vertex declares; 0 where its attributes do not say."""
    operator = operator_of(vertex.operator)
    if operator is None or operator.outputs is None:
        return 1
    try:
        return int(operator.outputs(dict(vertex.attributes)))
    except NONSENSE:
        return 0


def judged(case: Case) -> Verdict:
    return judge(case.vertex, case.flows, outputs_of(case.vertex))

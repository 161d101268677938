"""D-VAE's asynchronous message passing: vertex after vertex, all graphs at once.

Zhang et al., NeurIPS 2019 (arxiv.org/abs/1904.11088), section 3.1: a vertex' state comes from
a GRU, out of its type and the gated sum of its predecessors' states.
"""

import math
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from pipeline.compress.cells import VERTICES

TYPES = 8


class Message(nn.Module):
    """What a vertex tells its successors: gate(h, place) * map(h, place)."""

    def __init__(self, hidden: int) -> None:
        super().__init__()
        bound = 1 / math.sqrt(hidden + VERTICES)
        self.weight = nn.Parameter(torch.empty(2 * hidden, hidden).uniform_(-bound, bound))
        self.place = nn.Parameter(torch.empty(VERTICES, 2 * hidden).uniform_(-bound, bound))
        self.bias = nn.Parameter(torch.empty(hidden).uniform_(-bound, bound))

    def shifts(self) -> Tensor:
        """What each vertex number adds to gate and map, (8, 2h)."""
        return self.place + F.pad(self.bias, (0, len(self.bias)))

    def forward(self, states: Tensor, place: int) -> Tensor:
        """States (n, h) of the vertices numbered ``place`` -> messages (n, h)."""
        gate, content = F.linear(states, self.weight, self.shifts()[place]).chunk(2, -1)
        return gate.sigmoid() * content


class Cell(nn.Module):
    """A GRU cell whose input is a vertex type and whose past is the sum of its messages."""

    def __init__(self, hidden: int, features: nn.Module, width: int) -> None:
        super().__init__()
        self.features = features  # types (n,) -> (n, width)
        self.gru = nn.GRUCell(width, hidden)

    def look(self, types: Tensor) -> Tensor:
        """Types of any shape -> the input's share of the three gates (..., 3h)."""
        every = self.features(torch.arange(TYPES, device=types.device))
        table = F.linear(every, self.gru.weight_ih, self.gru.bias_ih).float()  # (types, 3h)
        return F.embedding(types, table)

    def project(self, summed: Tensor) -> Tensor:
        """Sums of messages (..., h) -> their share of the three gates, without the bias."""
        return F.linear(summed, self.gru.weight_hh)

    def step(self, looked: Tensor, projected: Tensor, summed: Tensor) -> Tensor:
        """Shares of the gates (n, 3h) of types and messages, sums (n, h) -> states (n, h)."""
        return Step.apply(looked, projected.float() + self.gru.bias_hh, summed.float())

    def forward(self, looked: Tensor, summed: Tensor) -> Tensor:
        """The new states (n, h)."""
        return self.step(looked, self.project(summed), summed)

    def empty(self, looked: Tensor) -> Tensor:
        """The states of vertices that got no message."""
        n, h = len(looked), self.gru.hidden_size
        return self.step(looked, looked.new_zeros(n, 3 * h), looked.new_zeros(n, h))


def write_pass(
    cell: Cell, tell: Message, types: Tensor, edges: Tensor, start: Tensor
) -> tuple[Tensor, Tensor]:
    """States and messages of all vertices but the output, (7, n, h) each.

    Types (n, 8), edges (n, 8, 8) as of Graphs. ``start`` (n, h): what stands for the input
    vertex' sum of messages.
    """
    looked = cell.look(types.T[:-1])  # (7, n, 3h)
    sums = F.pad(start[None].float(), (0, 0, 0, 0, 0, len(looked) - 1))  # (7, n, h)
    return run(cell, tell, looked, as_links(edges[:, :-1, :-1]), sums, tell.shifts()[:-1])


def read_pass(
    cell: Cell, tell: Message, types: Tensor, edges: Tensor, backward: bool = False
) -> Tensor:
    """The state of the output vertex (n, h); ``backward``: from there against the edges, the
    input's. Networks must have an edge from each vertex to the next, as ENAS ones do.

    The first two vertices are the same for all networks but for the second's type.
    """
    shifts = tell.shifts()
    if backward:
        types, edges, shifts = types.flip(1), edges.flip(1, 2).mT, shifts.flip(0)
    every = torch.arange(TYPES, device=types.device)
    pairs = cell.look(torch.stack([types[0, 0].expand(TYPES), every]))  # (2, types, 3h)
    chain = as_links(torch.ones(TYPES, 2, 2, device=types.device))
    nothing = pairs.new_zeros(2, TYPES, cell.gru.hidden_size)
    _, told = run(cell, tell, pairs, chain, nothing, shifts[:2])  # (2, types, h)
    links = as_links(edges)
    sums = links[0, 2:] * told[0, :1] + links[1, 2:] * F.embedding(types[:, 1], told[1])
    looked = cell.look(types.T[2:])
    states, _ = run(cell, tell, looked, links[2:, 2:], sums, shifts[2:-1])
    return states[-1]


def as_links(edges: Tensor) -> Tensor:
    """Edges (n, v, v) in the order of the passes, (v, v, n, 1) float."""
    return edges.permute(1, 2, 0)[..., None].float().contiguous()


def run(
    cell: Cell, tell: Message, looked: Tensor, links: Tensor, sums: Tensor, shifts: Tensor
) -> tuple[Tensor, Tensor]:
    """``Pass`` with the weights of ``cell`` and ``tell``."""
    gru = cell.gru
    return Pass.apply(looked, links, sums, gru.weight_hh, gru.bias_hh, tell.weight, shifts)


def gates(looked: Tensor, projected: Tensor, summed: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """A GRU's arithmetic: reset and update gates (n, 2h), candidate (n, h), state (n, h)."""
    cut = 2 * summed.shape[1]
    rz = (looked[:, :cut] + projected[:, :cut]).sigmoid_()
    r, z = rz.chunk(2, 1)
    candidate = torch.addcmul(looked[:, cut:], r, projected[:, cut:]).tanh_()
    return rz, candidate, torch.lerp(candidate, summed, z)


def gates_back(
    grad: Tensor, rz: Tensor, told: Tensor, candidate: Tensor, summed: Tensor
) -> tuple[Tensor, Tensor, Tensor]:
    """Gradients of ``gates`` for its arguments; ``told``: the last third of the second."""
    r, z = rz.chunk(2, 1)
    to_summed = grad * z
    to_candidate = (grad - to_summed) * (1 - candidate.square())
    to_rz = torch.cat([to_candidate * told, grad * (summed - candidate)], 1)
    to_rz.mul_(torch.addcmul(rz, rz, rz, value=-1))
    to_looked = torch.cat([to_rz, to_candidate], 1)
    return to_looked, torch.cat([to_rz, to_candidate * r], 1), to_summed


class Step(torch.autograd.Function):
    """``gates`` with few passes over memory on the way back."""

    @staticmethod
    def forward(ctx: Any, looked: Tensor, projected: Tensor, summed: Tensor) -> Tensor:
        rz, candidate, state = gates(looked, projected, summed)
        ctx.save_for_backward(rz, projected[:, rz.shape[1] :], candidate, summed)
        return state

    @staticmethod
    def backward(ctx: Any, *grads: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        return gates_back(grads[0], *ctx.saved_tensors)


class Pass(torch.autograd.Function):
    """Vertices one after the other -> states (v, n, h), messages of the first k (k, n, h).

    ``looked`` (v, n, 3h): types' shares of the gates. ``links`` (v, v, n, 1): edges. ``sums``
    (v, n, h): messages from before. ``shifts`` (k, 2h): of the vertices that tell.

    On the way back each weight gets its gradient from all vertices in one product. One product
    a vertex, as autograd does it, is spent adding up matrices of the weights' size.
    """

    @staticmethod
    def forward(
        ctx: Any,
        looked: Tensor,
        links: Tensor,
        sums: Tensor,
        weight: Tensor,
        bias: Tensor,
        tell: Tensor,
        shifts: Tensor,
    ) -> tuple[Tensor, Tensor]:
        mixed = torch.is_autocast_enabled(looked.device.type)
        weight, tell = (w.bfloat16() if mixed else w for w in (weight, tell))
        sums = sums.clone()
        states, messages = torch.empty_like(sums), torch.empty_like(sums[: len(shifts)])
        h, kept = sums.shape[2], []
        for i in range(len(looked)):
            projected = F.linear(sums[i].to(weight.dtype), weight).to(sums.dtype).add_(bias)
            rz, candidate, states[i] = gates(looked[i], projected, sums[i])
            kept += [rz, projected[:, 2 * h :], candidate]
            if i < len(shifts):
                told = F.linear(states[i].to(tell.dtype), tell).to(sums.dtype).add_(shifts[i])
                gate, content = told[:, :h].sigmoid(), told[:, h:]
                torch.mul(gate, content, out=messages[i])
                sums[i + 1 :].addcmul_(links[i, i + 1 :], messages[i])
                kept += [gate, content]
        ctx.save_for_backward(links, weight, tell, sums, states, *kept)
        return states, messages

    @staticmethod
    def backward(ctx: Any, *grads: Tensor) -> tuple[Tensor | None, ...]:
        links, weight, tell, sums, states, *kept = ctx.saved_tensors
        to_states, to_messages = grads[0], grads[1].clone()
        v, n, h = states.shape
        to_looked, to_projected = (sums.new_empty(v, n, 3 * h) for _ in range(2))
        to_told, to_sums = sums.new_empty(len(to_messages), n, 2 * h), torch.empty_like(sums)
        for i in reversed(range(v)):
            rz, content_of_n, candidate, *message = kept[5 * i : 5 * i + 5]
            grad = to_states[i]
            if message:
                gate, content = message
                torch.mul(to_messages[i], gate, out=to_told[i, :, h:])
                slope = torch.addcmul(gate, gate, gate, value=-1).mul_(content)
                torch.mul(to_messages[i], slope, out=to_told[i, :, :h])
                grad = grad + to_told[i].to(tell.dtype) @ tell
            to_looked[i], to_projected[i], to_sum = gates_back(
                grad, rz, content_of_n, candidate, sums[i]
            )
            torch.add(to_sum, to_projected[i].to(weight.dtype) @ weight, out=to_sums[i])
            to_messages[:i].addcmul_(links[: len(to_messages), i][:i], to_sums[i])
        return (
            to_looked,
            None,
            to_sums,
            outer(to_projected, sums, weight.dtype),
            to_projected.sum((0, 1)),
            outer(to_told, states[: len(to_told)], tell.dtype),
            to_told.sum(1),
        )


def outer(a: Tensor, b: Tensor, kind: torch.dtype) -> Tensor:
    """The sum over rows of a's row times b's, (columns of a, columns of b), multiplied in
    ``kind``."""
    return (a.flatten(0, 1).to(kind).T @ b.flatten(0, 1).to(kind)).to(a.dtype)

"""D-VAE: networks read and written vertex by vertex, in their topological order.

Zhang, Jiang, Cui, Garnett, Chen, "D-VAE: A Variational Autoencoder for Directed Acyclic
Graphs", NeurIPS 2019 (arxiv.org/abs/1904.11088), the bidirectional form of its ENAS
experiments, with vertex numbers. The likelihood is the authors', the arithmetic arranged for
batches: vertices go one by one, all graphs at once, and what the paper does edge by edge is
done for all edges of all graphs after the vertices (true networks given, nothing waits for a
decision).
"""

from typing import ClassVar

import torch
import torch.nn.functional as F
from pydantic import BaseModel, ConfigDict, NonNegativeFloat, PositiveInt
from torch import Tensor, nn

from pipeline.compress.cells import ABSENT, INPUT, OUTPUT, VERTICES, Cells, Graphs, to_graphs
from pipeline.compress.message_pass import TYPES, Cell, Message, read_pass, write_pass

Losses = tuple[Tensor, Tensor]  # reconstruction and KL divergence, nats, summed over a batch


class DVAEConfig(BaseModel):
    """Defaults are the authors'.

    ``hidden``: size of a vertex' state. ``noise``: what training scales the posterior's
    standard deviation by. ``mixed``: training multiplies in bfloat16, with float32 weights.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    hidden: PositiveInt = 501
    dimensions: PositiveInt = 56
    noise: NonNegativeFloat = 0.01
    mixed: bool = False


class EdgeScore(nn.Module):
    """How likely a vertex reads another: a hidden layer over both states, and its logit."""

    def __init__(self, hidden: int) -> None:
        super().__init__()
        self.layer, self.logit = nn.Linear(2 * hidden, 4 * hidden), nn.Linear(4 * hidden, 1)

    def halves(self) -> tuple[Tensor, Tensor]:
        """The hidden layer's weights for the vertex read and the one that may read it."""
        of_read, of_reading = self.layer.weight.chunk(2, 1)
        return of_read, of_reading

    def forward(self, source: Tensor, target: Tensor) -> Tensor:
        """Logits (...,) from what both vertices add to the hidden layer, (..., 4h) each."""
        hidden = (source + target).relu()
        weight = self.logit.weight[0].to(hidden.dtype)
        logits = torch.mv(hidden.flatten(0, -2), weight).float() + self.logit.bias
        return logits.view(hidden.shape[:-1])


class OneHot(nn.Module):
    """Types as the paper's features: one-hot vectors."""

    def forward(self, types: Tensor) -> Tensor:
        return F.one_hot(types, TYPES).float()


class DVAE(nn.Module):
    """Networks <-> vectors: two asynchronous passes of messages, a Gaussian, one pass back."""

    kind: ClassVar[str] = "dvae"
    Config: ClassVar[type[DVAEConfig]] = DVAEConfig

    def __init__(self, config: DVAEConfig) -> None:
        super().__init__()
        self.config = config
        h, d = config.hidden, config.dimensions
        features, width = self.make_features()
        self.read_forward, self.read_backward, self.write = (
            Cell(h, features, width) for _ in range(3)
        )
        self.tell_forward, self.tell_backward = Message(h), Message(h)  # forward also writes
        self.unify = nn.Linear(2 * h, h)
        self.mean, self.log_variance = nn.Linear(h, d), nn.Linear(h, d)
        self.start = nn.Linear(d, h)
        self.score_type = nn.Sequential(
            nn.Linear(h, 2 * h), nn.ReLU(), nn.Linear(2 * h, TYPES)
        )
        self.score_edge = EdgeScore(h)

    def make_features(self) -> tuple[nn.Module, int]:
        """Vertex types -> features, and how many."""
        return OneHot(), TYPES

    def encode(self, cells: Cells) -> Tensor:
        """Networks -> the means of their posteriors, (n, dimensions) float32."""
        return self.posterior(self.take(cells))[0]

    def take(self, cells: Cells) -> Graphs:
        """Networks as graphs, where the weights are."""
        graphs, device = to_graphs(cells), self.start.weight.device
        return Graphs(graphs.types.to(device), graphs.edges.to(device))

    def posterior(self, graphs: Graphs) -> tuple[Tensor, Tensor]:
        """Mean and log variance, (n, dimensions) each."""
        types, edges = graphs.types, graphs.edges
        ahead = read_pass(self.read_forward, self.tell_forward, types, edges)
        back = read_pass(self.read_backward, self.tell_backward, types, edges, backward=True)
        state = self.unify(torch.cat([ahead, back], 1))
        return self.mean(state), self.log_variance(state)

    def losses(self, cells: Cells) -> Losses:
        """-log p(network | z) and the KL divergence, in nats, summed over the batch."""
        mixed = self.training and self.config.mixed
        with torch.autocast(self.start.weight.device.type, torch.bfloat16, enabled=mixed):
            return self.likelihood(self.take(cells))

    def likelihood(self, graphs: Graphs) -> Losses:
        mean, log_variance = (x.float() for x in self.posterior(graphs))
        z = mean
        if self.training:
            noise = self.config.noise * torch.randn_like(mean)
            z = mean + (0.5 * log_variance).exp() * noise
        divergence = 0.5 * (mean.square() + log_variance.exp() - 1 - log_variance).sum()
        return self.nats(z, graphs), divergence

    def nats(self, z: Tensor, graphs: Graphs) -> Tensor:
        """-log p(graphs | z), summed: every step is told the true steps before it."""
        begin = self.start(z).tanh()
        states, messages = write_pass(
            self.write, self.tell_forward, graphs.types, graphs.edges, begin
        )  # (7, n, h) each
        logits = self.score_type(states).flatten(0, 1)  # (7 n, types)
        nats = F.cross_entropy(logits, graphs.types.T[1:].flatten(), reduction="sum")
        return nats + self.edge_nats(states, messages, graphs)

    def edge_nats(self, read: Tensor, messages: Tensor, graphs: Graphs) -> Tensor:
        """Edges into a vertex are decided from its nearest predecessor down to the input.

        After each edge the vertex' state is renewed, so a state belongs to an edge: it is what
        the predecessors after it are held against. Before the first edge only the type counts.
        """
        edges = graphs.edges
        states = torch.cat([self.typed_states(), self.renewed_states(messages, graphs)])
        of_read, of_reading = self.score_edge.halves()
        sources = F.linear(read, of_read, self.score_edge.layer.bias)  # (7, n, 4h)
        targets = F.linear(states, of_reading)  # (types + renewals, 4h)
        current = number_states(graphs)  # (n, 7, 8)
        logits = [
            self.score_edge(source, F.embedding(current[:, k, k + 1 :], targets))
            for k, source in enumerate(sources.unsqueeze(2))  # (n, 1, 4h) and (n, 7 - k, 4h)
        ]
        truth = [edges[:, k, k + 1 :] for k in range(VERTICES - 1)]
        return F.binary_cross_entropy_with_logits(
            torch.cat(logits, 1), torch.cat(truth, 1).float(), reduction="sum"
        )

    def typed_states(self) -> Tensor:
        """The state of a vertex of each type before it has an edge, (types, h)."""
        types = torch.arange(TYPES, device=self.start.weight.device)
        return self.write.empty(self.write.look(types))

    def renewed_states(self, messages: Tensor, graphs: Graphs) -> Tensor:
        """The target's state after each edge but those from the input, (renewals, h)."""
        row, k, v = renewals(graphs).unbind(1)
        places = torch.arange(VERTICES - 1, device=k.device)
        arrived = graphs.edges[row, :-1, v] & (places >= k[:, None])  # (renewals, 7)
        bag, vertex = arrived.nonzero().unbind(1)
        sizes = arrived.sum(1)
        starts = sizes.cumsum(0) - sizes
        place = vertex * len(graphs) + row[bag]
        told = messages.flatten(0, 1)  # (7 n, h)
        summed, projected = (
            F.embedding_bag(place, table, starts, mode="sum")
            for table in (told, self.write.project(told))  # a sum's projection is a sum too
        )
        looked = self.write.look(graphs.types[row, v])
        return self.write.step(looked, projected, summed)

    @torch.no_grad()
    def decode(self, z: Tensor, generator: torch.Generator | None = None) -> Graphs:
        """Vectors (n, dimensions) -> graphs: the likeliest step by step, or a sample.

        A graph ends with its output vertex, which takes every vertex that none reads yet.
        """
        n = len(z)
        types = torch.full((n, VERTICES), ABSENT, device=z.device)
        edges = torch.zeros(n, VERTICES, VERTICES, dtype=torch.bool, device=z.device)
        types[:, 0] = INPUT
        state = self.write(self.write.look(types[:, 0]), self.start(z).tanh())
        told, sources = [], []
        for v in range(1, VERTICES):
            chosen = pick(self.score_type(state), generator)
            if v == VERTICES - 1:
                chosen = torch.full_like(chosen, OUTPUT)
            live = (types != OUTPUT).all(1)
            types[live, v] = chosen[live]
            ends = live & (chosen == OUTPUT)
            loose = ~edges[:, :v].any(2) & ends[:, None]
            edges[:, :v, v] = loose
            if v == VERTICES - 1 or not (live & ~ends).any():
                continue
            told.append(self.tell_forward(state, v - 1))
            of_read, _ = self.score_edge.halves()
            sources.append(F.linear(state, of_read, self.score_edge.layer.bias))
            grows = live & ~ends
            state = self.add_edges(chosen, told, sources, edges[:, :, v], grows, generator)
        return Graphs(types, edges)

    def add_edges(
        self,
        types: Tensor,
        told: list[Tensor],
        sources: list[Tensor],
        edges: Tensor,
        grows: Tensor,
        generator: torch.Generator | None,
    ) -> Tensor:
        """Decide the edges into new vertices of ``types``; gives the vertices' states (n, h).

        Writes into ``edges`` (n, 8), and only where ``grows``.
        """
        looked = self.write.look(types)
        state, summed = self.write.empty(looked), torch.zeros_like(told[0])
        _, of_reading = self.score_edge.halves()
        for k in reversed(range(len(told))):
            odds = self.score_edge(sources[k], F.linear(state, of_reading)).sigmoid()
            bar = torch.full_like(odds, 0.5)
            if generator is not None:
                bar.uniform_(generator=generator)
            edges[:, k] |= grows & (odds > bar)
            summed = summed + edges[:, k, None] * told[k]
            state = self.write(looked, summed)
        return state


def renewals(graphs: Graphs) -> Tensor:
    """Edges that leave other decisions about their target open, (renewals, 3): graph, ends."""
    after_input = graphs.edges.clone()
    after_input[:, 0] = False
    return after_input.nonzero()


def number_states(graphs: Graphs) -> Tensor:
    """Which state of vertex v its predecessor k is held against, (n, 7, 8) int64 of k and v.

    0..7: the state of a type without edges; from 8 on: the renewals in their order.
    """
    row, k, v = renewals(graphs).unbind(1)
    renewed = torch.zeros_like(graphs.edges, dtype=torch.long)
    renewed[row, k, v] = TYPES + torch.arange(len(row), device=row.device)
    current = graphs.types
    held: list[Tensor] = []
    for source in reversed(range(VERTICES - 1)):
        held.insert(0, current)
        current = torch.where(graphs.edges[:, source], renewed[:, source], current)
    return torch.stack(held, 1)


def pick(logits: Tensor, generator: torch.Generator | None) -> Tensor:
    """The likeliest class of each row (n,); with a generator, a sample."""
    if generator is None:
        return logits.argmax(1)
    return torch.multinomial(logits.softmax(1), 1, generator=generator)[:, 0]

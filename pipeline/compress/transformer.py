"""Programs as one vector each: a transformer that reads a program, and one that writes it.

The encoder reads the tokens of a network's design and gives the mean and the variance of its
vector; the decoder writes the tokens of the network itself, seeing the vector at every step
and in every layer. A variational autoencoder (Kingma, Welling 2014, arXiv:1312.6114) with
pre-norm transformers (Vaswani et al. 2017, arXiv:1706.03762) and rotary positions (Su et al.
2021, arXiv:2104.09864). Tokens are embedded by their parts, so a rare layer shares what it
is made of with common ones.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

import torch
from pydantic import BaseModel, ConfigDict, Field, PositiveInt
from torch import Tensor, nn
from torch.nn import functional as F

from pipeline.compress.copies import NOWHERE, POINTING, follow_all
from pipeline.compress.tokens import ESCAPE

POINTER = 32  # numbers by which what is pointed at is found
COUNTS = 64  # numbers in which the encoder counts what a network is made of
IMPOSSIBLE = -30.0  # nats of a repeat that would begin before the program, or stop behind it
PAD = -1  # in a batch of token numbers: behind the end of a program
CONTEXT = 16  # numbers of a vertex's vector


class TransformerConfig(BaseModel):
    """Sizes. ``sizes``: classes of each kind of token; ``parts``: the parts of every token."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    sizes: tuple[PositiveInt, ...]
    parts: tuple[tuple[int, ...], ...]
    latent: PositiveInt = 64
    variational: bool = True
    width: PositiveInt = 192
    heads: PositiveInt = 6
    encoder_layers: PositiveInt = 2
    decoder_layers: PositiveInt = 4
    dropout: float = Field(default=0.1, ge=0, lt=1)
    word_dropout: float = Field(default=0.15, ge=0, lt=1)


class Cache:
    """What was computed at the steps so far of programs that are written together, each at a
    step of its own: (batch, ..., steps, width)."""

    def __init__(self) -> None:
        self._known: Tensor | None = None

    def put(self, new: Tensor, at: Tensor) -> Tensor:
        """``new`` (batch, ..., 1, width), each row's at its step ``at`` (batch,) -> all up to
        the furthest; what lies behind a row's own step means nothing."""
        most = int(at.max()) + 1
        if self._known is None or self._known.shape[-2] < most:
            room = new.new_zeros(*new.shape[:-2], 2 * most, new.shape[-1])
            if self._known is not None:
                room[..., : self._known.shape[-2], :] = self._known
            self._known = room
        self._known.transpose(1, -2)[torch.arange(len(at)), at] = new.transpose(1, -2)[:, 0]
        return self._known[..., :most, :]

    def keep(self, rows: Tensor) -> None:
        """Only these rows of the batch go on."""
        if self._known is not None:
            self._known = self._known[rows]


class Block(nn.Module):
    """Attention and a feed-forward layer, both with a residual, conditioned on a vector."""

    def __init__(self, width: int, heads: int, dropout: float, latent: int = 0) -> None:
        super().__init__()
        self.heads, self.dropout = heads, dropout
        self.norm_attention, self.norm_feed = nn.LayerNorm(width), nn.LayerNorm(width)
        self.qkv = nn.Linear(width, 3 * width)
        self.out = nn.Linear(width, width)
        self.up, self.down = nn.Linear(width, 4 * width), nn.Linear(4 * width, width)
        self.condition = nn.Linear(latent, width) if latent else None

    def forward(
        self, x: Tensor, angles: Tensor, mask: Tensor | None,
        z: Tensor | None = None, caches: tuple[Cache, Cache] | None = None,
        at: Tensor | None = None,
    ) -> Tensor:  # fmt: skip
        if self.condition is not None and z is not None:
            x = x + self.condition(z)[:, None]
        batch, steps, width = x.shape
        qkv = self.qkv(self.norm_attention(x))
        q, k, v = qkv.view(batch, steps, 3, self.heads, -1).permute(2, 0, 3, 1, 4)
        q, k = rotate(q, angles), rotate(k, angles)
        if caches is not None and at is not None:  # one new step, which sees those before it
            k, v = caches[0].put(k, at), caches[1].put(v, at)
            mask = (torch.arange(k.shape[2]) <= at[:, None])[:, None, None]
        rate = self.dropout if self.training else 0.0
        # Without a mask a whole program is given, of which no step sees a later one.
        y = F.scaled_dot_product_attention(q, k, v, mask, 0.0, is_causal=mask is None)
        x = x + F.dropout(self.out(y.transpose(1, 2).reshape(batch, steps, width)), rate)
        y = self.down(F.gelu(self.up(self.norm_feed(x))))
        return x + F.dropout(y, rate)


def angles(places: Tensor, width: int, like: Tensor) -> Tensor:
    """(..., width / 2) rotations of places."""
    rates = 10_000.0 ** -(torch.arange(0, width, 2, dtype=torch.float64) / width)
    return (places.double()[..., None].cpu() * rates).to(like)


def rotate(x: Tensor, turned: Tensor) -> Tensor:
    """Rotary positions. ``x``: (batch, heads, steps, width); its halves are coordinates."""
    a, b = x.chunk(2, -1)
    cos, sin = turned.cos().to(x.dtype), turned.sin().to(x.dtype)
    return torch.cat([a * cos - b * sin, a * sin + b * cos], -1)


class ProgramTransformer(nn.Module):
    """Programs <-> vectors; see the module."""

    kind: ClassVar[str] = "transformer"
    Config: ClassVar[type[BaseModel]] = TransformerConfig
    part_numbers: Tensor
    part_starts: Tensor
    offsets: Tensor
    kinds: Tensor
    context: Tensor
    grid: Tensor

    def __init__(self, config: TransformerConfig) -> None:
        super().__init__()
        self.config = c = config
        tokens = sum(c.sizes)
        if len(c.parts) != tokens or c.width % (2 * c.heads):
            raise ValueError("each token has its parts, each head an even width")
        self.own = nn.Embedding(tokens, c.width)
        flat = [part for parts in c.parts for part in parts]
        self.shared = nn.EmbeddingBag(max(flat, default=0) + 1, c.width, mode="sum")
        starts = [0]
        for parts in c.parts[:-1]:
            starts.append(starts[-1] + len(parts))
        self.register_buffer("part_numbers", torch.tensor(flat), persistent=False)
        self.register_buffer("part_starts", torch.tensor(starts), persistent=False)
        offsets = torch.tensor([0, *c.sizes]).cumsum(0)
        self.register_buffer("offsets", offsets, persistent=False)
        kinds = torch.repeat_interleave(torch.arange(len(c.sizes)), torch.tensor(c.sizes))
        self.register_buffer("kinds", kinds, persistent=False)
        self.kind_embedding = nn.Embedding(len(c.sizes), c.width)
        self.bias = nn.Parameter(torch.zeros(tokens))
        self.start = nn.Parameter(torch.zeros(c.width))
        encoder = [Block(c.width, c.heads, c.dropout) for _ in range(c.encoder_layers)]
        self.encoder = nn.ModuleList(encoder)
        self.pool = nn.Linear(c.width, c.heads)
        self.encoder_norm = nn.LayerNorm(c.width)
        self.count = nn.Linear(c.width, COUNTS)
        self.to_latent = nn.Linear(c.heads * c.width + COUNTS, 2 * c.latent)
        self.decoder = nn.ModuleList(
            Block(c.width, c.heads, c.dropout, c.latent) for _ in range(c.decoder_layers)
        )
        self.decoder_norm = nn.LayerNorm(c.width)
        self.key = nn.Linear(c.width, POINTER)
        self.queries = nn.ModuleDict(
            {str(int(f)): nn.Linear(c.width, POINTER) for f in POINTING}
        )
        # Set when training is done: see fit_context and fit_grid.
        self.register_buffer("context", torch.zeros(c.width, CONTEXT))
        self.register_buffer("grid", torch.ones(c.latent))
        self._initialise()

    def _initialise(self) -> None:
        for module in self.modules():
            if isinstance(module, nn.Embedding | nn.EmbeddingBag):
                nn.init.normal_(module.weight, std=0.5 / self.config.width**0.5)
        for block in [*self.encoder, *self.decoder]:
            for layer in (block.out, block.down):
                nn.init.normal_(layer.weight, std=0.2 / self.config.width**0.5)
        nn.init.normal_(self.to_latent.weight, std=0.02)
        with torch.no_grad():
            self.to_latent.bias[self.config.latent :] = -4.0  # small variances to begin with

    def table(self) -> Tensor:
        """(tokens, width): the embedding of every token."""
        return self.own.weight + self.shared(self.part_numbers, self.part_starts)

    def encode(self, tokens: Tensor, table: Tensor | None = None) -> tuple[Tensor, Tensor]:
        """Token numbers (batch, steps), PAD behind the end -> mean and log variance of the
        vector, (batch, latent) each."""
        mean, log_variance, _ = self.read(tokens, table)
        return mean, log_variance

    def read(
        self, tokens: Tensor, table: Tensor | None = None
    ) -> tuple[Tensor, Tensor, Tensor]:
        """:meth:`encode`, and the contextual vectors of the tokens, (batch, steps, width)."""
        table = self.table() if table is None else table
        there = tokens != PAD
        numbers = tokens.clamp(min=0)
        x = F.embedding(numbers, table) + self.kind_embedding(self.kinds[numbers])
        turned = angles(torch.arange(x.shape[1]), x.shape[-1] // self.config.heads, x)
        mask = there[:, None, None, :]
        for block in self.encoder:
            x = block(x, turned, mask)
        x = self.encoder_norm(x)
        scores = self.pool(x).masked_fill(~there[..., None], float("-inf"))
        pooled = scores.softmax(1).transpose(1, 2).to(x.dtype) @ x
        _, said = follow_all(*self.classes(tokens))
        counts = (said[..., None] * F.softplus(self.count(x)).float()).sum(1).log1p()
        known = torch.cat([pooled.flatten(1), counts.to(pooled.dtype)], 1)
        mean, log_variance = self.to_latent(known).float().chunk(2, -1)
        return mean, log_variance.clamp(-8.0, 2.0), x

    def states(
        self, z: Tensor, previous: Tensor, kinds: Tensor, table: Tensor,
        caches: Sequence[tuple[Cache, Cache]] | None = None, at: Tensor | None = None,
    ) -> Tensor:  # fmt: skip
        """What the decoder knows before each step, (batch, steps, width).

        ``z`` (batch, latent); ``previous`` (batch, steps): the token before, PAD at the start
        and where one is kept from view; ``kinds`` (batch, steps): the kind that comes next.
        With ``caches``, two a layer, one step of each row: its step ``at`` (batch,).
        """
        seen = F.embedding(previous.clamp(min=0), table)
        x = torch.where((previous == PAD)[..., None], self.start.to(seen.dtype), seen)
        x = x + self.kind_embedding(kinds)
        places = torch.arange(x.shape[1]) if at is None else at[:, None, None]
        turned = angles(places, x.shape[-1] // self.config.heads, x)
        for layer, block in enumerate(self.decoder):
            x = block(x, turned, None, z, caches[layer] if caches is not None else None, at)
        return self.decoder_norm(x)

    def classes(self, tokens: Tensor) -> tuple[Tensor, Tensor]:
        """Token numbers -> the kind of each, PAD behind the end, and its class within it."""
        kinds = self.kinds[tokens.clamp(min=0)]
        return kinds.masked_fill(tokens == PAD, PAD), tokens - self.offsets[kinds]

    def logits(self, states: Tensor, kind: int, table: Tensor) -> Tensor:
        """(n, width) states where a token of ``kind`` comes next -> (n, classes)."""
        first, last = self.offsets[kind], self.offsets[kind + 1]
        return states @ table[first:last].T.to(states.dtype) + self.bias[first:last]

    def pointing(self, states: Tensor, kind: int, keys: Tensor, places: Tensor) -> Tensor:
        """What is added to the logits of a kind whose classes are places, (n, classes).

        ``states`` (n, width) as above; ``keys`` (n, steps, POINTER) of each one's program;
        ``places`` (n, classes): the token that each class points at. What a token stands for
        is known at the step after it.
        """
        query = self.queries[str(kind)](states) / POINTER**0.5
        scores = torch.einsum("nk,nsk->ns", query, keys.to(query.dtype))
        found = scores.gather(1, (places + 1).clamp(max=scores.shape[1] - 1))
        nowhere = places == NOWHERE
        nowhere[:, ESCAPE] = False
        found = found.masked_fill(nowhere, IMPOSSIBLE)
        found[:, ESCAPE] = 0
        return found

    def negative_log_likelihood(
        self, z: Tensor, tokens: Tensor, table: Tensor | None = None, hide: float = 0.0
    ) -> Tensor:
        """Nats of every token given the vector and all before it, (batch, steps); 0 behind
        the end. ``hide``: the share of tokens that the decoder does not see as input."""
        table = self.table() if table is None else table
        there = tokens != PAD
        kinds = self.kinds[tokens.clamp(min=0)]
        previous = F.pad(tokens[:, :-1], (1, 0), value=PAD)
        if hide:
            hidden = torch.rand(previous.shape, device=previous.device) < hide
            previous = previous.masked_fill(hidden, PAD)
        states = self.states(z, previous, kinds, table)
        pointers, _ = follow_all(*self.classes(tokens))
        keys = self.key(states)
        losses = torch.zeros(tokens.shape, device=tokens.device, dtype=torch.float32)
        for kind in range(len(self.config.sizes)):
            chosen = there & (kinds == kind)
            if chosen.any():
                logits = self.logits(states[chosen], kind, table).float()
                if kind in pointers:
                    at = pointers[kind]
                    logits = logits + self.pointing(
                        states[chosen], kind, keys[at.rows], at.places
                    )
                targets = tokens[chosen] - self.offsets[kind]
                losses[chosen] = F.cross_entropy(logits, targets, reduction="none").to(losses)
        return losses

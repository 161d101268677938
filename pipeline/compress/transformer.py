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
from dataclasses import dataclass
from typing import ClassVar

import torch
from pydantic import BaseModel, ConfigDict, Field, PositiveInt
from torch import Tensor, nn
from torch.nn import functional as F

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


@dataclass
class Cache:
    """Keys and values of a layer so far, (batch, heads, steps, width / heads) each."""

    keys: Tensor | None = None
    values: Tensor | None = None

    def extend(self, k: Tensor, v: Tensor) -> tuple[Tensor, Tensor]:
        if self.keys is not None and self.values is not None:
            k, v = torch.cat([self.keys, k], 2), torch.cat([self.values, v], 2)
        self.keys, self.values = k, v
        return k, v

    def keep(self, rows: Tensor) -> None:
        """Only these rows of the batch go on."""
        if self.keys is not None and self.values is not None:
            self.keys, self.values = self.keys[rows], self.values[rows]


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
        z: Tensor | None = None, cache: Cache | None = None,
    ) -> Tensor:  # fmt: skip
        if self.condition is not None and z is not None:
            x = x + self.condition(z)[:, None]
        batch, steps, width = x.shape
        qkv = self.qkv(self.norm_attention(x))
        q, k, v = qkv.view(batch, steps, 3, self.heads, -1).permute(2, 0, 3, 1, 4)
        q, k = rotate(q, angles), rotate(k, angles)
        if cache is not None:
            k, v = cache.extend(k, v)
        rate = self.dropout if self.training else 0.0
        # One new step sees all before it; a whole program sees no later step.
        causal = mask is None and steps > 1
        y = F.scaled_dot_product_attention(q, k, v, mask, 0.0, is_causal=causal)
        x = x + F.dropout(self.out(y.transpose(1, 2).reshape(batch, steps, width)), rate)
        y = self.down(F.gelu(self.up(self.norm_feed(x))))
        return x + F.dropout(y, rate)


def angles(start: int, steps: int, width: int, like: Tensor) -> Tensor:
    """(steps, width / 2) rotations of the places from ``start`` on."""
    rates = 10_000.0 ** -(torch.arange(0, width, 2, dtype=torch.float64) / width)
    places = torch.arange(start, start + steps, dtype=torch.float64)
    return torch.outer(places, rates).to(like)


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
        self.to_latent = nn.Linear(c.heads * c.width, 2 * c.latent)
        self.decoder = nn.ModuleList(
            Block(c.width, c.heads, c.dropout, c.latent) for _ in range(c.decoder_layers)
        )
        self.decoder_norm = nn.LayerNorm(c.width)
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
        turned = angles(0, tokens.shape[1], x.shape[-1] // self.config.heads, x)
        mask = there[:, None, None, :]
        for block in self.encoder:
            x = block(x, turned, mask)
        x = self.encoder_norm(x)
        scores = self.pool(x).masked_fill(~there[..., None], float("-inf"))
        pooled = scores.softmax(1).transpose(1, 2).to(x.dtype) @ x
        mean, log_variance = self.to_latent(pooled.flatten(1)).float().chunk(2, -1)
        return mean, log_variance.clamp(-8.0, 2.0), x

    def states(
        self, z: Tensor, previous: Tensor, kinds: Tensor, table: Tensor,
        caches: Sequence[Cache] | None = None, start: int = 0,
    ) -> Tensor:  # fmt: skip
        """What the decoder knows before each step, (batch, steps, width).

        ``z`` (batch, latent); ``previous`` (batch, steps): the token before, PAD at the start
        and where one is kept from view; ``kinds`` (batch, steps): the kind that comes next.
        """
        seen = F.embedding(previous.clamp(min=0), table)
        x = torch.where((previous == PAD)[..., None], self.start.to(seen.dtype), seen)
        x = x + self.kind_embedding(kinds)
        turned = angles(start, previous.shape[1], x.shape[-1] // self.config.heads, x)
        for layer, block in enumerate(self.decoder):
            x = block(x, turned, None, z, caches[layer] if caches is not None else None)
        return self.decoder_norm(x)

    def logits(self, states: Tensor, kind: int, table: Tensor) -> Tensor:
        """(n, width) states where a token of ``kind`` comes next -> (n, classes)."""
        first, last = self.offsets[kind], self.offsets[kind + 1]
        return states @ table[first:last].T.to(states.dtype) + self.bias[first:last]

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
        losses = torch.zeros(tokens.shape, device=tokens.device, dtype=torch.float32)
        for kind in range(len(self.config.sizes)):
            chosen = there & (kinds == kind)
            if chosen.any():
                logits = self.logits(states[chosen], kind, table).float()
                targets = tokens[chosen] - self.offsets[kind]
                losses[chosen] = F.cross_entropy(logits, targets, reduction="none").to(losses)
        return losses

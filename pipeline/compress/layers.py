"""The parts of the proposed models: per-block layers, and categorical fields in and out."""

import math

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from pipeline.compress.fields import NOT_APPLICABLE, Group, buckets, symbols


class BlockLinear(nn.Module):
    """A linear layer of its own for each of ``blocks`` blocks, as one batched product."""

    def __init__(self, blocks: int, inputs: int, outputs: int) -> None:
        super().__init__()
        bound = 1 / math.sqrt(inputs)
        self.weight = nn.Parameter(
            torch.empty(blocks, inputs, outputs).uniform_(-bound, bound)
        )
        self.bias = nn.Parameter(torch.zeros(blocks, 1, outputs))

    def forward(self, x: Tensor) -> Tensor:
        return torch.baddbmm(self.bias, x, self.weight)  # (B, n, in) -> (B, n, out)

    def part(self, x: Tensor, blocks: slice) -> Tensor:
        """The same for some of the blocks, which are the blocks of ``x``."""
        return torch.baddbmm(self.bias[blocks], x, self.weight[blocks])


class Residual(nn.Module):
    """x + a small network of x, block by block."""

    def __init__(self, blocks: int, width: int) -> None:
        super().__init__()
        self.norm = nn.LayerNorm(width)
        self.widen = BlockLinear(blocks, width, width)
        self.narrow = BlockLinear(blocks, width, width)

    def forward(self, x: Tensor) -> Tensor:
        return x + self.narrow(F.silu(self.widen(self.norm(x))))  # (B, n, width)


class BlockMLP(nn.Sequential):
    """Residual layers and a linear head, block by block."""

    def __init__(self, blocks: int, width: int, depth: int, outputs: int) -> None:
        layers = [Residual(blocks, width) for _ in range(depth)]
        super().__init__(*layers, nn.LayerNorm(width), BlockLinear(blocks, width, outputs))


class FieldReader(nn.Module):
    """Fields (n, fields) -> the sum of their embeddings, block by block (B, n, width)."""

    offsets: Tensor
    places: Tensor

    def __init__(self, group: Group, width: int) -> None:
        super().__init__()
        alphabet = symbols(group)
        self.register_buffer("offsets", alphabet.offsets, persistent=False)
        self.register_buffer("places", alphabet.places.flatten(), persistent=False)
        self.blocks, self.longest = alphabet.places.shape
        self.table = nn.EmbeddingBag(alphabet.size, width, mode="sum", padding_idx=0)

    def place(self, fields: Tensor) -> Tensor:
        """(n, fields) -> symbols by block (n, B, longest), 0 where a block is shorter."""
        padded = F.pad(fields + self.offsets, (0, 1))  # (n, fields + 1)
        return padded[:, self.places].view(len(fields), self.blocks, self.longest)

    def embed(self, placed: Tensor) -> Tensor:
        """Symbols of any shape -> their embeddings, one dimension more."""
        return F.embedding(placed, self.table.weight, padding_idx=0)

    def forward(self, fields: Tensor) -> Tensor:
        placed = self.place(fields).view(-1, self.longest)  # (n B, longest)
        summed = self.table(placed).view(len(fields), self.blocks, -1)
        return summed.transpose(0, 1).contiguous()  # (B, n, width)


class FieldWriter(nn.Module):
    """Logits (n, all classes) <-> fields: their likelihood, the likeliest, a sample."""

    def __init__(self, group: Group) -> None:
        super().__init__()
        self.buckets = buckets(group)
        self.fields = len(group.cardinalities)

    def nats(self, logits: Tensor, fields: Tensor) -> Tensor:
        """-log p(fields), summed over fields and items; fields that do not apply left out."""
        parts = []
        for b in self.buckets:
            rows = logits[:, b.start : b.stop].reshape(-1, b.classes)  # (n F, classes)
            target = fields[:, b.fields].flatten()
            loss = F.cross_entropy(rows, target, ignore_index=NOT_APPLICABLE, reduction="sum")
            parts.append(loss)
        return torch.stack(parts).sum()

    def pick(self, logits: Tensor, generator: torch.Generator | None = None) -> Tensor:
        """The likeliest class of every field (n, fields); with a generator, a sample."""
        if generator is not None:  # argmax(logits - log E), E exponential, is a sample
            noise = torch.empty_like(logits).exponential_(generator=generator)
            logits = logits - noise.log()
        fields = torch.empty(len(logits), self.fields, dtype=torch.long, device=logits.device)
        for b in self.buckets:
            rows = logits[:, b.start : b.stop].view(len(logits), -1, b.classes)
            fields[:, b.fields] = rows.argmax(-1)
        return fields


def columns(group: Group) -> tuple[int, Tensor]:
    """Where logits, bucket by bucket, stand in the heads of the blocks, padded and joined.

    Gives the width of a head and, for each of a row's logits, its place in (B width,).
    """
    own = [sum(group.cardinalities[f] for f in part) for part in group.parts]
    starts: dict[int, int] = {}
    for block, part in enumerate(group.parts):
        at = block * max(own)
        for field in sorted(part, key=lambda f: (group.cardinalities[f], f)):
            starts[field] = at
            at += group.cardinalities[field]
    order = [starts[f] + c for b in buckets(group) for f in b.fields for c in range(b.classes)]
    return max(own), torch.tensor(order)


class Waves(nn.Module):
    """z (..., d) -> z and the sines and cosines of 1, 2, 4, ... times z, (..., width(d)).

    Without them a network of this size is too smooth a function to tell hundreds of codes
    apart on one line.
    """

    rates: Tensor

    def __init__(self, frequencies: int) -> None:
        super().__init__()
        self.register_buffer("rates", 2.0 ** torch.arange(frequencies), persistent=False)

    def width(self, dimensions: int) -> int:
        return dimensions * (1 + 2 * len(self.rates))

    def forward(self, z: Tensor) -> Tensor:
        waves = (z[..., None] * self.rates).flatten(-2)
        return torch.cat([z, waves.sin(), waves.cos()], -1)


class BlockEncoder(nn.Module):
    """Fields (n, fields) -> (n, dimensions, outputs): numbers a latent dimension."""

    def __init__(self, group: Group, width: int, depth: int, outputs: int) -> None:
        super().__init__()
        self.dimensions, self.outputs = group.dimensions, outputs
        self.read = FieldReader(group, width)
        share = group.dimensions // len(group.parts)
        self.body = BlockMLP(len(group.parts), width, depth, share * outputs)

    def forward(self, fields: Tensor) -> Tensor:
        x = self.body(self.read(fields))  # (B, n, share outputs)
        return x.transpose(0, 1).reshape(len(fields), self.dimensions, self.outputs)


class BlockDecoder(nn.Module):
    """A latent vector (n, dimensions) -> logits (n, all classes), bucket by bucket."""

    order: Tensor

    def __init__(self, group: Group, width: int, depth: int, frequencies: int) -> None:
        super().__init__()
        self.blocks = len(group.parts)
        self.share = group.dimensions // self.blocks
        head, order = columns(group)
        self.register_buffer("order", order, persistent=False)
        self.waves = Waves(frequencies)
        self.lift = BlockLinear(self.blocks, self.waves.width(self.share), width)
        self.body = BlockMLP(self.blocks, width, depth, head)

    def forward(self, z: Tensor) -> Tensor:
        by_block = z.view(len(z), self.blocks, self.share).transpose(0, 1)  # (B, n, share)
        heads = self.body(self.lift(self.waves(by_block)))  # (B, n, head)
        logits = heads.transpose(0, 1).reshape(len(z), -1)  # (n, B head)
        return logits if self.blocks == 1 else logits[:, self.order]

"""The proposed sequence-to-sequence compressor: fields read and written one after the other.

After Sutskever, Vinyals, Le, "Sequence to Sequence Learning with Neural Networks"
(arxiv.org/abs/1409.3215): a GRU reads the fields of a block, its last state becomes the
block's latent numbers; another GRU, started from those, writes the fields one by one.
"""

from typing import ClassVar, cast

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from pipeline.compress.ae import AutoEncoder
from pipeline.compress.fields import Group
from pipeline.compress.layers import BlockLinear, FieldReader, Waves


class SequenceEncoder(nn.Module):
    """Fields (n, fields) -> (n, dimensions, 1)."""

    def __init__(self, group: Group, width: int) -> None:
        super().__init__()
        self.read = FieldReader(group, width)
        self.gru = nn.GRU(width, width, batch_first=True)
        self.head = nn.Linear(width, group.dimensions // len(group.parts))

    def forward(self, fields: Tensor) -> Tensor:
        tokens = self.read.embed(self.read.place(fields).flatten(0, 1))  # (n B, longest, w)
        _, last = self.gru(tokens)  # (1, n B, w)
        return self.head(last[0]).view(len(fields), -1, 1)


class SequenceDecoder(nn.Module):
    """Latents (n, dimensions) -> fields, one step a field of a block.

    A step's input is the symbol written before it and which field is next. Class 0 of a step
    is "does not apply": a sequence has to know, so unlike the others this model learns it.
    """

    mask: Tensor
    lowest: Tensor
    back: Tensor

    def __init__(self, group: Group, width: int, frequencies: int) -> None:
        super().__init__()
        self.read = FieldReader(group, width)
        self.blocks, self.longest = self.read.blocks, self.read.longest
        slots = self.read.places  # (B longest,) the field written there; ``fields`` = none
        classes = torch.tensor([*group.cardinalities, 0])[slots] + 1
        lowest = F.pad(self.read.offsets - 1, (0, 1))[slots]  # each field's symbol for -1
        outside = torch.arange(int(classes.max())) >= classes[:, None]
        self.register_buffer("mask", outside, persistent=False)  # (B longest, classes)
        self.register_buffer("lowest", lowest.view(self.blocks, -1), persistent=False)
        back = torch.argsort(slots)[: len(group.cardinalities)]
        self.register_buffer("back", back, persistent=False)
        self.waves = Waves(frequencies)
        self.next = nn.Parameter(torch.randn(self.blocks, self.longest, width))
        self.start = nn.Linear(self.waves.width(group.dimensions // self.blocks), width)
        self.gru = nn.GRU(width, width, batch_first=True)
        self.head = BlockLinear(len(slots), width, outside.shape[1])

    def begin(self, z: Tensor) -> Tensor:
        return self.start(self.waves(z.reshape(len(z) * self.blocks, -1))).tanh()[None]

    def logits(self, states: Tensor, n: int) -> Tensor:
        """States (n B, longest, w) -> (B longest, n, classes)."""
        by_slot = states.reshape(n, -1, states.shape[-1]).transpose(0, 1)
        return self.head(by_slot).masked_fill(self.mask[:, None], float("-inf"))

    def nats(self, z: Tensor, fields: Tensor) -> Tensor:
        """-log p(fields | z), summed, each step being told the true fields before it."""
        n = len(fields)
        before = F.pad(self.read.place(fields)[..., :-1], (1, 0))  # (n, B, longest)
        inputs = self.read.embed(before) + self.next  # (n, B, longest, w)
        states, _ = self.gru(inputs.flatten(0, 1), self.begin(z))
        logits = self.logits(states, n)[self.back].transpose(0, 1)  # (n, fields, classes)
        return F.cross_entropy(logits.flatten(0, 1), fields.flatten() + 1, reduction="sum")

    def write(self, z: Tensor, generator: torch.Generator | None) -> Tensor:
        """The fields (n, fields) that are likeliest step by step, or a sample."""
        n, state = len(z), self.begin(z)
        symbol = torch.zeros(n, self.blocks, dtype=torch.long, device=z.device)
        written = []
        for step in range(self.longest):
            inputs = self.read.embed(symbol) + self.next[:, step]  # (n, B, w)
            states, state = self.gru(inputs.flatten(0, 1)[:, None], state)
            slots = slice(step, None, self.longest)
            heads = states.view(n, self.blocks, -1).transpose(0, 1)  # (B, n, w)
            logits = self.head.part(heads, slots).masked_fill(self.mask[slots, None], -1e9)
            if generator is not None:
                noise = torch.empty_like(logits).exponential_(generator=generator)
                logits = logits - noise.log()
            symbol = self.lowest[:, step] + logits.argmax(-1).T  # (n, B)
            written.append(logits[..., 1:].argmax(-1).T)
        return torch.stack(written, -1).flatten(1)[:, self.back]  # (n, fields)


class SequenceToSequence(AutoEncoder):
    """Fields -> a vector a group -> the same fields, written in sequence. Deterministic."""

    kind: ClassVar[str] = "seq2seq"

    def make_encoder(self, group: Group) -> nn.Module:
        return SequenceEncoder(group, self.config.width)

    def make_decoder(self, group: Group) -> nn.Module:
        return SequenceDecoder(group, self.config.width, self.config.frequencies)

    def decoder(self, group: str) -> SequenceDecoder:
        return cast(SequenceDecoder, self.decoders[group])

    def write(self, group: str, z: Tensor, generator: torch.Generator | None) -> Tensor:
        return self.decoder(group).write(z, generator)

    def nats(self, group: str, z: Tensor, fields: Tensor) -> Tensor:
        return self.decoder(group).nats(z, fields)

"""The codec of whole networks, on their programs.

Its vector has two parts. The *smooth* one is the mean that the encoder gives a network's
design: near vectors are near networks. The *exact* one holds, as quantiles of a normal
distribution, the bits by which the network differs from what the decoder would write, coded
under the decoder's own probabilities. What does not fit is the code's residual.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, ClassVar, Self

import numpy as np
import torch

from pipeline.compress.context import vertex_vectors
from pipeline.compress.refine import refine
from pipeline.compress.store import load_model, read_card
from pipeline.compress.transformer import ProgramTransformer
from pipeline.compress.vocabulary import Vocabulary
from pipeline.decode.code import Code
from pipeline.decode.codec import Codec, Draft, digest_of, valid
from pipeline.decode.entropy import BitReader, cost, probabilities, to_bits
from pipeline.decode.quantiles import capacity, from_numbers, to_numbers
from pipeline.decode.writing import MOST_TOKENS, Most, Writer, likeliest
from pipeline.design.design import design_or_itself
from pipeline.errors import DataError, InvalidNetwork
from pipeline.graph.canonical import canonicalise
from pipeline.graph.network import OUTPUT, Network
from pipeline.program.instruction import Line
from pipeline.program.program import Program

WIDTH = 256  # numbers of a vector
AT_ONCE = 32  # networks that are encoded or decoded together
PATIENCE = 8  # lines that fit no network, before others than the bits' own are tried
LONGEST = 65_536  # tokens of a program that is decoded with its residual


@dataclass(frozen=True, eq=False)
class ProgramCodec(Codec):
    """A trained model and what its tokens mean."""

    domain: ClassVar[str] = "networks"
    name: str
    model: ProgramTransformer
    vocabulary: Vocabulary
    card: dict[str, Any]
    digest: str
    width: int = WIDTH

    @classmethod
    def load(cls, directory: Path, name: str) -> Self:
        card = read_card(directory / name)
        try:
            vocabulary = Vocabulary.from_json(card["vocabulary"])
        except (KeyError, TypeError, ValueError, AttributeError) as e:
            raise DataError(f"{directory / name}.json: damaged codec: {e!r}") from e
        model = load_model(directory / name)  # refuses weights that are missing or damaged
        assert isinstance(model, ProgramTransformer)
        digest = digest_of(directory, name, json.dumps(card["vocabulary"]))
        return cls(name, model, vocabulary, card, digest)

    @property
    def smooth(self) -> int:
        return self.model.config.latent

    @cached_property
    def _writer(self) -> Writer:
        return Writer(self.model, self.vocabulary)

    def encode_all(self, networks: Sequence[Network], steps: int = 0) -> list[Code]:
        codes: list[Code] = []
        for start in range(0, len(networks), AT_ONCE):
            part = networks[start : start + AT_ONCE]
            codes += self.codes(part, self.smooth_parts(part, steps))
        return codes

    def codes(self, networks: Sequence[Network], smooth: np.ndarray) -> list[Code]:
        """Networks and their smooth parts (n, smooth) -> their codes."""
        tokens = [self.tokens(network) for network in networks]
        return list(map(self._code, networks, tokens, self.snap(smooth)))

    def smooth_parts(self, networks: Sequence[Network], steps: int = 0) -> np.ndarray:
        """(n, smooth): the encoder's means, after ``steps`` of refining."""
        means = self.means(networks)
        if not steps:
            return means
        return refine(self.model, means, [self.tokens(n) for n in networks], steps)

    def snap(self, smooth: np.ndarray) -> np.ndarray:
        """(..., smooth) -> the nearest points of the codec's grid, in float64.

        What the exact part's bits mean depends on the smooth part to the last digit: on a
        grid as wide as the posterior's deviation, small noise in it changes nothing.
        """
        grid = self.model.grid.double().numpy()
        return np.round(np.nan_to_num(smooth.astype(np.float64)) / grid) * grid

    def tokens(self, network: Network) -> list[int]:
        """The tokens of a network's program."""
        return self.vocabulary.numbers(network.program.lines)

    def means(self, networks: Sequence[Network]) -> np.ndarray:
        """(n, smooth) float32: what the encoder gives the networks' designs."""
        return self.posterior(networks)[0]

    @torch.inference_mode()
    def posterior(self, networks: Sequence[Network]) -> tuple[np.ndarray, np.ndarray]:
        """(n, smooth) means and standard deviations of the smooth part."""
        tokens = [self.tokens(design_or_itself(network)) for network in networks]
        means, deviations = [], []
        for row in tokens:  # one by one: a network's vector depends on no other's length
            mean, log_variance = self.model.encode(torch.tensor([row]))
            means.append(mean[0].numpy())
            deviations.append((log_variance[0] / 2).exp().numpy())
        shape = (len(networks), self.smooth)
        return np.reshape(means, shape), np.reshape(deviations, shape)

    def bits(self, smooth: np.ndarray, tokens: Sequence[int]) -> float:
        """The bits that a program needs besides the smooth part."""
        return cost(*self._scored(smooth, tokens))

    def _scored(
        self, smooth: np.ndarray, tokens: Sequence[int]
    ) -> tuple[list[int], list[np.ndarray]]:
        """The class of every token within its kind, and the probabilities of all of them."""
        chances = [probabilities(known) for known in self._writer.score(smooth, tokens)]
        return self._writer.classes(tokens), chances

    def _code(self, network: Network, tokens: Sequence[int], smooth: np.ndarray) -> Code:
        bits = to_bits(*self._scored(smooth, tokens))
        numbers = self.width - self.smooth
        kept, rest = bits[: capacity(numbers)], bits[capacity(numbers) :]
        vector = np.concatenate([smooth, to_numbers(kept, numbers)]).astype(np.float16)
        residual = np.packbits(rest).tobytes()
        return Code(
            self.name, self.digest, network.fingerprint, vector, residual, len(rest), len(kept)
        )

    def draft_with_residual(self, code: Code) -> Draft:
        return self.drafts_with_residuals([code])[0]

    def drafts_with_residuals(self, codes: Sequence[Code]) -> list[Draft]:
        """What several codes say, together, their residuals included."""
        vectors, residuals = [c.vector for c in codes], [c.residual for c in codes]
        return [draft or () for draft in self._drafts(vectors, residuals, LONGEST)]

    def draft(self, vector: np.ndarray) -> Draft:
        return self.drafts([vector])[0]

    def drafts(self, vectors: Sequence[np.ndarray], most: Most = MOST_TOKENS) -> list[Draft]:
        """:meth:`draft` of several vectors, together; an empty one where ``most`` tokens (of
        all, or of each) come to no end.

        A vector that no network was made into says lines that fit no network: those are
        passed over, and what its bits say next is read in their place; what no Output uses in
        the end is left out.
        """
        found = self.spelled(vectors, most)
        broken = [i for i, draft in enumerate(found) if valid(draft) is None]
        limits = most if isinstance(most, int) else [most[i] for i in broken]
        none = [b""] * len(broken)
        mended = self._drafts([vectors[i] for i in broken], none, limits, PATIENCE)
        for place, draft in zip(broken, mended, strict=True):
            found[place] = used(draft or ())
        return found

    def spelled(self, vectors: Sequence[np.ndarray], most: Most = MOST_TOKENS) -> list[Draft]:
        """:meth:`drafts` to the letter, whether or not their lines fit one another."""
        return [d or () for d in self._drafts(vectors, [b""] * len(vectors), most)]

    def likeliest(
        self, smooth: np.ndarray, most: Most = MOST_TOKENS, patience: int | None = 1
    ) -> list[Draft | None]:
        """(n, smooth) -> what the decoder thinks likeliest given the smooth part alone; None
        where it comes to no end. Lines that fit no network are passed over, and what no Output
        uses is left out, but for a ``patience`` of None."""
        parts = [
            self._writer.write(
                smooth[start : start + AT_ONCE], likeliest, _part(most, start), patience
            )
            for start in range(0, len(smooth), AT_ONCE)
        ]
        drafts = [_draft(lines) for part in parts for lines in part]
        if patience is None:
            return drafts
        return [None if draft is None else used(draft) for draft in drafts]

    def _drafts(
        self,
        vectors: Sequence[np.ndarray],
        residuals: Sequence[bytes],
        most: Most,
        patience: int | None = None,
    ) -> list[Draft | None]:
        found: list[Draft | None] = []
        for start in range(0, len(vectors), AT_ONCE):
            part = np.stack(vectors[start : start + AT_ONCE]).astype(np.float16)
            readers = [
                BitReader(np.concatenate([from_numbers(v), _bits(r)]))
                for v, r in zip(part[:, self.smooth :], residuals[start:], strict=False)
            ]
            written = self._writer.write(
                self.snap(part[:, : self.smooth]),
                lambda row, known, readers=readers: readers[row].read(probabilities(known)),  # type: ignore[misc]
                _part(most, start),
                patience,
            )
            found += map(_draft, written)
        return found

    def vertex_vectors(self, network: Network) -> np.ndarray:
        """(vertices, 16) float32: what the encoder knows of each vertex in its network."""
        return vertex_vectors(self.model, self.vocabulary, network)


def used(draft: Draft) -> Draft:
    """What the Output of a draft uses, in canonical order; the draft itself where that is
    nothing."""
    ends = [i for i, vertex in enumerate(draft) if vertex.operator == OUTPUT]
    try:
        return canonicalise(draft, ends[-1])[0].vertices if ends else draft
    except InvalidNetwork:
        return draft


def _draft(lines: Sequence[Line] | None) -> Draft | None:
    if lines is None:
        return None
    try:
        return Program(tuple(lines)).draft
    except InvalidNetwork:  # more vertices than any network has
        return None


def _part(most: Most, start: int) -> Most:
    return most if isinstance(most, int) else most[start : start + AT_ONCE]


def _bits(packed: bytes) -> np.ndarray:
    return np.unpackbits(np.frombuffer(packed, np.uint8)).astype(bool)

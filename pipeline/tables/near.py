"""Networks that are nearly another one, whatever their names say.

Two networks are near when the edit distance of their vertices in canonical order, over the
longer one's length, is under a limit. A vertex is compared whole: its operator, attributes,
and operands by how far back they stand.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Hashable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from math import ceil

from rapidfuzz.distance import Levenshtein

from pipeline.graph.network import Network

LIMIT = 0.2
SURROGATES = 0xD800  # no characters from here on ...
AFTER_SURROGATES = 0xE000  # ... to here


@dataclass(frozen=True, slots=True)
class Relative:
    """The network that another one is nearest to, and how far it is: a share of 0 to 1."""

    near: str
    distance: float


def vertex_words(network: Network) -> tuple[Hashable, ...]:
    """A network as a sequence that edits can be counted in: one word a vertex."""
    return tuple(
        (
            vertex.operator,
            vertex.attributes,
            tuple((index - o.source, o.output, o.position) for o in vertex.operands),
        )
        for index, vertex in enumerate(network.vertices)
    )


def near_relatives(
    held_out: Mapping[str, Sequence[Hashable]],
    others: Mapping[str, Sequence[Hashable]],
    limit: float = LIMIT,
) -> dict[str, Relative]:
    """Names and words of networks -> those of ``others`` nearer than ``limit`` to a held-out
    one, or to one that is itself near: afterwards no other is near to any of them."""
    compare = _comparison(limit)
    spell = Spelling().spell
    frontier = {name: spell(words) for name, words in held_out.items()}
    rest = {name: spell(words) for name, words in others.items()}
    found: dict[str, Relative] = {}
    while frontier:
        moved = {}
        for name, text in rest.items():
            near = [
                Relative(other, distance)
                for other, known in frontier.items()
                if (distance := compare(text, known)) is not None
            ]
            if near:
                moved[name] = min(
                    near, key=lambda relative: (relative.distance, relative.near)
                )
        found |= moved
        frontier = {name: rest.pop(name) for name in moved}
    return found


@dataclass(frozen=True, slots=True)
class _Text:
    """A sequence of words, each a character, and how often each occurs."""

    text: str
    counts: Counter[str]


@dataclass
class Spelling:
    """Every word that was met, and the character that stands for it: sequences of anything
    as text, which edit distances are fast on."""

    characters: dict[Hashable, str] = field(default_factory=dict)
    unused: Iterator[int] = field(
        default_factory=lambda: iter([*range(SURROGATES), *range(AFTER_SURROGATES, 0x110000)])
    )

    def spell(self, words: Sequence[Hashable]) -> _Text:
        """Raises ValueError beyond the 1,112,064 characters of Unicode."""
        for word in words:
            if word not in self.characters:
                self.characters[word] = self._next()
        text = "".join(self.characters[word] for word in words)
        return _Text(text, Counter(text))

    def _next(self) -> str:
        code = next(self.unused, None)
        if code is None:
            raise ValueError("more distinct words than there are characters")
        return chr(code)


def _comparison(limit: float) -> Callable[[_Text, _Text], float | None]:
    """Distance of two texts if it is under ``limit``, else None. Bounds come first: a length,
    or a count of words, that differs too much needs no alignment."""

    def compare(first: _Text, second: _Text) -> float | None:
        longer = max(len(first.text), len(second.text))
        most = ceil(limit * longer) - 1  # edits
        if abs(len(first.text) - len(second.text)) > most:
            return None
        if longer - (first.counts & second.counts).total() > most:
            return None
        edits = Levenshtein.distance(first.text, second.text, score_cutoff=most)
        return edits / longer if edits <= most else None

    return compare

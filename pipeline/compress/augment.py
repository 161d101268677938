"""Edited networks without end: what codecs of whole networks are trained on besides the real.

Each is a training network after one to three random edits, or two of them spliced, and valid:
its shapes agree from input to output. They are made in shards, each a function of its number
and the seed, so that making them can be interrupted, shared out and gone on with.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from functools import partial
from multiprocessing import get_context
from pathlib import Path
from random import Random

import numpy as np
from safetensors.numpy import load_file, save

from pipeline.atomic import write_atomically
from pipeline.compress.vocabulary import Vocabulary
from pipeline.design.design import design_of
from pipeline.errors import ModelError
from pipeline.graph.canonical import canonicalise
from pipeline.graph.network import OUTPUT, Network, Vertex
from pipeline.program.edits import EDITS, splice
from pipeline.progress import track

SHARD = 250  # networks
SPLICED = 0.15  # the share that is two networks spliced
MOST_EDITS = 3
MOST_VERTICES = 600  # of a network that is edited


@dataclass(frozen=True)
class Example:
    """The token numbers of a network and of its design, and of which network it is made."""

    exact: np.ndarray
    design: np.ndarray
    parent: int


def example_of(
    network: Network, design: Network, vocabulary: Vocabulary, parent: int = -1
) -> Example:
    """A network and its design -> what a codec is trained on."""
    exact, inference = (
        np.array(vocabulary.numbers(n.program.lines), np.int32) for n in (network, design)
    )
    return Example(exact, inference, parent)


@dataclass(frozen=True)
class Parents:
    """Networks to edit, and how often each is chosen relative to the others."""

    networks: Sequence[Network]
    weights: Sequence[float]

    def draw(self, random: Random) -> int:
        """The index of one that is not too large to be edited."""
        while True:
            (index,) = random.choices(range(len(self.networks)), self.weights)
            if len(self.networks[index]) <= MOST_VERTICES:
                return index


def parents_of(networks: Sequence[Network], groups: Sequence[str]) -> Parents:
    """Networks and the group of each -> parents of which no group has more than the square
    root of its share, so that a thousand cells of one space do not crowd out the others."""
    sizes = Counter(groups)
    return Parents(networks, [sizes[group] ** -0.5 for group in groups])


def make_examples(
    parents: Parents, vocabulary: Vocabulary, count: int, seed: int,
    directory: Path, processes: int,
) -> list[Example]:  # fmt: skip
    """At least ``count`` edited networks, from shards in ``directory``; those that are there
    are not made again."""
    directory.mkdir(parents=True, exist_ok=True)
    paths = [_shard(directory, seed, number) for number in range(-(-count // SHARD))]
    missing = [i for i, path in enumerate(paths) if not path.exists()]
    make = partial(_write_shard, parents, vocabulary, seed, directory)
    with ProcessPoolExecutor(processes, mp_context=get_context("fork")) as pool:
        for _ in track(pool.map(make, missing), "edited networks, shards", len(missing)):
            pass
    return [example for path in paths for example in read_examples(path)]


def spell_out(examples: Sequence[Example], vocabulary: Vocabulary, seed: int) -> list[Example]:
    """The same networks, a few of their words spelled out."""
    random = Random(seed)
    return [
        Example(
            np.array(vocabulary.spelled_out(vocabulary.lines(e.exact), random), np.int32),
            np.array(vocabulary.spelled_out(vocabulary.lines(e.design), random), np.int32),
            e.parent,
        )
        for e in track(examples, "words spelled out")
    ]


def read_examples(path: Path) -> Iterator[Example]:
    """The examples of a shard."""
    arrays = load_file(path)
    exact = np.split(arrays["exact"], arrays["exact_ends"][:-1])
    design = np.split(arrays["design"], arrays["design_ends"][:-1])
    for parts in zip(exact, design, arrays["parents"].tolist(), strict=True):
        yield Example(*parts)


def _write_shard(
    parents: Parents, vocabulary: Vocabulary, seed: int, directory: Path, number: int
) -> None:
    random = Random(f"{seed}:{number}")
    examples = [_draw(parents, vocabulary, random) for _ in range(SHARD)]
    arrays = {
        "exact": np.concatenate([e.exact for e in examples]),
        "exact_ends": np.cumsum([len(e.exact) for e in examples]),
        "design": np.concatenate([e.design for e in examples]),
        "design_ends": np.cumsum([len(e.design) for e in examples]),
        "parents": np.array([e.parent for e in examples]),
    }
    path = _shard(directory, seed, number)
    write_atomically(path, save({k: np.ascontiguousarray(v) for k, v in arrays.items()}))


def _shard(directory: Path, seed: int, number: int) -> Path:
    return directory / f"edited-{seed}-{number:04}.safetensors"


def _draw(parents: Parents, vocabulary: Vocabulary, random: Random) -> Example:
    while True:
        parent = parents.draw(random)
        try:
            edited = edit(parent, parents, random)
            if edited.fingerprint != parents.networks[parent].fingerprint:
                return example_of(edited, design_of(edited), vocabulary, parent)
        except ModelError:
            continue


def edit(parent: int, parents: Parents, random: Random) -> Network:
    """A few random edits of a network, or its beginning with another's end.

    Raises InvalidNetwork where they give no graph.
    """
    network = parents.networks[parent]
    if random.random() < SPLICED:
        return in_order(splice(network, parents.networks[parents.draw(random)], random))
    for _ in range(random.randint(1, MOST_EDITS)):
        network = in_order(random.choice(list(EDITS.values()))(network, random))
    return network


def in_order(draft: Sequence[Vertex]) -> Network:
    """A draft in canonical order. Raises InvalidNetwork."""
    sink = max(i for i, vertex in enumerate(draft) if vertex.operator == OUTPUT)
    return canonicalise(draft, sink)[0]

"""Whether near vectors are near networks: distances, and what is found first.

Beside the codec's vectors stand those that need no learning: the size of a network, how often
it has each operator, and a random projection of that.
"""

from __future__ import annotations

from collections.abc import Sequence
from random import Random
from typing import Any

import numpy as np
from scipy.stats import spearmanr

from pipeline.compress.augment import in_order
from pipeline.compress.programs import edit_distances
from pipeline.decode.codec import Codec, valid
from pipeline.design.design import design_or_itself
from pipeline.errors import ModelError
from pipeline.evaluate.intervals import share
from pipeline.graph.network import Network
from pipeline.program.edits import EDITS
from pipeline.progress import track

PROJECTED = 64  # numbers of the random projection
FOUND = (1, 5)  # among how many neighbours it counts
Spaces = dict[str, np.ndarray]  # a row a network each


def measure_distances(
    networks: Sequence[Network],
    means: Sequence[np.ndarray],
    pairs: int,
    random: np.random.Generator,
) -> dict[str, Any]:
    """Spearman's correlation with the networks' edit distances: of the smooth parts' (without
    a name), and of the trivial vectors', over random pairs."""
    n = len(networks)
    if n < 3:
        return {"distance_spearman": None, "distance_pairs": 0}
    rows, columns = random.integers(0, n, (2, pairs))
    apart = rows != columns
    rows, columns = rows[apart], columns[apart]
    wanted = edit_distances(networks)[rows, columns]
    spaces = {"": np.stack(means)} | trivial_spaces(networks, random)
    found: dict[str, Any] = {"distance_pairs": len(rows)}
    for name, space in spaces.items():
        distances = np.linalg.norm(space[rows] - space[columns], axis=1)
        found[f"distance_spearman{name}"] = float(spearmanr(distances, wanted).statistic)
    return found


def measure_retrieval(
    codec: Codec,
    networks: Sequence[Network],
    means: Sequence[np.ndarray],
    queries: int,
    random: np.random.Generator,
) -> dict[str, Any]:
    """Queries by networks that are nearly one of ``networks``: its inference form, another
    spelling of it (``respelled``), and it after one random edit (``edited``). The shares of
    those that find it first, and among the first five."""
    chosen = sorted(random.permutation(len(networks))[:queries].tolist())
    source = Random(int(random.integers(2**31)))
    asked: dict[str, list[tuple[int, Network]]] = {
        "respelled": [
            (place, design)
            for place in track(chosen, "respell")
            if (design := design_or_itself(networks[place])) != networks[place]
        ],
        "edited": [
            (place, edited)
            for place in track(chosen, "edit")
            if (edited := _edited(networks[place], source)) is not None
        ],
    }
    found: dict[str, Any] = {}
    for name, pairs in asked.items():
        places, queried = [place for place, _ in pairs], [network for _, network in pairs]
        trivial = trivial_spaces([*networks, *queried], random)
        spaces = {"": np.concatenate([np.stack(means), codec.means(queried)])} | trivial
        for space, vectors in spaces.items():
            ranks = _ranks(vectors[: len(networks)], vectors[len(networks) :], places)
            for most in FOUND:
                found[f"{name}_found_{most}{space}"] = share([r < most for r in ranks])
    return found


def _ranks(known: np.ndarray, asked: np.ndarray, places: Sequence[int]) -> list[int]:
    """How many of ``known`` (n, d) are nearer to each of ``asked`` (m, d) than the one at its
    place is."""
    ranks = []
    for vector, place in zip(asked, places, strict=True):
        distances = np.linalg.norm(known - vector, axis=1)
        ranks.append(int((distances < distances[place] * (1 - 1e-9)).sum()))
    return ranks


def _edited(network: Network, random: Random) -> Network | None:
    """A network after one random edit; None where that gives no other network."""
    try:
        draft = random.choice(list(EDITS.values()))(network, random)
        edited = in_order(draft)
    except ModelError:
        return None
    return edited if valid(edited.vertices) is not None and edited != network else None


def trivial_spaces(networks: Sequence[Network], random: np.random.Generator) -> Spaces:
    """Vectors that nothing was learned for, by what is appended to a measure's name."""
    counts = _operator_counts(networks)
    return {
        "_size": np.log([[len(network)] for network in networks]),
        "_operators": counts,
        "_random_projection": counts @ random.standard_normal((counts.shape[1], PROJECTED)),
    }


def _operator_counts(networks: Sequence[Network]) -> np.ndarray:
    """(n, operators): logarithms of one more than how often each occurs."""
    names = sorted({v.operator for network in networks for v in network.vertices})
    counts = np.zeros((len(networks), len(names)))
    for row, network in enumerate(networks):
        for vertex in network.vertices:
            counts[row, names.index(vertex.operator)] += 1
    return np.log1p(counts)
